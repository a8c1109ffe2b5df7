package io.lcpfs.txg;

import org.jspecify.annotations.Nullable;

/**
 * A hold on the open transaction group: everything done under one Tx is on disk whole or not at
 * all. Take object locks first, then begin the Tx, then change; close it before waiting for
 * anything. Used by one thread at a time.
 */
public final class Tx implements AutoCloseable {
  private final @Nullable TxgManager manager;
  private final long txg;
  private @Nullable SpaceGrant grant;
  private @Nullable TxEnd end;
  private long spaceBytes;
  private long sharedBytes;
  private final long expectedBytes;
  private long dirtyBytes;
  private long writtenBytes;
  private boolean closed;
  private boolean wholeOnly;
  private boolean incomplete;

  Tx(@Nullable TxgManager manager, long txg, long expectedBytes) {
    this.manager = manager;
    this.txg = txg;
    this.expectedBytes = expectedBytes;
  }

  /**
   * The transaction of the sync task itself: changes to the pool's own objects in the group that is
   * being synced. It holds nothing and is charged nothing.
   */
  public static Tx inSync(long txg) {
    return new Tx(null, txg, 0);
  }

  /** The group that this transaction belongs to. */
  public long txg() {
    return txg;
  }

  /** Charges memory that became dirty to the group; it replaces what was expected at the start. */
  public void chargeDirty(long bytes) {
    dirtyBytes += bytes;
  }

  /**
   * Counts bytes that were given to be written. A group is synced early once it has many of them,
   * and not because few bytes made many large blocks dirty: those are likely to be changed again.
   */
  public void countWritten(long bytes) {
    writtenBytes += bytes;
  }

  /** Gives the transaction a promise of space, which ends with it. */
  public void holdSpace(SpaceGrant promised) {
    grant = promised;
  }

  /** Names who is told when the transaction ends. */
  public void attach(TxEnd told) {
    end = told;
  }

  /** Who is told when the transaction ends, or null. */
  public @Nullable TxEnd attached() {
    return end;
  }

  /**
   * From now on it has to be {@linkplain #complete completed}: ending it in between, as an error of
   * the program does that nobody foresaw, suspends the pool.
   */
  public Tx wholeOnly() {
    wholeOnly = true;
    return this;
  }

  /**
   * A change begins, which may need others beside it.
   *
   * @return for {@link #unchanged}
   */
  public boolean changing() {
    boolean before = incomplete;
    incomplete = true;
    return before;
  }

  /** The change that began failed, and did nothing. */
  public void unchanged(boolean before) {
    incomplete = before;
  }

  /** What was changed so far belongs together, and can be on disk without more. */
  public void complete() {
    incomplete = false;
  }

  /** Adds to what the transaction may take on disk at most. */
  public void chargeSpace(long bytes) {
    spaceBytes += bytes;
  }

  /**
   * Adds to what counts as the dataset's and takes no room of its own on the devices, as others
   * have it too.
   */
  public void chargeShared(long bytes) {
    sharedBytes += bytes;
  }

  /**
   * Commits: the changes will be part of the group. Idempotent. When some are there but not all,
   * they and whatever else their group holds stay in memory, and the pool is suspended.
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      if (wholeOnly && incomplete && manager != null) {
        manager.abandon(txg);
        return;
      }
      if (end != null) {
        end.ended(txg);
      }
      if (grant != null) {
        grant.settle(txg, spaceBytes, sharedBytes);
      }
      if (manager != null) {
        manager.release(txg, expectedBytes, dirtyBytes, writtenBytes);
      }
    }
  }
}
