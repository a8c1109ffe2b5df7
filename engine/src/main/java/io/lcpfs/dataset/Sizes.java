package io.lcpfs.dataset;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.error.ByteCount;
import io.lcpfs.error.Errno;
import java.math.BigDecimal;
import java.util.Locale;

/** Numbers of bytes as people write them: 512, 128K, 1.5G (powers of 1024; "KiB" and "KB" too). */
public final class Sizes {
  private static final String UNITS = "BKMGTPE";

  private Sizes() {}

  /**
   * Parses a size.
   *
   * @throws io.lcpfs.error.PoolException EINVAL
   */
  public static long parse(String text) {
    String upper = text.strip().toUpperCase(Locale.ROOT);
    int end = 0;
    while (end < upper.length()
        && (Character.isDigit(upper.charAt(end)) || upper.charAt(end) == '.')) {
      end++;
    }
    String unit = upper.substring(end);
    if (unit.endsWith("IB") && unit.length() == 3) {
      unit = unit.substring(0, 1);
    } else if (unit.endsWith("B") && unit.length() == 2) {
      unit = unit.substring(0, 1);
    }
    int power = unit.isEmpty() ? 0 : UNITS.indexOf(unit);
    if (end == 0 || end > 20 || power < 0 || unit.length() > 1) {
      throw notASize(text);
    }
    try {
      return new BigDecimal(upper.substring(0, end))
          .multiply(BigDecimal.valueOf(1L << (10 * power)))
          .longValueExact();
    } catch (ArithmeticException | NumberFormatException e) {
      throw notASize(text);
    }
  }

  private static RuntimeException notASize(String text) {
    return refused(
        Errno.EINVAL, "'" + text + "': is no size; write a number such as 512, 128K or 10G");
  }

  /** Three significant digits and a unit: 0B, 512B, 128K, 1.50M. */
  public static String print(long bytes) {
    return ByteCount.print(bytes);
  }
}
