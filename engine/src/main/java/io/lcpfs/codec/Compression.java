package io.lcpfs.codec;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;

/**
 * What a dataset asks for: an algorithm and, for ZSTD 1-19 and LZMA 0-9, a level. Parsed from and
 * printed as the property value: {@code off}, {@code lz4}, {@code zstd}, {@code zstd-7}, {@code
 * lzma}, {@code lzma-2}. A value without a level means the algorithm's usual one, 3 and 6.
 */
public record Compression(CompressionType type, int level) {
  public static final Compression OFF = new Compression(CompressionType.OFF, 0);
  public static final Compression LZ4 = new Compression(CompressionType.LZ4, 0);
  public static final Compression ZSTD_DEFAULT = new Compression(CompressionType.ZSTD, 3);
  public static final Compression LZMA_DEFAULT = new Compression(CompressionType.LZMA, 6);

  private static final int ZSTD_FIRST = 1;
  private static final int ZSTD_LAST = 19;
  private static final int LZMA_LAST = 9;

  public Compression {
    boolean known =
        switch (type) {
          case OFF, LZ4 -> level == 0;
          case ZSTD -> level >= ZSTD_FIRST && level <= ZSTD_LAST;
          case LZMA -> level >= 0 && level <= LZMA_LAST;
        };
    Check.that(known, "compression level", level);
  }

  /**
   * Reads a property value.
   *
   * @throws PoolException EINVAL, naming the allowed values, for anything else
   */
  public static Compression parse(String value) {
    return switch (value) {
      case "off" -> OFF;
      case "lz4" -> LZ4;
      case "zstd" -> ZSTD_DEFAULT;
      case "lzma" -> LZMA_DEFAULT;
      default -> parseWithLevel(value);
    };
  }

  private static Compression parseWithLevel(String value) {
    int dash = value.indexOf('-');
    if (dash > 0) {
      int level = level(value, dash + 1);
      String name = value.substring(0, dash);
      if (name.equals("zstd") && level >= ZSTD_FIRST && level <= ZSTD_LAST) {
        return new Compression(CompressionType.ZSTD, level);
      }
      if (name.equals("lzma") && level >= 0 && level <= LZMA_LAST) {
        return new Compression(CompressionType.LZMA, level);
      }
    }
    throw PoolException.refused(
        Errno.EINVAL,
        "compression '"
            + value
            + "' is none of off, lz4, zstd, zstd-1 to zstd-19, lzma, lzma-0"
            + " to lzma-9");
  }

  /** One or two digits without a leading zero; -1 for anything else. */
  private static int level(String value, int from) {
    int digits = value.length() - from;
    if (digits < 1 || digits > 2 || (digits == 2 && value.charAt(from) == '0')) {
      return -1;
    }
    int level = 0;
    for (int i = from; i < value.length(); i++) {
      char digit = value.charAt(i);
      if (digit < '0' || digit > '9') {
        return -1;
      }
      level = level * 10 + (digit - '0');
    }
    return level;
  }

  /** The property value; {@link #parse} of it gives an equal object. */
  public String propertyValue() {
    return switch (type) {
      case OFF -> "off";
      case LZ4 -> "lz4";
      case ZSTD -> equals(ZSTD_DEFAULT) ? "zstd" : "zstd-" + level;
      case LZMA -> equals(LZMA_DEFAULT) ? "lzma" : "lzma-" + level;
    };
  }
}
