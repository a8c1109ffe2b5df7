package io.lcpfs.bench.side;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What was asked for on the command line.
 *
 * @param directory where both systems put their files; on the file system to compare with
 * @param rounds measured rounds
 * @param only ids of the rows to run; empty for all
 * @param quick a sixteenth of the sizes, two rounds: for trying it out
 * @param tree a directory of small files to copy, or null to collect one from this machine
 * @param side which systems are measured
 * @param seed of the order of the rows and of all random offsets
 */
record Options(Path directory, int rounds, List<String> only, boolean quick,
    @Nullable Path tree, Side side, long seed) {

  /** Which systems are measured; one alone is for profiling. */
  enum Side {
    BOTH,
    HOST,
    LCPFS
  }

  static final int ROUNDS = 7;
  static final int QUICK_ROUNDS = 2;
  private static final long SEED = 20_261_101;
  private static final List<String> WITH_VALUE =
      List.of("--dir", "--rounds", "--only", "--tree", "--side", "--seed");

  static final String USAGE = """
      Measures LCPFS beside the JDK's default file system on the same disk, in one run.

      usage: bench [--dir DIR] [--rounds N] [--only ROW,ROW] [--quick] [--tree DIR]
                   [--side both|host|lcpfs] [--seed N]
        --dir DIR     where to work, about 16 GiB free (default: a new folder in the temporary one)
        --rounds N    measured rounds (default 7)
        --only ROWS   some rows only: %s
        --quick       a sixteenth of the sizes and two rounds, to try it out
        --tree DIR    the small files to copy (default: headers, Python, docs of this machine)
        --side NAME   measure host or lcpfs alone, for profiling (default: both)
        --seed N      order of the rounds and random offsets
      """;

  /** @throws IllegalArgumentException with one line for the user */
  static Options parse(String[] args, List<String> known) {
    Path directory = Path.of(System.getProperty("java.io.tmpdir"));
    int rounds = 0;
    List<String> only = List.of();
    boolean quick = false;
    Path tree = null;
    Side side = Side.BOTH;
    long seed = SEED;
    Iterator<String> words = List.of(args).iterator();
    while (words.hasNext()) {
      String option = words.next();
      if (option.equals("--quick")) {
        quick = true;
        continue;
      }
      if (!WITH_VALUE.contains(option)) {
        throw new IllegalArgumentException("unknown option " + option + "; see --help");
      }
      if (!words.hasNext()) {
        throw new IllegalArgumentException(option + " needs a value");
      }
      String value = words.next();
      switch (option) {
        case "--dir" -> directory = Path.of(value);
        case "--rounds" -> rounds = (int) number(option, value, 1, 1000);
        case "--only" -> only = List.of(value.split(",", -1));
        case "--tree" -> tree = Path.of(value);
        case "--side" -> side = side(value);
        default -> seed = number(option, value, Long.MIN_VALUE, Long.MAX_VALUE);
      }
    }
    for (String row : only) {
      if (!known.contains(row)) {
        throw new IllegalArgumentException("no row " + row + "; there are " + known);
      }
    }
    return new Options(directory, rounds > 0 ? rounds : quick ? QUICK_ROUNDS : ROUNDS, only, quick,
        tree, side, seed);
  }

  private static Side side(String value) {
    for (Side side : Side.values()) {
      if (side.name().toLowerCase(Locale.ROOT).equals(value)) {
        return side;
      }
    }
    throw new IllegalArgumentException("--side " + value + ": must be both, host or lcpfs");
  }

  private static long number(String option, String value, long min, long max) {
    long number;
    try {
      number = Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(option + " " + value + ": not a number", e);
    }
    if (number < min || number > max) {
      throw new IllegalArgumentException(option + " " + value + ": must be " + min + " to " + max);
    }
    return number;
  }
}
