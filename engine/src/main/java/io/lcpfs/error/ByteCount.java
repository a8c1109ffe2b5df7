package io.lcpfs.error;

import java.util.Locale;

/** A number of bytes in a message for people. */
public final class ByteCount {
  private static final String UNITS = "BKMGTPE";

  private ByteCount() {}

  /** Three significant digits and a unit, in powers of 1024: 0B, 512B, 128K, 1.50M. */
  public static String print(long bytes) {
    if (bytes < 0) {
      return "-" + print(bytes == Long.MIN_VALUE ? Long.MAX_VALUE : -bytes);
    }
    int power = 0;
    double value = bytes;
    while (power < UNITS.length() - 1 && value >= 1024) {
      value /= 1024;
      power++;
    }
    char unit = UNITS.charAt(power);
    if (power == 0 || (bytes & ((1L << (10 * power)) - 1)) == 0) {
      return (bytes >> (10 * power)) + "" + unit;
    }
    int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
    return String.format(Locale.ROOT, "%." + decimals + "f%c", value, unit);
  }

  /** As {@link #print}, rounded up, so that what is printed is enough when it is given again. */
  public static String printEnough(long bytes) {
    int power = 0;
    while (power < UNITS.length() - 1 && bytes >> (10 * (power + 1)) > 9) {
      power++;
    }
    long unit = 1L << (10 * power);
    long units = bytes / unit + (bytes % unit == 0 ? 0 : 1);
    return units + "" + UNITS.charAt(power);
  }
}
