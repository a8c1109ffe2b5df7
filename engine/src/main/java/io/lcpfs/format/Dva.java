package io.lcpfs.format;

/**
 * A data virtual address in 64 bits: gang 1 (bit 63), metaslab 23 (bits 40-62), offset 40 in units
 * of 512 bytes. Metaslab ids start at 1, so 0 is no address. Kept as a long: there are millions.
 */
public final class Dva {
  public static final long NONE = 0;
  public static final int MAX_METASLAB = (1 << 23) - 1;
  private static final long OFFSET_MASK = (1L << 40) - 1;
  private static final long GANG = 1L << 63;

  private Dva() {}

  /** An address from a metaslab id and an offset in bytes within the metaslab. */
  public static long of(int metaslab, long offsetBytes) {
    return ((long) metaslab << 40) | (offsetBytes / Disk.SECTOR_BYTES);
  }

  /** The same address, marked as that of a gang header. */
  public static long gang(long dva) {
    return dva | GANG;
  }

  public static boolean isGang(long dva) {
    return dva < 0;
  }

  public static int metaslab(long dva) {
    return (int) (dva >>> 40) & MAX_METASLAB;
  }

  public static long offsetBytes(long dva) {
    return (dva & OFFSET_MASK) * Disk.SECTOR_BYTES;
  }

  /** For people: {@code metaslab:offset}, with a trailing G for a gang header. */
  public static String toString(long dva) {
    return metaslab(dva) + ":" + Long.toHexString(offsetBytes(dva)) + (isGang(dva) ? "G" : "");
  }
}
