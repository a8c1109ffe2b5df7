package io.lcpfs.bench;

import java.io.PrintStream;

/** LCPFS beside the JDK's default file system on the same disk; see docs/BENCH.md. */
public final class SideBySide {
  private SideBySide() {}

  /** {@code --help} tells the options. */
  public static void main(String[] args) {
    System.exit(run(args, System.out));
  }

  /**
   * Runs the comparison and prints it.
   *
   * @return 0 when all rows were measured and the pools are sound, 1 when not, 2 for bad arguments
   */
  public static int run(String[] args, PrintStream out) {
    return io.lcpfs.bench.side.Comparison.run(args, out);
  }
}
