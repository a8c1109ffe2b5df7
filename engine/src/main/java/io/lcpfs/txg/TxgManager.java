package io.lcpfs.txg;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.Task;
import io.lcpfs.error.Check;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The three stages of transaction groups. Group n is open while group n-1 quiesces (waits for its
 * last Tx) or syncs. Dirty bytes are bounded by a budget: while a group is on its way to disk,
 * writers are delayed from 60 % of it on, smoothly more the closer they are to it: at 80 % they are
 * as fast as the last syncs were. At 100 % they wait for a sync.
 */
public final class TxgManager {
  /** Groups that can be unsynced at once: open, quiescing, syncing; a power of two above. */
  public static final int IN_FLIGHT = 4;

  public static final int MASK = IN_FLIGHT - 1;

  private static final long THROTTLE_START_PERCENT = 60;

  /** A shorter delay is saved up: a sleep costs more. */
  private static final long THROTTLE_MIN_NANOS = 200_000;

  private static final long THROTTLE_MAX_NANOS = 100_000_000;

  /** A group is closed early when this share of the dirty budget was written in it. */
  private static final long EARLY_SYNC_PERCENT = 25;

  /**
   * Or when this share was made dirty in it, written or not: the rest is for the next group while
   * this one goes to disk. Clones and metadata write little and are charged much.
   */
  private static final long EARLY_DIRTY_PERCENT = 40;

  /** A shorter sync says nothing about the speed of the disk. */
  private static final long TELLING_SYNC_BYTES = 1 << 20;

  private static final double FIRST_DRAIN_BYTES_PER_NANO = 0.5;

  private final Env env;
  private final SyncTarget target;
  private final String poolName;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final long[] holds = new long[IN_FLIGHT];
  private final long[] dirtyBytes = new long[IN_FLIGHT];
  private final long[] writtenBytes = new long[IN_FLIGHT];
  private double drainBytesPerNano = FIRST_DRAIN_BYTES_PER_NANO;

  /** Bytes made dirty that no writer was delayed for yet. */
  private long unpacedBytes;

  private long openTxg;
  private long syncedTxg;
  private long syncRequestedTxg;
  private long totalDirtyBytes;
  private volatile long dirtyBudgetBytes;
  private volatile long timeoutNanos;
  private boolean stopping;
  private volatile boolean timerArmed;
  private @Nullable PoolException failure;
  private @Nullable Task<Void> syncTask;

  /**
   * @param lastSyncedTxg the group that is on disk now; the next one is opened
   * @param dirtyBudgetBytes most bytes of unsynced data
   * @param timeoutNanos a dirty group is synced at the latest after this time
   */
  public TxgManager(
      Env env,
      SyncTarget target,
      String poolName,
      long lastSyncedTxg,
      long dirtyBudgetBytes,
      long timeoutNanos) {
    this.env = env;
    this.target = target;
    this.poolName = poolName;
    this.syncedTxg = lastSyncedTxg;
    this.openTxg = lastSyncedTxg + 1;
    this.dirtyBudgetBytes = dirtyBudgetBytes;
    this.timeoutNanos = timeoutNanos;
  }

  /** Starts the sync task. */
  public void start() {
    syncTask = env.fork("txg-sync", this::syncLoop);
  }

  /**
   * Joins the open group, waiting while the dirty budget is spent. Never call it while holding a
   * Tx.
   *
   * @param dirtyBytesExpected a bound on the memory that the transaction will dirty
   * @throws PoolException Suspended when the pool no longer accepts changes
   */
  public Tx begin(long dirtyBytesExpected) {
    lock.lock();
    try {
      long delay = takeThrottleDelayNanos();
      if (delay > 0) {
        lock.unlock();
        try {
          env.probe(CodeProbe.WRITE_THROTTLED);
          env.sleep(delay);
        } finally {
          lock.lock();
        }
      }
      while (true) {
        refuseIfStopped();
        if (totalDirtyBytes + dirtyBytesExpected <= dirtyBudgetBytes || totalDirtyBytes == 0) {
          break;
        }
        requestSync(openTxg);
        changed.awaitUninterruptibly();
      }
      int slot = (int) openTxg & MASK;
      holds[slot]++;
      totalDirtyBytes += dirtyBytesExpected;
      return new Tx(this, openTxg, dirtyBytesExpected);
    } finally {
      lock.unlock();
    }
  }

  /**
   * How long the next writer is to be held up for what was made dirty since the last was. Only
   * while there is something to wait for.
   */
  private long takeThrottleDelayNanos() {
    long budget = dirtyBudgetBytes;
    long start = budget / 100 * THROTTLE_START_PERCENT;
    if (totalDirtyBytes <= start || failure != null || syncRequestedTxg <= syncedTxg) {
      unpacedBytes = 0;
      return 0;
    }
    double pace = (double) (totalDirtyBytes - start) / Math.max(1, budget - totalDirtyBytes);
    double delay = unpacedBytes / drainBytesPerNano * pace;
    if (delay < THROTTLE_MIN_NANOS) {
      return 0;
    }
    unpacedBytes = 0;
    return (long) Math.min(THROTTLE_MAX_NANOS, delay);
  }

  /** Tells that the open group has something to write, so that it is synced within the timeout. */
  public void markDirty() {
    if (timerArmed) {
      return;
    }
    lock.lock();
    try {
      if (!timerArmed) {
        armTimer();
      }
    } finally {
      lock.unlock();
    }
  }

  private void armTimer() {
    timerArmed = true;
    env.fork(
        "txg-timer",
        () -> {
          env.sleep(timeoutNanos);
          lock.lock();
          try {
            timerArmed = false;
            if (!stopping && failure == null && anythingUnsynced(openTxg)) {
              requestSync(openTxg);
            }
          } finally {
            lock.unlock();
          }
        });
  }

  void release(long txg, long expected, long dirty, long written) {
    lock.lock();
    try {
      int slot = (int) txg & MASK;
      Check.that(holds[slot] > 0, "txg hold released twice", txg);
      holds[slot]--;
      if (holds[slot] == 0 && txg < openTxg) {
        changed.signalAll();
      }
      totalDirtyBytes += dirty - expected;
      if (dirty > 0) {
        dirtyBytes[slot] += dirty;
        unpacedBytes += dirty;
        if (!timerArmed) {
          armTimer();
        }
      }
      writtenBytes[slot] += written;
      if (writtenBytes[slot] > dirtyBudgetBytes / 100 * EARLY_SYNC_PERCENT
          || dirtyBytes[slot] > dirtyBudgetBytes / 100 * EARLY_DIRTY_PERCENT) {
        requestSync(txg);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * A transaction ended in the middle of its changes. Its hold stays, so that its group is never
   * written; older groups still are.
   */
  void abandon(long txg) {
    suspend(
        new PoolException(
            new PoolError.Suspended(
                poolName,
                "a change in transaction group "
                    + txg
                    + " was left half done by an error in the program; nothing from that group on"
                    + " is written. Export or kill, then import: the pool is as of the last group,"
                    + " and what was synced by the log")));
  }

  private void requestSync(long txg) {
    if (syncRequestedTxg < txg) {
      syncRequestedTxg = txg;
      changed.signalAll();
    }
  }

  /** Lets the open group go to disk soon; waits for nothing. */
  public void syncSoon() {
    lock.lock();
    try {
      if (anythingUnsynced(openTxg)) {
        requestSync(openTxg);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits until everything committed before this call is on disk. */
  public void sync() {
    lock.lock();
    try {
      long want = openTxg;
      if (anythingUnsynced(want)) {
        requestSync(want);
      } else {
        want--; // a group under way looks clean, as its sync has taken what was dirty
        if (syncedTxg >= want) {
          refuseIfFailed();
          return;
        }
      }
      while (syncedTxg < want) {
        refuseIfFailed();
        Check.that(!stopping || syncedTxg + 1 <= want, "sync after stop");
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean anythingUnsynced(long upTo) {
    for (long txg = syncedTxg + 1; txg <= upTo; txg++) {
      if (holds[(int) txg & MASK] > 0 || target.isDirty(txg)) {
        return true;
      }
    }
    return false;
  }

  /** Waits until {@code txg} is on disk. */
  public void waitSynced(long txg) {
    lock.lock();
    try {
      requestSync(txg);
      while (syncedTxg < txg) {
        refuseIfFailed();
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private void refuseIfFailed() {
    PoolException cause = failure;
    if (cause != null) {
      throw new PoolException(new PoolError.Suspended(poolName, cause.error().message()), cause);
    }
  }

  private void refuseIfStopped() {
    refuseIfFailed();
    if (stopping) {
      throw new PoolException(new PoolError.Closed("pool " + poolName));
    }
  }

  /** Syncs what is left and ends the sync task. Begins are refused from now on. */
  public void stop() {
    lock.lock();
    try {
      stopping = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    Task<Void> task = syncTask;
    if (task != null) {
      task.join();
    }
  }

  private void syncLoop() {
    while (true) {
      long txg;
      lock.lock();
      try {
        while (syncRequestedTxg <= syncedTxg && !stopping) {
          changed.awaitUninterruptibly();
        }
        if (failure != null || (stopping && !anythingUnsynced(openTxg))) {
          return;
        }
        txg = openTxg++;
        changed.signalAll();
        while (holds[(int) txg & MASK] > 0 && failure == null) {
          changed.awaitUninterruptibly();
        }
        if (failure != null) {
          return;
        }
      } finally {
        lock.unlock();
      }
      long start = env.nanoTime();
      try {
        target.sync(txg);
      } catch (PoolException e) {
        suspend(e);
        return;
      } catch (RuntimeException | Error e) {
        suspend(new PoolException(new PoolError.Suspended(poolName, String.valueOf(e)), e));
        throw e;
      }
      lock.lock();
      try {
        int slot = (int) txg & MASK;
        measureDrain(dirtyBytes[slot], env.nanoTime() - start);
        totalDirtyBytes -= dirtyBytes[slot];
        dirtyBytes[slot] = 0;
        writtenBytes[slot] = 0;
        syncedTxg = txg;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private void measureDrain(long bytes, long nanos) {
    if (bytes >= TELLING_SYNC_BYTES && nanos > 0) {
      drainBytesPerNano += ((double) bytes / nanos - drainBytesPerNano) / 4;
    }
  }

  private void suspend(PoolException cause) {
    env.probe(CodeProbe.POOL_SUSPENDED);
    lock.lock();
    try {
      failure = cause;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The last group that is on disk. */
  public long syncedTxg() {
    lock.lock();
    try {
      return syncedTxg;
    } finally {
      lock.unlock();
    }
  }

  /** The group that new transactions join. */
  public long openTxg() {
    lock.lock();
    try {
      return openTxg;
    } finally {
      lock.unlock();
    }
  }

  /** Bytes of memory that are dirty and not yet on disk. */
  public long dirtyBytes() {
    lock.lock();
    try {
      return totalDirtyBytes;
    } finally {
      lock.unlock();
    }
  }

  /** What stopped the pool from accepting changes, or null. */
  public @Nullable PoolException failure() {
    lock.lock();
    try {
      return failure;
    } finally {
      lock.unlock();
    }
  }

  /** Changes how long a dirty group may wait, in nanoseconds, from the next group on. */
  public void setTimeoutNanos(long nanos) {
    timeoutNanos = nanos;
  }

  /** Changes the dirty budget, in bytes. */
  public void setDirtyBudgetBytes(long bytes) {
    dirtyBudgetBytes = bytes;
  }
}
