package io.lcpfs.posix;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * What stat tells, in the 64 bytes of a C structure of the same fields: natural alignment and the
 * machine's byte order, four bytes of padding before {@code blocks}. {@link FullStat} has more.
 *
 * @param device the file system's number
 * @param mode type and permission bits, see {@link Mode}
 * @param rdev of a device node
 * @param size in bytes
 * @param blockBytes the preferred size of a transfer
 * @param blocks allocated space in units of 512 bytes
 */
public record FileStat(
    long device,
    long inode,
    int mode,
    int nlink,
    int uid,
    int gid,
    long rdev,
    long size,
    int blockBytes,
    long blocks) {

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  /** The fields under their names in C. */
  public static final StructLayout LAYOUT =
      structLayout(
          LONG.withName("st_dev"),
          LONG.withName("st_ino"),
          INT.withName("st_mode"),
          INT.withName("st_nlink"),
          INT.withName("st_uid"),
          INT.withName("st_gid"),
          LONG.withName("st_rdev"),
          LONG.withName("st_size"),
          INT.withName("st_blksize"),
          paddingLayout(4),
          LONG.withName("st_blocks"));

  public static final int BYTES = 64;

  private static final VarHandle DEVICE = LAYOUT.varHandle(groupElement("st_dev"));
  private static final VarHandle INODE = LAYOUT.varHandle(groupElement("st_ino"));
  private static final VarHandle MODE = LAYOUT.varHandle(groupElement("st_mode"));
  private static final VarHandle NLINK = LAYOUT.varHandle(groupElement("st_nlink"));
  private static final VarHandle UID = LAYOUT.varHandle(groupElement("st_uid"));
  private static final VarHandle GID = LAYOUT.varHandle(groupElement("st_gid"));
  private static final VarHandle RDEV = LAYOUT.varHandle(groupElement("st_rdev"));
  private static final VarHandle SIZE = LAYOUT.varHandle(groupElement("st_size"));
  private static final VarHandle BLOCK_BYTES = LAYOUT.varHandle(groupElement("st_blksize"));
  private static final VarHandle BLOCKS = LAYOUT.varHandle(groupElement("st_blocks"));
  private static final long PADDING = 52;

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "file_stat size", LAYOUT.byteSize());
    checkOffset("st_dev", 0);
    checkOffset("st_ino", 8);
    checkOffset("st_mode", 16);
    checkOffset("st_nlink", 20);
    checkOffset("st_uid", 24);
    checkOffset("st_gid", 28);
    checkOffset("st_rdev", 32);
    checkOffset("st_size", 40);
    checkOffset("st_blksize", 48);
    checkOffset("st_blocks", 56);
  }

  private static void checkOffset(String field, long expected) {
    long offset = LAYOUT.byteOffset(groupElement(field));
    Check.that(offset == expected, field + " offset", offset);
  }

  /** The part of {@code attr} that this structure holds. */
  public static FileStat of(long device, Attr attr) {
    return new FileStat(
        device,
        attr.inode(),
        attr.mode(),
        (int) attr.nlink(),
        attr.uid(),
        attr.gid(),
        attr.rdev(),
        attr.size(),
        attr.blockBytes(),
        attr.blocks512());
  }

  /** Writes the {@link #BYTES} of the structure; padding becomes zero. */
  public void writeTo(MemorySegment target, long offsetBytes) {
    DEVICE.set(target, offsetBytes, device);
    INODE.set(target, offsetBytes, inode);
    MODE.set(target, offsetBytes, mode);
    NLINK.set(target, offsetBytes, nlink);
    UID.set(target, offsetBytes, uid);
    GID.set(target, offsetBytes, gid);
    RDEV.set(target, offsetBytes, rdev);
    SIZE.set(target, offsetBytes, size);
    BLOCK_BYTES.set(target, offsetBytes, blockBytes);
    target.set(INT, offsetBytes + PADDING, 0);
    BLOCKS.set(target, offsetBytes, blocks);
  }

  /** The structure at {@code offsetBytes}. */
  public static FileStat readFrom(MemorySegment source, long offsetBytes) {
    return new FileStat(
        (long) DEVICE.get(source, offsetBytes),
        (long) INODE.get(source, offsetBytes),
        (int) MODE.get(source, offsetBytes),
        (int) NLINK.get(source, offsetBytes),
        (int) UID.get(source, offsetBytes),
        (int) GID.get(source, offsetBytes),
        (long) RDEV.get(source, offsetBytes),
        (long) SIZE.get(source, offsetBytes),
        (int) BLOCK_BYTES.get(source, offsetBytes),
        (long) BLOCKS.get(source, offsetBytes));
  }
}
