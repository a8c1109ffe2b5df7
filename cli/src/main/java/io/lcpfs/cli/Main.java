package io.lcpfs.cli;

/** The command's entry. */
public final class Main {
  private Main() {}

  /** Runs the command and exits with its code: 0 done, 2 wrong usage. */
  public static void main(String[] args) {
    LauncherStderr.restore();
    if (args.length == 1 && (args[0].equals("--help") || args[0].equals("-h"))) {
      System.out.println("Usage: lcpfs [--help]");
      return;
    }
    System.err.println("Usage: lcpfs [--help]");
    System.exit(2);
  }
}
