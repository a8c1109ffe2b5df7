package io.lcpfs.object;

import io.lcpfs.txg.SpaceGrant;

/** Decides whether there is room for what a transaction is about to write. */
public interface SpaceGate {

  /** What a transaction wants space for. */
  enum Use {
    /** New data: refused when only the reserve is left. */
    GROW,
    /** New data in the place of at least as much: beyond a quota, but not from the reserve. */
    REPLACE,
    /** Deleting or changing in place: may use the reserve, since it gives space back. */
    FREEING
  }

  /**
   * Returns when there is room; may wait for a sync that frees space.
   *
   * @param bytes what the transaction expects to dirty
   * @return the promise, which ends with the transaction
   * @throws io.lcpfs.error.PoolException ENOSPC when the pool has none; EDQUOT when a quota leaves
   *     none
   */
  SpaceGrant admit(long bytes, Use use);
}
