package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Datasets that are in the tree no more and not yet freed: a ZAP of their DATASET objects, by
 * number. Nobody changes their content; {@link DestroyTask} frees it.
 */
final class DestroyedDatasets {
  private static final long TX_BYTES = 64 << 10;

  /** Lists of dead blocks that are let go of in one group. */
  private static final int LISTS_AT_ONCE = 64;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DeadLists deadLists;
  private final Dnode destroyed;

  /** That of the tree of datasets. */
  private final ReentrantLock lock;

  private volatile @Nullable PoolException unfreed;
  private volatile CloneWatcher lastClone = (origin, clone) -> tx -> {};

  /**
   * @param destroyed the ZAP; this holds it
   */
  DestroyedDatasets(
      ObjectContext context,
      ObjectSet meta,
      DeadLists deadLists,
      Dnode destroyed,
      ReentrantLock lock) {
    this.context = context;
    this.meta = meta;
    this.deadLists = deadLists;
    this.destroyed = destroyed;
    this.lock = lock;
  }

  /** Told of clones that are about to be forgotten. */
  interface CloneWatcher {
    /**
     * Prepares for the end of a clone, with the tree's lock held.
     *
     * @param origin the SNAPSHOT object that it began as, or 0
     * @param clone its DATASET object
     * @return what to do in the transaction that takes it away
     */
    Consumer<Tx> prepare(long origin, long clone);
  }

  /** Whom to tell of clones that go. */
  void setCloneWatcher(CloneWatcher watcher) {
    lastClone = watcher;
  }

  private static byte[] key(long object) {
    return Long.toString(object).getBytes(UTF_8);
  }

  /** Enters a dataset, in the transaction that takes it out of the tree. */
  void enter(Tx tx, long object) {
    Zap.open(destroyed, context.env()).putLong(tx, key(object), object);
  }

  /** Takes back {@link #enter} within its transaction. */
  void takeBack(Tx tx, long object) {
    Zap.open(destroyed, context.env()).remove(tx, key(object));
  }

  /** DATASET objects that wait to be freed. */
  List<Long> objects() {
    lock.lock();
    try {
      List<Long> objects = new ArrayList<>();
      Zap.open(destroyed, context.env())
          .iterate(
              0,
              (cookie, name, value) -> {
                if (value.length != Long.BYTES) {
                  throw PoolException.corrupt("destroyed", value.length);
                }
                objects.add(Disk.u64(MemorySegment.ofArray(value), 0));
                return true;
              });
      return objects;
    } finally {
      lock.unlock();
    }
  }

  /** What the record of a destroyed dataset says. */
  DatasetRecord record(long object) {
    try (Dnode dnode = meta.hold(object)) {
      return DatasetTree.recordOf(dnode);
    }
  }

  /** Bytes that destroyed datasets still hold, but for those that cannot be read. */
  long bytes() {
    long bytes = 0;
    lock.lock(); // or one would be forgotten meanwhile
    try {
      for (long object : objects()) {
        try {
          DatasetRecord record = record(object);
          bytes += Math.max(0, record.usedBytes() - record.heritage().inheritedBytes());
        } catch (PoolException e) {
          // Whoever frees them finds the same, and tells it as the pool's problem.
          if (!DatasetTree.isDamage(e)) {
            throw e;
          }
        }
      }
    } finally {
      lock.unlock();
    }
    return bytes;
  }

  /** What could not be freed and stays allocated, or null. */
  @Nullable PoolException unfreed() {
    return unfreed;
  }

  /** Frees blocks of a destroyed dataset, in the group that is being written. */
  void free(long txg, long object, List<BlockPointer> blocks, DatasetRecord.Remains left) {
    long bytes = 0;
    for (BlockPointer block : blocks) {
      try {
        bytes += context.io().allocatedBytes(block);
        context.io().free(block, txg);
      } catch (PoolException e) {
        if (e.errno() == Errno.ENOMEM) {
          throw e;
        }
        unfreed = e;
      }
    }
    try (Dnode dnode = meta.hold(object)) {
      DatasetRecord now = DatasetTree.recordOf(dnode).withRemains(left, bytes);
      dnode.setBonus(Tx.inSync(txg), now.encode());
    }
  }

  /**
   * Lets go of lists that say what the dataset gave up of its origin, in the group that is being
   * written: the origin has it all.
   */
  void dropLists(long txg, long object) {
    DatasetRecord record = record(object);
    long zap = record.snapshots().deadZap();
    List<DeadLists.Entry> lists = deadLists.entries(zap);
    for (DeadLists.Entry list : lists.subList(0, Math.min(lists.size(), LISTS_AT_ONCE))) {
      deadLists.remove(txg, zap, list);
      deadLists.freeObject(txg, list.object());
    }
    if (lists.size() <= LISTS_AT_ONCE) {
      deadLists.freeObject(txg, zap);
      DatasetRecord.Snapshots without =
          new DatasetRecord.Snapshots(record.snapshots().namesZap(), 0, 0);
      try (Dnode dnode = meta.hold(object)) {
        dnode.setBonus(Tx.inSync(txg), record.withSnapshots(without).encode());
      }
    }
  }

  private @Nullable Dnode holdLog(long dataset, long object) {
    return object == 0 ? null : OpenDataset.holdLog(meta, object, dataset);
  }

  /** An object that is to be freed; null for none, and for one that is lost: verify tells of it. */
  private @Nullable Dnode holdUnlessLost(long object) {
    if (object == 0) {
      return null;
    }
    try {
      return meta.hold(object);
    } catch (PoolException e) {
      if (!DatasetTree.isDamage(e)) {
        throw e;
      }
      return null;
    }
  }

  /** The ZAP that names the dataset among its origin's clones. */
  private @Nullable Dnode holdClones(long origin) {
    if (origin == 0) {
      return null;
    }
    SnapshotRecord snapshot = SnapshotChain.record(meta, origin);
    return holdUnlessLost(snapshot.clonesZap());
  }

  /**
   * Forgets a destroyed dataset whose objects are all freed.
   *
   * @param inTx told the transaction in which its root block is to be freed, and its log's extents
   */
  void forget(long object, BiConsumer<Tx, @Nullable IntentLogRecord> inTx) {
    lock.lock();
    try (Dnode dnode = meta.hold(object)) {
      DatasetRecord record = DatasetTree.recordOf(dnode);
      Consumer<Tx> last = lastClone.prepare(record.heritage().origin(), object);
      try (@Nullable Dnode log = holdLog(object, record.intentLog());
          @Nullable Dnode children = holdUnlessLost(record.childrenZap());
          @Nullable Dnode properties = holdUnlessLost(record.propertiesZap());
          @Nullable Dnode names = holdUnlessLost(record.snapshots().namesZap());
          @Nullable Dnode bookmarks = holdUnlessLost(record.bookmarksZap());
          @Nullable Dnode clones = holdClones(record.heritage().origin());
          Tx tx = meta.beginFreeing(TX_BYTES).wholeOnly()) {
        // First what may fail over a damaged block, while nothing is changed that could not be
        // left.
        takeBack(tx, object);
        if (clones != null) {
          context.env().probe(CodeProbe.CLONE_FREED);
          try {
            Zap.open(clones, context.env()).remove(tx, key(object));
          } catch (PoolException e) {
            enter(tx, object);
            tx.complete();
            throw e;
          }
        }
        for (Dnode zap : new @Nullable Dnode[] {children, properties, names, bookmarks}) {
          if (zap != null) {
            zap.free(tx);
          }
        }
        if (log == null) {
          inTx.accept(tx, null);
        } else {
          IntentLogRecord extents = IntentLogRecord.decode(log.bonus());
          log.free(tx);
          inTx.accept(tx, extents);
        }
        dnode.free(tx);
        last.accept(tx);
        tx.complete();
      }
    } finally {
      lock.unlock();
    }
  }
}
