package io.lcpfs.bench.side;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a comparison is to measure.
 *
 * @param directory where both systems put their files; on the file system to compare with
 * @param rounds measured rounds, 1 to {@link #MOST_ROUNDS}
 * @param only ids of the rows to run, of {@link Comparison#ROWS}; empty for all
 * @param quick a sixteenth of the sizes: for trying it out
 * @param tree a directory of small files to copy, or null to collect one from this machine
 * @param side which systems are measured
 * @param seed of the order of the rows and of all random offsets
 */
public record Options(
    Path directory,
    int rounds,
    List<String> only,
    boolean quick,
    @Nullable Path tree,
    Side side,
    long seed) {
  public static final int ROUNDS = 7;
  public static final int QUICK_ROUNDS = 2;
  public static final int MOST_ROUNDS = 1000;
  public static final long SEED = 20_261_101;

  /** Which systems are measured; one alone is for profiling. */
  public enum Side {
    BOTH,
    HOST,
    LCPFS
  }

  /**
   * @throws IllegalArgumentException with one line for the user: no such row, too many rounds
   */
  public Options {
    if (rounds < 1 || rounds > MOST_ROUNDS) {
      throw new IllegalArgumentException(rounds + " rounds; there must be 1 to " + MOST_ROUNDS);
    }
    for (String row : only) {
      if (!Comparison.ROWS.contains(row)) {
        throw new IllegalArgumentException(
            "no row " + row + "; there are " + String.join(", ", Comparison.ROWS));
      }
    }
    only = List.copyOf(only);
  }
}
