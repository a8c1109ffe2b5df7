package io.lcpfs.pool;

/** How well a pool or a device is. */
public enum Health {
  ONLINE,
  /** Works with less redundancy than it should have. */
  DEGRADED,
  /** A device whose errors took it out, or a pool that lacks what it needs. */
  FAULTED,
  UNAVAIL,
  /** The pool takes no more changes after a failed write. */
  SUSPENDED
}
