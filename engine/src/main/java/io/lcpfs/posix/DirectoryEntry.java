package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;

/**
 * What a directory's ZAP holds for a name, in 64 bits: from the lowest, object number 48, low bits
 * of the generation 12, type 4 (DT_REG and so on).
 */
final class DirectoryEntry {
  /** What a ZAP answers for a name that it does not hold; never a valid entry. */
  static final long ABSENT = -1;

  private static final int INODE_BITS = 48;
  private static final int GENERATION_BITS = 12;
  private static final long INODE_MASK = (1L << INODE_BITS) - 1;
  private static final long GENERATION_MASK = (1L << GENERATION_BITS) - 1;
  private static final int TYPE_SHIFT = INODE_BITS + GENERATION_BITS;

  private DirectoryEntry() {}

  static long of(long inode, ZnodeRecord record) {
    return inode
        | ((record.generation & GENERATION_MASK) << INODE_BITS)
        | ((long) Mode.entryType(record.mode) << TYPE_SHIFT);
  }

  /** Decodes the object number, checking what can be checked without the object. */
  static long inode(long entry) {
    long inode = entry & INODE_MASK;
    if (inode == 0 || Mode.objectType(type(entry) << 12) == null) {
      throw corrupt("directory_entry.value", entry);
    }
    return inode;
  }

  static int type(long entry) {
    return (int) (entry >>> TYPE_SHIFT);
  }

  /** Whether the entry is one for the file with this record. */
  static boolean fits(long entry, ZnodeRecord record) {
    return type(entry) == Mode.entryType(record.mode)
        && ((entry >>> INODE_BITS) & GENERATION_MASK) == (record.generation & GENERATION_MASK);
  }
}
