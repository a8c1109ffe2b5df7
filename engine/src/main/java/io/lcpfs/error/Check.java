package io.lcpfs.error;

/** Assertions that stay on: a failed one is a bug of ours, never of the disk or the caller. */
public final class Check {
  private Check() {}

  /** Throws AssertionError naming {@code what} when {@code holds} is false. */
  public static void that(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  /** Throws AssertionError naming {@code what} and {@code value} when {@code holds} is false. */
  public static void that(boolean holds, String what, long value) {
    if (!holds) {
      throw new AssertionError(what + ": " + value);
    }
  }
}
