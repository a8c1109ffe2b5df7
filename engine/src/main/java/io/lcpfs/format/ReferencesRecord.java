package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * What the block references of one metaslab amount to, in the bonus of its BLOCK_REFERENCES object:
 * 64 bytes. The object's data has a count of {@link #ENTRY_BYTES} for each sector of the metaslab.
 *
 * @param metaslab whose blocks are counted
 * @param blocks blocks with further references
 * @param references the sum of their counts
 * @param storedBytes allocated for these blocks, all copies
 * @param savedBytes what their further references would take as blocks of their own
 */
public record ReferencesRecord(
    long metaslab, long blocks, long references, long storedBytes, long savedBytes) {
  public static final int BYTES = 64;

  /** A count: further references to the block that begins at a sector. */
  public static final int ENTRY_BYTES = 4;

  /** Counts in one block of the object, at most. */
  public static final int ENTRIES_PER_BLOCK = 4096;

  /** More than any pool has. */
  private static final long MAX = 1L << 62;

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("metaslab"),
          U64.withName("blocks"),
          U64.withName("references"),
          U64.withName("stored_bytes"),
          U64.withName("saved_bytes"),
          Disk.bytes("reserved", 24));

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "references size", LAYOUT.byteSize());
  }

  /** The head of an object without any. */
  public static ReferencesRecord empty(long metaslab) {
    return new ReferencesRecord(metaslab, 0, 0, 0, 0);
  }

  /** The bytes of a block of the object of a metaslab with so many sectors. */
  public static int blockBytes(long sectors) {
    long bytes = Math.min(sectors, ENTRIES_PER_BLOCK) * ENTRY_BYTES;
    return (int) ((bytes + Disk.SECTOR_BYTES - 1) / Disk.SECTOR_BYTES * Disk.SECTOR_BYTES);
  }

  /** Decodes a bonus of exactly 64 bytes. */
  public static ReferencesRecord decode(byte[] bonus) {
    if (bonus.length != BYTES) {
      throw corrupt("references.size", bonus.length);
    }
    MemorySegment at = MemorySegment.ofArray(bonus);
    ReferencesRecord head =
        new ReferencesRecord(
            Disk.u64(at, 0), Disk.u64(at, 8), Disk.u64(at, 16), Disk.u64(at, 24), Disk.u64(at, 32));
    if (head.metaslab < 1 || head.metaslab > Dva.MAX_METASLAB) {
      throw corrupt("references.metaslab", head.metaslab);
    }
    if (head.blocks < 0 || head.references < head.blocks || head.references > MAX) {
      throw corrupt("references.references", head.references);
    }
    if (head.storedBytes < 0 || head.savedBytes < head.storedBytes || head.savedBytes > MAX) {
      throw corrupt("references.saved_bytes", head.savedBytes);
    }
    return head;
  }

  /** After one more reference to a block. */
  public ReferencesRecord added(long count, long blockBytes) {
    return new ReferencesRecord(
        metaslab,
        count == 1 ? blocks + 1 : blocks,
        references + 1,
        count == 1 ? storedBytes + blockBytes : storedBytes,
        savedBytes + blockBytes);
  }

  /** After a reference to a block went, {@code left} of which are left. */
  public ReferencesRecord released(long left, long blockBytes) {
    long blocksLeft = Math.max(0, left == 0 ? blocks - 1 : blocks);
    long stored = Math.max(0, left == 0 ? storedBytes - blockBytes : storedBytes);
    return new ReferencesRecord(
        metaslab,
        blocksLeft,
        Math.max(blocksLeft, references - 1),
        stored,
        Math.max(stored, savedBytes - blockBytes));
  }

  public byte[] encode() {
    byte[] bonus = new byte[BYTES];
    MemorySegment at = MemorySegment.ofArray(bonus);
    Disk.putU64(at, 0, metaslab);
    Disk.putU64(at, 8, blocks);
    Disk.putU64(at, 16, references);
    Disk.putU64(at, 24, storedBytes);
    Disk.putU64(at, 32, savedBytes);
    return bonus;
  }
}
