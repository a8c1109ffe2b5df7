package io.lcpfs.cli;

/** What the process answers to its caller. */
final class ExitCode {
  static final int OK = 0;

  /** The operation failed. */
  static final int FAILED = 1;

  /** The command line was wrong. */
  static final int USAGE = 2;

  /** Something that the command needs is missing on this machine. */
  static final int ENVIRONMENT = 3;

  private ExitCode() {}
}
