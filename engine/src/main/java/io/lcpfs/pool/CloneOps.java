package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Features;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Datasets that begin as a snapshot: clones, which users write to; hidden ones, which exchange
 * their content with that of the dataset for a rollback; and the exchange of roles between a clone
 * and the dataset that it came from.
 *
 * <p>As with snapshots, names change in a transaction of the user's, and what follows from it for
 * blocks is done by the sync of the same group. The tree's lock is held until that is on disk:
 * nobody sees a record that is behind the names.
 */
final class CloneOps {
  private static final long TX_BYTES = 128 << 10;

  /** What the name of a snapshot that moves may dirty. */
  private static final long NAME_BYTES = 2 << 10;

  /** Snapshots that change hands in one transaction. */
  private static final int MAX_MOVED = 20_000;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DatasetTree datasets;
  private final SnapshotOps snapshots;
  private final PoolSync sync;

  CloneOps(
      ObjectContext context,
      ObjectSet meta,
      DatasetTree datasets,
      SnapshotOps snapshots,
      PoolSync sync) {
    this.context = context;
    this.meta = meta;
    this.datasets = datasets;
    this.snapshots = snapshots;
    this.sync = sync;
  }

  private void refuseWithoutFeature() {
    if (!sync.config().features().contains(Features.CLONES)) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "pool "
              + sync.config().name()
              + " was made without clones; turn them on with 'lcpfs pool upgrade'");
    }
  }

  /**
   * Makes a dataset that begins as a snapshot; returns when it is on disk.
   *
   * @param path of the snapshot's dataset
   * @param name of the snapshot
   * @param target path of the new dataset
   * @throws PoolException ENOENT; EEXIST; EOPNOTSUPP when the pool has not got the feature
   */
  void create(String path, String name, String target, SortedMap<String, String> properties) {
    refuseWithoutFeature();
    long[] txg = new long[1];
    datasets.lock().lock();
    try {
      OpenDataset from = datasets.openObject(datasets.find(path));
      from.refuseDamagedSnapshots();
      long snapshot = snapshots.objectOf(path, name);
      New[] made = new New[1];
      datasets.create(
          target,
          tx -> {
            txg[0] = tx.txg();
            made[0] = make(tx, from, snapshot, properties);
            return made[0].object;
          },
          tx -> takeBack(tx, made[0]));
      context.txgs().waitSynced(txg[0]);
    } finally {
      datasets.lock().unlock();
    }
  }

  /**
   * A dataset that is being made.
   *
   * @param clonesZap names it
   * @param madeZap whether that is new, too
   */
  private record New(long object, long clonesZap, boolean madeZap) {}

  /** Makes a clone that no name leads to yet, or nothing. */
  private New make(Tx tx, OpenDataset from, long snapshot, SortedMap<String, String> properties) {
    SnapshotRecord record = SnapshotChain.record(meta, snapshot, from.object());
    long object = DatasetTree.createObject(context, meta, tx, properties, snapshot, record);
    long zap = record.clonesZap();
    New made = new New(object, zap, false);
    boolean done = false;
    try {
      if (zap == 0) {
        try (Dnode clones = meta.create(tx, ObjectType.ZAP, 512)) {
          made = new New(object, clones.number(), true);
          Zap.create(tx, clones, context.env());
        }
      }
      try (Dnode clones = meta.hold(made.clonesZap)) {
        Zap.open(clones, context.env()).putLong(tx, key(object), object);
      }
      done = true;
    } finally {
      if (!done) {
        takeBack(tx, made);
      }
    }
    if (zap == 0) {
      long txg = tx.txg();
      long clones = made.clonesZap;
      sync.inGroup(txg, () -> from.setClones(txg, snapshot, clones));
    }
    return made;
  }

  /** The ZAP of clones stays where it is entered already, without the name. */
  private void takeBack(Tx tx, New made) {
    try (Dnode dnode = meta.hold(made.object)) {
      DatasetRecord record = DatasetTree.recordOf(dnode);
      for (long zap : new long[] {record.childrenZap(), record.propertiesZap()}) {
        try (Dnode part = meta.hold(zap)) {
          part.free(tx);
        }
      }
      dnode.free(tx);
    }
    if (made.madeZap) {
      try (Dnode zap = meta.hold(made.clonesZap)) {
        zap.free(tx);
      }
    } else {
      try (Dnode zap = meta.hold(made.clonesZap)) {
        Zap.open(zap, context.env()).remove(tx, key(made.object));
      }
    }
  }

  private static byte[] key(long object) {
    return Long.toString(object).getBytes(UTF_8);
  }

  /** See {@link PoolEngine#refuseRollback}. */
  void refuseRollback(String path) {
    refuseWithoutFeature();
    datasets.lock().lock();
    try {
      datasets.openObject(datasets.find(path)).refuseDamagedSnapshots();
    } finally {
      datasets.lock().unlock();
    }
  }

  /**
   * Makes the dataset what it was when its newest snapshot was taken; returns when that is on disk,
   * while what was changed since is freed in the background. Nobody may use its files.
   *
   * @throws PoolException ENOENT; EEXIST when there are newer snapshots
   */
  void rollback(String path, String name, DatasetPolicy policy) {
    refuseWithoutFeature();
    datasets.lock().lock();
    try {
      // What is in its intent log is done first, or it would be done to what the snapshot has.
      OpenDataset head = datasets.open(path, policy);
      head.refuseDamagedSnapshots();
      long snapshot = snapshots.objectOf(path, name);
      refuseNewer(path, name, head, snapshot);
      datasets.settle(head.object());
      OpenDataset still = datasets.openObject(head.object());
      refuseNewer(path, name, still, snapshot); // one may have been on its way to disk
      SnapshotRecord back = SnapshotChain.record(meta, snapshot, still.object());
      snapshots.bookmarks().refuseAfter(path, back.txg());
      long txg;
      try (Tx tx = meta.begin(TX_BYTES).wholeOnly()) {
        txg = tx.txg();
        New hidden;
        try {
          hidden = make(tx, still, snapshot, new TreeMap<>());
        } catch (PoolException e) {
          tx.complete();
          throw e;
        }
        leave(tx, still, hidden.object, () -> takeBack(tx, hidden), then -> {});
        tx.complete();
      }
      context.txgs().waitSynced(txg);
      datasets.settle(head.object());
    } finally {
      datasets.lock().unlock();
    }
  }

  private static void refuseNewer(String path, String name, OpenDataset head, long snapshot) {
    if (head.newestSnapshot() != snapshot) {
      throw PoolException.refused(
          Errno.EEXIST,
          path + "@" + name + " is not the newest snapshot; destroy those after it with -r");
    }
  }

  /**
   * Gives a dataset the content of a hidden clone of its newest snapshot, and leaves what it had to
   * be freed with the clone; returns when that is on disk. Nobody may use the files of either.
   *
   * @param hidden the DATASET object of the clone
   * @param moreBytes bound on what {@code inTx} dirties beyond a few blocks
   * @param inTx changes names in the same transaction and answers what takes that back; or throws
   *     and has changed nothing
   * @param inSync runs after the exchange, in the sync of its group
   * @throws PoolException ESTALE when the clone is none of the newest snapshot
   */
  void adopt(
      String path,
      long hidden,
      DatasetPolicy policy,
      long moreBytes,
      Function<Tx, Runnable> inTx,
      Consumer<OpenDataset> inSync) {
    datasets.lock().lock();
    try {
      OpenDataset head = datasets.open(path, policy);
      head.refuseDamagedSnapshots();
      datasets.settle(hidden);
      datasets.settle(head.object());
      OpenDataset still = datasets.openObject(head.object());
      long origin = datasets.destroyed().record(hidden).heritage().origin();
      if (origin == 0 || still.newestSnapshot() != origin) {
        throw PoolException.refused(
            Errno.ESTALE, path + " has another newest snapshot than what is to replace it");
      }
      long txg;
      try (Tx tx = meta.begin(TX_BYTES + moreBytes).wholeOnly()) {
        txg = tx.txg();
        Runnable takeBack;
        try {
          takeBack = inTx.apply(tx);
        } catch (PoolException e) {
          tx.complete();
          throw e;
        }
        leave(tx, still, hidden, takeBack, inSync);
        tx.complete();
      }
      context.txgs().waitSynced(txg);
      datasets.settle(head.object());
    } finally {
      datasets.lock().unlock();
    }
  }

  /**
   * Makes a clone that is not in the tree; returns when it is on disk. With the tree's lock held.
   *
   * @param enter is told its object in the same transaction, or throws and has changed nothing
   */
  long createHidden(OpenDataset from, long snapshot, BiConsumer<Tx, Long> enter) {
    refuseWithoutFeature();
    from.refuseDamagedSnapshots();
    long txg;
    New made;
    try (Tx tx = meta.begin(TX_BYTES).wholeOnly()) {
      txg = tx.txg();
      try {
        made = make(tx, from, snapshot, new TreeMap<>());
      } catch (PoolException e) {
        tx.complete();
        throw e;
      }
      try {
        enter.accept(tx, made.object);
      } catch (PoolException e) {
        takeBack(tx, made);
        tx.complete();
        throw e;
      }
      tx.complete();
    }
    context.txgs().waitSynced(txg);
    return made.object;
  }

  /** Exchanges contents with the group of {@code tx}, and enters the clone as destroyed. */
  private void leave(
      Tx tx, OpenDataset head, long hidden, Runnable otherwise, Consumer<OpenDataset> inSync) {
    try {
      datasets.destroyed().enter(tx, hidden);
    } catch (PoolException e) {
      otherwise.run();
      tx.complete();
      throw e;
    }
    long txg = tx.txg();
    sync.inGroup(
        txg,
        () -> {
          head.exchange(txg, hidden);
          inSync.accept(head);
        });
  }

  /**
   * Makes a clone the dataset that its origin and what is older belong to, and the dataset that had
   * them a clone of it; returns when that is on disk.
   *
   * @throws PoolException ENOENT; EINVAL when it is no clone; EEXIST when a snapshot of the clone
   *     has a name that one of those has that it would get
   */
  void promote(String path) {
    datasets.lock().lock();
    try {
      OpenDataset clone = datasets.openObject(datasets.find(path));
      clone.refuseDamagedSnapshots();
      long origin = clone.record().heritage().origin();
      if (origin == 0) {
        throw PoolException.refused(
            Errno.EINVAL, path + " is no clone; 'lcpfs fs get origin' shows which are");
      }
      OpenDataset parent = datasets.openObject(SnapshotChain.record(meta, origin).datasetObject());
      parent.refuseDamagedSnapshots();
      Map<String, Long> moved = namesUpTo(parent, origin);
      for (String name : moved.keySet()) {
        if (snapshots.lookup(clone.namesZap(), name) != 0) {
          throw PoolException.refused(
              Errno.EEXIST,
              path + "@" + name + " exists and " + path + " would get another; rename one");
        }
      }
      if (moved.size() > MAX_MOVED) {
        throw PoolException.refused(
            Errno.E2BIG, moved.size() + " snapshots would move; at most " + MAX_MOVED + " can");
      }
      long txg;
      try (Tx tx = meta.begin(TX_BYTES + moved.size() * NAME_BYTES).wholeOnly()) {
        txg = tx.txg();
        long names = moveNames(tx, parent, clone, origin, moved);
        sync.inGroup(txg, () -> parent.promote(txg, clone, names));
        clone.setNamesZap(names);
        tx.complete();
      }
      context.txgs().waitSynced(txg);
    } finally {
      datasets.lock().unlock();
    }
  }

  private Map<String, Long> namesUpTo(OpenDataset parent, long origin) {
    Map<Long, String> names = new HashMap<>();
    SnapshotChain.objects(context, meta, parent.namesZap())
        .forEach((name, object) -> names.put(object, name));
    Map<String, Long> moved = new TreeMap<>();
    for (long object : parent.snapshotsUpTo(origin)) {
      String name = names.get(object);
      if (name == null) {
        throw PoolException.corrupt("snapshots_zap", "no name for object " + object);
      }
      moved.put(name, object);
    }
    return moved;
  }

  /** Moves names, or throws and has moved none; answers the ZAP that the clone's are in. */
  private long moveNames(
      Tx tx, OpenDataset parent, OpenDataset clone, long origin, Map<String, Long> moved) {
    long older = parent.record().heritage().origin();
    long heirs = SnapshotChain.record(meta, origin).clonesZap();
    long olderHeirs = older == 0 ? 0 : SnapshotChain.record(meta, older).clonesZap();
    long[] target = {clone.namesZap()};
    try (NameChanges changes = new NameChanges(context, meta, tx)) {
      changes.allOrNone(
          () -> {
            if (target[0] == 0) {
              target[0] = makeNames(tx, changes);
            }
            moved.forEach(
                (name, object) -> {
                  changes.enter(target[0], name, object);
                  changes.remove(parent.namesZap(), name, object);
                });
            changes.remove(heirs, Long.toString(clone.object()), clone.object());
            changes.enter(heirs, Long.toString(parent.object()), parent.object());
            if (older != 0) {
              changes.remove(olderHeirs, Long.toString(parent.object()), parent.object());
              changes.enter(olderHeirs, Long.toString(clone.object()), clone.object());
            }
          });
    } catch (PoolException e) {
      tx.complete();
      throw e;
    }
    return target[0];
  }

  private long makeNames(Tx tx, NameChanges changes) {
    try (Dnode zap = meta.create(tx, ObjectType.ZAP, 512)) {
      long number = zap.number();
      changes.orElse(
          () -> {
            try (Dnode made = meta.hold(number)) {
              made.free(tx);
            }
          });
      Zap.create(tx, zap, context.env());
      return number;
    }
  }
}
