package io.lcpfs.pool;

/** What a label says of its pool. */
public enum PoolState {
  /** Imported, or its host stopped without an export. */
  ACTIVE,
  EXPORTED,
  DESTROYED
}
