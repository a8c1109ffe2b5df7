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

  /** What one write may pass a quota by; what is shared in a larger piece has to fit. */
  long ONE_WRITE_BYTES = 1 << 20;

  /**
   * Returns when there is room; may wait for a sync that frees space.
   *
   * @param bytes what the transaction expects to dirty
   * @param sharedBytes what it gives the dataset besides, that others have too: counted as all else
   *     by quotas and reservations, but it takes no room on the devices
   * @return the promise, which ends with the transaction
   * @throws io.lcpfs.error.PoolException ENOSPC when the pool has none; EDQUOT when a quota leaves
   *     none
   */
  SpaceGrant admit(long bytes, long sharedBytes, Use use);
}
