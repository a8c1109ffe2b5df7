package io.lcpfs.txg;

/** Space on disk that a transaction was promised before it began. */
public interface SpaceGrant {

  /**
   * The transaction ends: the promise is replaced by what it may take at most when its group is
   * written.
   *
   * @param txg the transaction's group, which is not yet synced
   * @param sharedBytes what it takes at most of what a dataset may have, without room of its own on
   *     the devices
   */
  void settle(long txg, long usedBytes, long sharedBytes);

  /** The transaction did not come about. */
  void cancel();
}
