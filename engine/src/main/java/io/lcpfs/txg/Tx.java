package io.lcpfs.txg;

/**
 * A hold on the open transaction group: everything done under one Tx is on disk whole or not at all.
 * Take object locks first, then begin the Tx, then change; close it before waiting for anything.
 */
public final class Tx implements AutoCloseable {
  private final TxgManager manager;
  private final long txg;
  private boolean closed;

  Tx(TxgManager manager, long txg) {
    this.manager = manager;
    this.txg = txg;
  }

  /** The group that this transaction belongs to. */
  public long txg() {
    return txg;
  }

  /** Charges bytes of dirty memory to the group, beyond what was announced at the start. */
  public void chargeDirty(long bytes) {
    manager.chargeDirty(txg, bytes);
  }

  /** Commits: the changes will be part of the group. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      manager.release(txg);
    }
  }
}
