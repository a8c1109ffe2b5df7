package io.lcpfs.txg;

/** What a transaction group is written to: the pool. Called from the sync task only. */
public interface SyncTarget {

  /**
   * Writes everything that belongs to {@code txg} and commits it. Returns when it is durable.
   *
   * @throws io.lcpfs.error.PoolException when it cannot be; the pool is then suspended
   */
  void sync(long txg);

  /** Whether there is anything to write in {@code txg}; an idle pool writes nothing. */
  boolean isDirty(long txg);
}
