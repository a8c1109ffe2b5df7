package io.lcpfs.pool;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.Task;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.TreeRemains;
import io.lcpfs.txg.Tx;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Frees destroyed datasets and the blocks of destroyed snapshots in the background, so many blocks
 * in each group; what a crash leaves is found again through the pool's directory, and gone on with.
 */
final class DestroyTask {
  private static final long TX_BYTES = 128 << 10;

  /** A record of the space maps, three copies. */
  private static final long BLOCK_RECORD_BYTES = 64;

  /**
   * What a pool that is being closed still waits for: so that what is small goes with the command
   * that destroyed it, and each import that may write gets on with what is large.
   */
  private static final int STEPS_WHILE_STOPPING = 8;

  private final Env env;
  private final ObjectContext context;
  private final DatasetTree datasets;
  private final PoolSync sync;
  private final FreeingLists freeing;
  private final ObjectSet meta;
  private final Origins origins;

  /** Blocks freed in one group. */
  private final int blocksAtOnce;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition wake = lock.newCondition();

  /** A dataset is freed, or none will be any more. */
  private final Condition done = lock.newCondition();

  private boolean work;
  private boolean stopping;
  private int stepsLeft = STEPS_WHILE_STOPPING;
  private @Nullable Task<Void> task;
  private volatile @Nullable PoolException problem;

  DestroyTask(
      ObjectContext context,
      DatasetTree datasets,
      PoolSync sync,
      FreeingLists freeing,
      ObjectSet meta,
      int blocksAtOnce) {
    this.env = context.env();
    this.context = context;
    this.blocksAtOnce = blocksAtOnce;
    this.origins = new Origins(context, meta);
    this.datasets = datasets;
    this.sync = sync;
    this.freeing = freeing;
    this.meta = meta;
  }

  /** Starts the task; it looks at once for what an earlier import left. */
  void start() {
    if (!datasets.destroyed().objects().isEmpty() || !freeing.isEmpty()) {
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

  /**
   * Stops soon.
   *
   * @param atOnce after the current group, as the pool is given up
   */
  void stop(boolean atOnce) {
    lock.lock();
    try {
      stopping = true;
      stepsLeft = atOnce ? 0 : stepsLeft;
      wake.signalAll();
      done.signalAll();
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

  /**
   * Returns when none of {@code objects} waits to be freed.
   *
   * @throws PoolException what keeps them from being freed; Closed when the pool is being closed
   */
  void waitFor(Collection<Long> objects) {
    wake();
    lock.lock();
    try {
      while (datasets.destroyed().objects().stream().anyMatch(objects::contains)) {
        PoolException failure = problem;
        if (failure != null) {
          throw new PoolException(failure.error(), failure);
        }
        if (stopping) {
          throw new PoolException(new PoolError.Closed("pool"));
        }
        done.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private void oneLess() {
    lock.lock();
    try {
      done.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether to leave the rest to a later import, before another group or dataset. */
  private boolean stopsHere() {
    lock.lock();
    try {
      return stopping && stepsLeft-- <= 0;
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
        if (!work) {
          return;
        }
        work = false;
      } finally {
        lock.unlock();
      }
      try {
        for (long object : datasets.destroyed().objects()) {
          datasets.checkDestroyed(object);
          if (!free(object)) {
            return;
          }
          oneLess();
        }
        if (!freeLists()) {
          return;
        }
      } catch (PoolException e) {
        problem = e; // shown by status; the space stays allocated until a later import tries again
        oneLess();
        return;
      }
    }
  }

  /** Frees what destroyed snapshots left, some in each group. */
  private boolean freeLists() {
    while (!freeing.isEmpty()) {
      if (stopsHere()) {
        return false;
      }
      inOneGroup(txg -> freeing.free(txg, blocksAtOnce));
    }
    return true;
  }

  private boolean free(long object) {
    datasets.lock().lock();
    try {
      datasets.settle(object);
    } finally {
      datasets.lock().unlock();
    }
    DestroyedDatasets destroyed = datasets.destroyed();
    long originTxg = origins.txgOf(destroyed.record(object).heritage().origin());
    while (true) {
      if (stopsHere()) {
        return false;
      }
      DatasetRecord record = destroyed.record(object);
      if (record.remains().object() > 0) {
        env.probe(CodeProbe.DESTROY_WENT_ON);
      }
      List<BlockPointer> blocks = new ArrayList<>();
      DatasetRecord.Remains left =
          new TreeRemains(
                  context, record.objectSet(), originTxg, (number, block) -> blocks.add(block))
              .walk(record.remains(), blocksAtOnce);
      boolean lists = record.snapshots().deadZap() != 0;
      if (blocks.isEmpty() && !lists && left.equals(TreeRemains.NOTHING)) {
        break;
      }
      inOneGroup(
          txg -> {
            destroyed.free(txg, object, blocks, left);
            if (lists) {
              destroyed.dropLists(txg, object);
            }
          });
    }
    BlockPointer root = destroyed.record(object).objectSet();
    BlockPointer last = root.logicalBirth() > originTxg ? root : BlockPointer.HOLE;
    destroyed.forget(object, (tx, log) -> sync.freeRootIn(tx.txg(), last, log));
    return true;
  }

  private void inOneGroup(LongConsumer work) {
    try (Tx tx = meta.beginFreeing(TX_BYTES)) {
      long txg = tx.txg();
      tx.chargeSpace(blocksAtOnce * BLOCK_RECORD_BYTES);
      sync.inGroup(txg, () -> work.accept(txg));
    }
    meta.sync();
  }
}
