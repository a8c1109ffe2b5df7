package io.lcpfs.posix;

/**
 * A time for utimensat.
 *
 * @param seconds since 1970
 * @param nanos 0 to 999,999,999, or one of the two special values
 */
public record Timespec(long seconds, int nanos) {
  /** {@link #nanos} that ask for the time of the call. */
  public static final int UTIME_NOW = (1 << 30) - 1;

  /** {@link #nanos} that leave the time as it is. */
  public static final int UTIME_OMIT = (1 << 30) - 2;

  public static final Timespec NOW = new Timespec(0, UTIME_NOW);
  public static final Timespec OMIT = new Timespec(0, UTIME_OMIT);

  boolean isNow() {
    return nanos == UTIME_NOW;
  }

  boolean isOmitted() {
    return nanos == UTIME_OMIT;
  }
}
