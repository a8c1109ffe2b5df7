package io.lcpfs.env;

/** A job that was started. */
public interface Task<T> {

  /**
   * Waits for the job's end, uninterruptibly (an interrupt stays pending).
   *
   * @return what the job returned (null for {@link Env#fork})
   * @throws RuntimeException or Error what the job threw, itself; a checked exception arrives as
   *     the cause of an IllegalStateException
   */
  T join();

  /** Whether {@link #join} would return at once. */
  boolean isDone();
}
