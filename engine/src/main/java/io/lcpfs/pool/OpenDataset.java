package io.lcpfs.pool;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.intent.IntentLog;
import io.lcpfs.intent.LogReplay;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.ObjectSetSync;
import io.lcpfs.txg.Tx;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A dataset whose objects are in use. Its record is changed by the sync task only. */
final class OpenDataset {
  private final ObjectContext context;
  private final ObjectSet meta;
  private final LogStore logs;
  private final Dnode dnode;
  private final ObjectSet objectSet;
  private final SnapshotChain snapshots;
  private final OwnerAccounts accounts;
  private volatile DatasetRecord record;

  /** The ZAP of the snapshots' names; ahead of what the record says until its group is on disk. */
  private volatile long namesZap;

  /** The ZAP of bookmarks, ahead in the same way. */
  private volatile long bookmarksZap;

  /** The dataset's INTENT_LOG object; null when it has none. */
  private volatile @Nullable Dnode logObject;

  /** What has to be done again before the dataset can be used; null when nothing has to. */
  private volatile @Nullable LogReplay replay;

  private volatile @Nullable IntentLog log;

  /**
   * @param dnode its DATASET object; this holds it from now on
   */
  OpenDataset(
      ObjectContext context,
      ObjectSet meta,
      LogStore logs,
      Dnode dnode,
      ObjectSet objectSet,
      SnapshotChain snapshots,
      DatasetRecord record) {
    this.context = context;
    this.meta = meta;
    this.logs = logs;
    this.dnode = dnode;
    this.objectSet = objectSet;
    this.snapshots = snapshots;
    this.record = record;
    this.namesZap = record.snapshots().namesZap();
    this.bookmarksZap = record.bookmarksZap();
    this.accounts = new OwnerAccounts(objectSet, context.env());
    objectSet.setDeadBlocks(snapshots);
    objectSet.setAccounts(accounts);
  }

  long object() {
    return dnode.number();
  }

  ObjectSet objectSet() {
    return objectSet;
  }

  OwnerAccounts accounts() {
    return accounts;
  }

  DatasetRecord record() {
    return record;
  }

  /**
   * Does again what is in the intent log, and begins to keep one. Before the first use of a
   * writable dataset; waits for groups.
   *
   * @return what was lost of the log, or null
   */
  @Nullable PoolException beginLog() {
    if (log != null) {
      return null;
    }
    long syncedTxg = context.txgs().syncedTxg();
    long object = record.intentLog();
    if (object == 0) {
      start(new IntentLog(context, logs, null, syncedTxg));
      return null;
    }
    LogReplay todo = replay;
    if (todo == null) {
      Dnode held = holdLog(meta, object, /* datasetObject= */ dnode.number());
      logObject = held;
      todo = new LogReplay(context, logs, objectSet, IntentLogRecord.decode(held.bonus()));
      replay = todo;
    }
    todo.run();
    objectSet.sync();
    Dnode held = logObject;
    if (held == null) {
      throw new AssertionError("a log without its object");
    }
    IntentLogRecord empty =
        IntentLogRecord.decode(held.bonus())
            .emptied(context.env().randomLong(), context.txgs().syncedTxg());
    IntentLog fresh = new IntentLog(context, logs, empty, context.txgs().syncedTxg());
    fresh.requestSync();
    start(fresh);
    replay = null;
    // Before a batch of the new epoch is written, no import may look for the old one.
    objectSet.sync();
    return todo.damage();
  }

  private void start(IntentLog fresh) {
    log = fresh;
    objectSet.setChangeLog(fresh);
  }

  /** The INTENT_LOG object of a dataset, held; Corrupt when it is none. */
  static Dnode holdLog(ObjectSet meta, long number, long datasetObject) {
    Dnode held = meta.hold(number);
    boolean sound = false;
    try {
      if (held.type() != ObjectType.INTENT_LOG) {
        throw PoolException.corrupt(
            "dataset.intent_log", "object " + number + " is " + held.type());
      }
      IntentLogRecord head = IntentLogRecord.decode(held.bonus());
      if (head.datasetObject() != datasetObject) {
        throw PoolException.corrupt("intent_log.dataset_object", head.datasetObject());
      }
      sound = true;
      return held;
    } finally {
      if (!sound) {
        held.close();
      }
    }
  }

  /**
   * Refuses where not all snapshots can be read.
   *
   * @throws PoolException EIO
   */
  void refuseDamagedSnapshots() {
    PoolException damage = snapshots.damage();
    if (damage != null) {
      throw new PoolException(damage.error(), damage);
    }
  }

  /** Why not all snapshots can be read, or null. */
  @Nullable PoolException snapshotDamage() {
    return snapshots.damage();
  }

  /** Allocated bytes that its snapshots have not; no group may be written meanwhile. */
  long uniqueBytes() {
    try {
      return snapshots.writtenBytes(record);
    } catch (PoolException e) {
      if (e.errno() != Errno.EIO && e.errno() != Errno.ENOENT) {
        throw e;
      }
      return 0; // then more is kept for it than has to be; verify tells of the damage
    }
  }

  /** As {@link #uniqueBytes}, that the snapshot of this object has not. */
  long writtenSince(long snapshotObject) {
    return snapshots.writtenSince(record, snapshotObject);
  }

  /** The ZAP of its snapshots' names, or 0. */
  long namesZap() {
    return namesZap;
  }

  void setNamesZap(long zap) {
    namesZap = zap;
  }

  /** The ZAP of its bookmarks, or 0. */
  long bookmarksZap() {
    return bookmarksZap;
  }

  /** What its record will say with the group that is open. */
  void aheadBookmarksZap(long zap) {
    bookmarksZap = zap;
  }

  /** Writes down where its bookmarks are, with {@code txg}. */
  void setBookmarksZap(long txg, long zap) {
    record = record.withBookmarks(zap);
    dnode.setBonus(Tx.inSync(txg), record.encode());
  }

  /** Whether a group has to be written on the log's account. */
  boolean logWantsSync() {
    IntentLog known = log;
    return known != null && known.wantsSync();
  }

  /**
   * Writes what {@code txg} changed and remembers the new root; the record goes out with the group.
   */
  ObjectSetSync sync(long txg) {
    ObjectSetSync sync = objectSet.sync(txg);
    sync.writeObjects();
    BlockPointer root = sync.writeRoot();
    record = record.withObjectSet(root, objectSet.takeStoredDelta(), objectSet.takeLogicalDelta());
    record = snapshots.writeDead(txg, record);
    syncLog(txg);
    dnode.setBonus(Tx.inSync(txg), record.encode());
    return sync;
  }

  /**
   * Takes a snapshot of the dataset as {@code txg} leaves it; after its own sync.
   *
   * @param made the SNAPSHOT object, which this lets go of
   * @param namesZap the ZAP of the snapshots' names
   */
  void takeSnapshot(long txg, Dnode made, long namesZap) {
    try (made) {
      DatasetRecord.Snapshots before = record.snapshots();
      record =
          record.withSnapshots(
              new DatasetRecord.Snapshots(namesZap, before.deadZap(), before.storedBytes()));
      record = record.withSnapshots(snapshots.take(txg, made, record));
      dnode.setBonus(Tx.inSync(txg), record.encode());
    }
  }

  /** Writes down what keeps a snapshot, with {@code txg}. */
  void setHolds(long txg, long snapshot, SnapshotRecord.Holds holds) {
    snapshots.setHolds(txg, snapshot, holds);
  }

  /** Ends a snapshot that has lost its name in {@code txg}. */
  void destroySnapshot(long txg, long object, FreeingLists freeing) {
    record = record.withSnapshots(snapshots.destroy(txg, object, record.snapshots(), freeing));
    dnode.setBonus(Tx.inSync(txg), record.encode());
  }

  /** Allocated bytes of what nothing but these snapshots refers to; while it stands still. */
  long bytesOnlyIn(Set<Long> snapshotObjects) {
    return snapshots.bytesOnlyIn(snapshotObjects, record.snapshots());
  }

  /** Its newest snapshot's object, or 0. */
  long newestSnapshot() {
    return snapshots.newest();
  }

  /** The objects of its snapshots up to one of them, oldest first. */
  List<Long> snapshotsUpTo(long object) {
    return snapshots.upTo(object);
  }

  /**
   * Makes a clone of one of its snapshots the dataset that the snapshots up to that belong to, and
   * itself the clone; in the group that is being written.
   *
   * @param clone the clone
   * @param cloneNames the ZAP with the names of all snapshots that are then the clone's
   */
  void promote(long txg, OpenDataset clone, long cloneNames) {
    long origin = clone.record.heritage().origin();
    snapshots.handOver(txg, origin, clone.snapshots, clone.object());
    DatasetRecord.Heritage older = record.heritage();
    setRecord(
        txg,
        snapshots.sumUp(
            txg,
            record.withHeritage(new DatasetRecord.Heritage(origin, 0)),
            record.snapshots().namesZap()));
    clone.setRecord(txg, clone.snapshots.sumUp(txg, clone.record.withHeritage(older), cloneNames));
  }

  /**
   * Exchanges its content, which nobody uses, with that of a clone of its newest snapshot; in the
   * group that is being written.
   */
  void exchange(long txg, long cloneObject) {
    try (Dnode clone = meta.hold(cloneObject)) {
      DatasetRecord[] now = snapshots.exchange(txg, record, DatasetTree.recordOf(clone));
      setRecord(txg, now[0]);
      clone.setBonus(Tx.inSync(txg), now[1].encode());
    }
  }

  private void setRecord(long txg, DatasetRecord value) {
    record = value;
    dnode.setBonus(Tx.inSync(txg), record.encode());
  }

  /** Enters the ZAP of a snapshot's clones. */
  void setClones(long txg, long snapshot, long clonesZap) {
    snapshots.setClones(txg, snapshot, clonesZap);
  }

  /** Writes the log's head, with {@code txg}; where one is wanted and there is room, makes it. */
  void syncLog(long txg) {
    IntentLog known = log;
    Dnode head = logObject;
    LogReplay unfinished = replay;
    if (head != null && unfinished != null) {
      head.setBonus(Tx.inSync(txg), unfinished.headFor(txg).encode());
    } else if (known != null && known.isWanted()) {
      Dnode made = logs.make(meta, txg, dnode.number());
      known.made(made == null ? null : IntentLogRecord.decode(made.bonus()));
      if (made != null) {
        logObject = made;
        record = record.withIntentLog(made.number());
        dnode.setBonus(Tx.inSync(txg), record.encode());
      }
    } else if (known != null && head != null) {
      IntentLogRecord now = known.headFor(txg);
      if (now != null) {
        head.setBonus(Tx.inSync(txg), now.encode());
      }
    }
  }

  /** The group is on disk. */
  void groupSynced(long txg) {
    IntentLog known = log;
    if (known != null) {
      known.groupSynced(txg);
    }
  }

  /** Ends the use of the log; the objects stay. */
  void closeLog() {
    IntentLog known = log;
    if (known != null) {
      known.close();
    }
  }

  void close() {
    closeLog();
    Dnode head = logObject;
    if (head != null) {
      head.close();
    }
    snapshots.close();
    accounts.close();
    dnode.close();
  }
}
