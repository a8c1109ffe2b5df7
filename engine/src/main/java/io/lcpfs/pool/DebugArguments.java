package io.lcpfs.pool;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.format.Dva;
import java.util.ArrayList;
import java.util.List;

/**
 * What a person gave to narrow down what is printed.
 *
 * @param words what is neither of the following
 * @param verbose {@code -v} or {@code verbose}
 * @param limit most lines, {@code limit=N}
 */
record DebugArguments(List<String> words, boolean verbose, int limit) {
  static final int DEFAULT_LIMIT = 10_000;
  static final int MAX_LIMIT = 1_000_000;

  private static final String LIMIT = "limit=";

  /** An address with the number of bytes that is meant; 0 for what is usual. */
  record Address(long dva, int bytes) {}

  static DebugArguments parse(List<String> arguments) {
    List<String> words = new ArrayList<>();
    boolean verbose = false;
    int limit = DEFAULT_LIMIT;
    for (String argument : arguments) {
      if (argument.equals("-v") || argument.equals("verbose")) {
        verbose = true;
      } else if (argument.startsWith(LIMIT)) {
        limit = (int) number(argument.substring(LIMIT.length()), 1, MAX_LIMIT, "limit=LINES");
      } else {
        words.add(argument);
      }
    }
    return new DebugArguments(List.copyOf(words), verbose, limit);
  }

  /** Refuses (EINVAL) any other number of words. */
  void expect(int least, int most, String usage) {
    if (words.size() < least || words.size() > most) {
      throw usage(usage);
    }
  }

  static PoolException usage(String usage) {
    return PoolException.refused(
        Errno.EINVAL,
        "understood is: " + usage + " (and limit=LINES, 1 to " + MAX_LIMIT + "; verbose)");
  }

  /** A decimal number in a range. */
  static long number(String text, long least, long most, String usage) {
    try {
      long value = Long.parseLong(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      throw notUnderstood(text, least, most, usage, e);
    }
    throw notUnderstood(text, least, most, usage, null);
  }

  private static PoolException notUnderstood(
      String text,
      long least,
      long most,
      String usage,
      @org.jspecify.annotations.Nullable Throwable cause) {
    PoolException refusal =
        PoolException.refused(
            Errno.EINVAL,
            "'"
                + text
                + "' is no number from "
                + least
                + " to "
                + most
                + "; understood is: "
                + usage);
    if (cause != null) {
      refusal.addSuppressed(cause);
    }
    return refusal;
  }

  /** {@code metaslab:offset[:size]}, as block pointers are printed: the offset in hexadecimal. */
  static Address address(String text, String usage) {
    String[] parts = text.split(":", -1);
    if (parts.length < 2 || parts.length > 3) {
      throw usage(usage);
    }
    int metaslab = (int) number(parts[0], 1, Dva.MAX_METASLAB, usage);
    String hex = parts[1].startsWith("0x") ? parts[1].substring(2) : parts[1];
    if (hex.endsWith("G")) {
      hex = hex.substring(0, hex.length() - 1); // the mark of a gang's header
    }
    long offset;
    try {
      offset = Long.parseLong(hex, 16);
    } catch (NumberFormatException e) {
      throw usage(usage);
    }
    if (offset < 0 || offset % Disk.SECTOR_BYTES != 0 || offset / Disk.SECTOR_BYTES >= 1L << 40) {
      throw PoolException.refused(
          Errno.EINVAL,
          "offset " + parts[1] + " is not a multiple of 512 within a metaslab, in hexadecimal");
    }
    int bytes = parts.length == 2 ? 0 : (int) number(parts[2], 1, 16 << 20, usage);
    return new Address(Dva.of(metaslab, offset), bytes);
  }

  /** Bytes rounded up to whole sectors. */
  static int wholeSectors(int bytes, int sectorBytes) {
    return Math.ceilDiv(bytes, sectorBytes) * sectorBytes;
  }
}
