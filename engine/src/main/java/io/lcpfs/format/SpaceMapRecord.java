package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.StructLayout;

/**
 * The 8-byte records of a space map, as longs (there are millions). Bits 62-63 are the type.
 *
 * <ul>
 *   <li>TXG (0): bits 0-61 the txg, at least 1, of the records that follow; it only grows. Records
 *       before the first one are older than all that follow.
 *   <li>ALLOC (1), FREE (2): one block each, never merged. Bits 0-39 offset in the metaslab, bits
 *       40-61 length, both in units of 512 bytes.
 *   <li>BITMAP (3): bits 0-39 offset and 40-61 number of sectors of the group that it covers; then
 *       follow ceil(sectors / 32) words with 2 bits for each sector, lowest first: 0 says nothing,
 *       1 the first sector of an allocated block, 2 one that continues it, 3 allocated as padding
 *       of no block. A bitmap stands for the ALLOC records of blocks that lie within it.
 * </ul>
 */
public final class SpaceMapRecord {
  public static final int BYTES = 8;
  public static final int TXG = 0;
  public static final int ALLOC = 1;
  public static final int FREE = 2;
  public static final int BITMAP = 3;

  /** Most units of 512 bytes in a record's length. */
  public static final int MAX_LENGTH = (1 << 22) - 1;

  /** Largest offset in units of 512 bytes. */
  public static final long MAX_OFFSET = (1L << 40) - 1;

  /** Cells of a bitmap. */
  public static final int CELL_NONE = 0;

  public static final int CELL_START = 1;
  public static final int CELL_CONTINUED = 2;
  public static final int CELL_PADDING = 3;
  public static final int CELLS_PER_WORD = 32;

  public static final StructLayout LAYOUT = structLayout(U64.withName("record"));

  private static final long LOW_MASK = (1L << 62) - 1;

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "space map record size", LAYOUT.byteSize());
  }

  private SpaceMapRecord() {}

  public static int type(long record) {
    return (int) (record >>> 62);
  }

  /** A marker: what follows belongs to {@code txg}. */
  public static long txg(long txg) {
    Check.that(txg > 0 && txg <= LOW_MASK, "space map txg", txg);
    return txg;
  }

  /** The txg of a marker; Corrupt for 0. */
  public static long txgOf(long record) {
    long txg = record & LOW_MASK;
    if (txg == 0) {
      throw corrupt("space_map.txg", 0);
    }
    return txg;
  }

  /** An ALLOC or FREE of a block; offset and length in bytes, multiples of 512. */
  public static long block(int type, long offsetBytes, long lengthBytes) {
    return extent(type, offsetBytes, lengthBytes / Disk.SECTOR_BYTES);
  }

  /** A BITMAP from {@code offsetBytes} on, of {@code sectors} sectors of the group. */
  public static long bitmap(long offsetBytes, int sectors) {
    return extent(BITMAP, offsetBytes, sectors);
  }

  private static long extent(int type, long offsetBytes, long length) {
    long offset = offsetBytes / Disk.SECTOR_BYTES;
    Check.that(offsetBytes >= 0 && offset <= MAX_OFFSET, "space map offset", offsetBytes);
    Check.that(length > 0 && length <= MAX_LENGTH, "space map length", length);
    return ((long) type << 62) | (length << 40) | offset;
  }

  /** Offset in bytes within the metaslab, of any record but a TXG. */
  public static long offsetBytes(long record) {
    return (record & MAX_OFFSET) * Disk.SECTOR_BYTES;
  }

  /** Bits 40-61: length in units of 512 bytes of a block, in sectors of a bitmap. */
  public static int length(long record) {
    return (int) (record >>> 40) & MAX_LENGTH;
  }

  /** Length in bytes of an ALLOC or FREE. */
  public static long lengthBytes(long record) {
    return (long) length(record) * Disk.SECTOR_BYTES;
  }
}
