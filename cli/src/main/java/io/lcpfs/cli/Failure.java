package io.lcpfs.cli;

/** Ends a command with a line for the person and an exit code. */
public final class Failure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int exitCode;

  Failure(int exitCode, String line, Throwable cause) {
    super(line, cause);
    this.exitCode = exitCode;
  }

  Failure(int exitCode, String line) {
    super(line);
    this.exitCode = exitCode;
  }

  /** The operation failed: {@code subject: what happened; what to do}. */
  public static Failure failed(String subject, String what, String remedy) {
    return new Failure(ExitCode.FAILED, subject + ": " + what + "; " + remedy);
  }

  /** The command line is wrong. */
  static Failure usage(String subject, String what, String remedy) {
    return new Failure(ExitCode.USAGE, subject + ": " + what + "; " + remedy);
  }

  int exitCode() {
    return exitCode;
  }
}
