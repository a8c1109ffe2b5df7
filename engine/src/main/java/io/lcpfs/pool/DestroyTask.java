package io.lcpfs.pool;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.Task;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Frees destroyed datasets in the background, object by object, each in a transaction of its own,
 * and the blocks of destroyed snapshots, list by list; what a crash leaves is found again through
 * the pool's directory.
 */
final class DestroyTask {
  private static final long TX_BYTES = 128 << 10;

  /** Blocks of destroyed snapshots freed in one group. */
  private static final int BLOCKS_AT_ONCE = 8192;

  /** A record of the space maps, three copies. */
  private static final long BLOCK_RECORD_BYTES = 64;

  private final Env env;
  private final DatasetTree datasets;
  private final PoolSync sync;
  private final FreeingLists freeing;
  private final ObjectSet meta;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition wake = lock.newCondition();
  private boolean work;
  private boolean stopping;
  private @Nullable Task<Void> task;
  private volatile @Nullable PoolException problem;

  DestroyTask(Env env, DatasetTree datasets, PoolSync sync, FreeingLists freeing, ObjectSet meta) {
    this.env = env;
    this.datasets = datasets;
    this.sync = sync;
    this.freeing = freeing;
    this.meta = meta;
  }

  /** Starts the task; it looks at once for what an earlier import left. */
  void start() {
    if (!datasets.destroyedObjects().isEmpty() || !freeing.isEmpty()) {
      env.probe(CodeProbe.ASYNC_DESTROY_RESUMED);
      work = true;
    }
    task = env.fork("destroy", this::loop);
  }

  /** Tells that there is something to free. */
  void wake() {
    lock.lock();
    try {
      work = true;
      wake.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Stops after the current object. */
  void stop() {
    lock.lock();
    try {
      stopping = true;
      wake.signalAll();
    } finally {
      lock.unlock();
    }
    Task<Void> running = task;
    if (running != null) {
      running.join();
    }
  }

  /** Why freeing does not go on, or null. */
  @Nullable PoolException problem() {
    return problem;
  }

  private boolean stopping() {
    lock.lock();
    try {
      return stopping;
    } finally {
      lock.unlock();
    }
  }

  private void loop() {
    while (true) {
      lock.lock();
      try {
        while (!work && !stopping) {
          wake.awaitUninterruptibly();
        }
        if (stopping) {
          return;
        }
        work = false;
      } finally {
        lock.unlock();
      }
      try {
        for (long object : datasets.destroyedObjects()) {
          datasets.checkDestroyed(object);
          if (!free(object)) {
            return;
          }
        }
        if (!freeLists()) {
          return;
        }
      } catch (PoolException e) {
        problem = e; // shown by status; the space stays allocated until a later import tries again
        return;
      }
    }
  }

  /** Frees what destroyed snapshots left, some in each group. */
  private boolean freeLists() {
    while (!freeing.isEmpty()) {
      if (stopping()) {
        return false;
      }
      try (Tx tx = meta.beginFreeing(TX_BYTES)) {
        long txg = tx.txg();
        tx.chargeSpace(BLOCKS_AT_ONCE * BLOCK_RECORD_BYTES);
        sync.inGroup(txg, () -> freeing.free(txg, BLOCKS_AT_ONCE));
      }
      meta.sync();
    }
    return true;
  }

  /** Leaves so much of an object as one group can free; holes cost nothing. */
  private boolean shorten(ObjectSet objects, Dnode dnode) {
    if (dnode.blockCount() <= Dnode.MAX_BLOCKS_FREED_AT_ONCE) {
      return true;
    }
    long end = dnode.endOfBlocks(0, Dnode.MAX_BLOCKS_FREED_AT_ONCE);
    while (end < Long.MAX_VALUE) {
      if (stopping()) {
        return false;
      }
      try (Tx tx = objects.beginFreeing(TX_BYTES)) {
        dnode.freeRange(tx, 0, end);
      }
      end = dnode.endOfBlocks(0, Dnode.MAX_BLOCKS_FREED_AT_ONCE);
    }
    return true;
  }

  private boolean free(long object) {
    OpenDataset dataset = datasets.openObject(object);
    // Its extents are about to belong to others: whoever still has a file open must not write
    // there.
    dataset.closeLog();
    ObjectSet objects = dataset.objectSet();
    for (long number = objects.nextObject(1); number > 0; number = objects.nextObject(number)) {
      if (stopping()) {
        return false;
      }
      try (Dnode dnode = objects.hold(number)) {
        if (!shorten(objects, dnode)) {
          return false;
        }
        try (Tx tx = objects.beginFreeing(TX_BYTES)) {
          dnode.free(tx);
        }
      }
    }
    objects.sync();
    datasets.forgetDestroyed(object, (tx, log) -> sync.freeRootIn(tx.txg(), objects.root(), log));
    return true;
  }
}
