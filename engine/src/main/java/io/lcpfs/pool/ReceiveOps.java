package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Features;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Datasets that are being received: in a ZAP of their own until they are whole, then in the tree.
 * What a crash leaves of one that is not to be resumed is freed by the next import.
 */
final class ReceiveOps {
  private static final long TX_BYTES = 64 << 10;

  /** For each snapshot that goes with a dataset that is replaced. */
  private static final long NAME_BYTES = 2 << 10;

  private static final int MAX_REPLACED = 1000;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final MetaDirectory directory;
  private final DatasetTree datasets;
  private final SnapshotOps snapshots;
  private final CloneOps clones;
  private final PoolSync sync;
  private final DestroyTask destroyTask;
  private final SpaceOps space;

  /** Guards the ZAP; a leaf lock, taken within transactions. */
  private final ReentrantLock zapLock = new ReentrantLock();

  /** Objects that somebody receives into; guarded by the tree's lock. */
  private final TreeSet<Long> active = new TreeSet<>();

  private volatile @Nullable PoolException problem;

  ReceiveOps(
      ObjectContext context,
      ObjectSet meta,
      DatasetTree datasets,
      SnapshotOps snapshots,
      CloneOps clones,
      PoolSync sync,
      DestroyTask destroyTask,
      SpaceOps space) {
    this.context = context;
    this.meta = meta;
    this.directory = new MetaDirectory(meta, context.env());
    this.datasets = datasets;
    this.snapshots = snapshots;
    this.clones = clones;
    this.sync = sync;
    this.destroyTask = destroyTask;
    this.space = space;
  }

  /** Why what an earlier import left cannot be freed, or null. */
  @Nullable PoolException problem() {
    return problem;
  }

  private String full(String path) {
    return path.isEmpty() ? sync.config().name() : sync.config().name() + "/" + path;
  }

  private static byte[] key(long object) {
    return Long.toString(object).getBytes(UTF_8);
  }

  /** What is being received, by DATASET object. */
  private SortedMap<Long, ReceiveRecord> entries() {
    SortedMap<Long, ReceiveRecord> found = new TreeMap<>();
    zapLock.lock();
    try {
      long zap = directory.find(MetaDirectory.RECEIVING);
      if (zap != 0) {
        try (Dnode dnode = meta.hold(zap)) {
          Zap.open(dnode, context.env())
              .iterate(
                  0,
                  (cookie, name, value) -> {
                    found.put(objectOf(name), ReceiveRecord.decode(value));
                    return true;
                  });
        }
      }
    } finally {
      zapLock.unlock();
    }
    return found;
  }

  /** A name in the ZAP; Corrupt when it is no number. */
  static long objectOf(byte[] name) {
    String text = new String(name, UTF_8);
    if (!text.matches("[1-9][0-9]{0,17}")) {
      throw PoolException.corrupt("receiving", text.length() + " characters, no number");
    }
    return Long.parseLong(text);
  }

  /** What is being received. */
  List<ReceiveRecord> list() {
    return new ArrayList<>(entries().values());
  }

  /** Frees what an import before this left and nobody will resume. */
  void dropUnresumable() {
    try {
      entries()
          .forEach(
              (object, record) -> {
                if (!record.resumable()) {
                  abort(object);
                }
              });
    } catch (PoolException e) {
      problem = e; // shown by status; the space stays allocated
    }
  }

  private long find(String path, SortedMap<Long, ReceiveRecord> entries) {
    for (Map.Entry<Long, ReceiveRecord> entry : entries.entrySet()) {
      if (entry.getValue().path().equals(path)) {
        return entry.getKey();
      }
    }
    return 0;
  }

  /**
   * Begins with an empty dataset or, where the stream is incremental, with what is there.
   *
   * @param force whether what was changed there since its newest snapshot may be lost, or all that
   *     is there where the stream is whole
   * @throws PoolException EEXIST; ENOENT when the parent is missing; EBUSY when something is being
   *     received at that path; ESTALE when what is there is not what the stream continues;
   *     EOPNOTSUPP when the pool lacks the feature
   */
  Receiving begin(ReceiveRecord start, DatasetPolicy policy, boolean force) {
    if (!sync.config().features().contains(Features.RECEIVES)) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "pool "
              + sync.config().name()
              + " was made without receiving; turn it on with 'lcpfs pool upgrade'");
    }
    datasets.lock().lock();
    try {
      if (start.isNew()) {
        refuseTaken(start.path(), force);
      }
      if (find(start.path(), entries()) != 0) {
        throw PoolException.refused(
            Errno.EBUSY,
            full(start.path())
                + ": was received in part; resume that with its receive_resume_token, or drop it"
                + " with 'lcpfs fs receive -A'");
      }
      if (!start.isNew()) {
        return opened(continued(start, policy, force), start, policy);
      }
      space.refuseArrival(start.path());
      if (start.isClone()) {
        return opened(cloned(start), start, policy);
      }
      long object;
      try (Tx tx = meta.begin(TX_BYTES).wholeOnly()) {
        try {
          object = DatasetTree.createObject(context, meta, tx, new TreeMap<>());
          enter(tx, object, start);
        } catch (PoolException e) {
          tx.complete(); // nothing leads to what was made
          throw e;
        }
        tx.complete();
      }
      return opened(object, start, policy);
    } finally {
      datasets.lock().unlock();
    }
  }

  /** Makes a hidden clone of the newest snapshot, which the stream has to continue. */
  private long continued(ReceiveRecord start, DatasetPolicy policy, boolean force) {
    String name = full(start.path());
    OpenDataset head = datasets.open(start.path(), policy);
    head.refuseDamagedSnapshots();
    long newest = head.newestSnapshot();
    if (newest == 0) {
      throw PoolException.refused(
          Errno.ESTALE,
          name
              + ": has no snapshot that the stream could continue; send a whole snapshot to"
              + " another name");
    }
    TreeSet<Long> guids = new TreeSet<>();
    for (long snapshot : datasets.snapshotObjects(head.object()).values()) {
      guids.add(SnapshotChain.record(meta, snapshot, head.object()).guid());
    }
    if (guids.contains(start.toGuid())) {
      throw PoolException.refused(
          Errno.EEXIST, name + ": has that snapshot already; there is nothing to receive");
    }
    SnapshotRecord record = SnapshotChain.record(meta, newest, head.object());
    if (record.guid() != start.fromGuid()) {
      throw PoolException.refused(
          Errno.ESTALE,
          name
              + (guids.contains(start.fromGuid())
                  ? ": has newer snapshots than the one that the stream continues; destroy those,"
                      + " or send from the newest"
                  : ": its newest snapshot is not the one that the stream continues; send from"
                      + " that, or a whole snapshot to another name"));
    }
    head.objectSet().sync();
    refuseChanged(start.path(), head.record(), record, force);
    return clones.createHidden(head, newest, (tx, object) -> enter(tx, object, start));
  }

  /** Makes a hidden clone of the snapshot that the stream's dataset began as. */
  private long cloned(ReceiveRecord start) {
    long origin = 0;
    OpenDataset from = null;
    int nearest = -1;
    for (DatasetInfo info : datasets.list()) {
      if (!info.isReadable() || common(info.path(), start.path()) <= nearest) {
        continue;
      }
      long dataset = datasets.find(info.path());
      for (long snapshot : datasets.snapshotObjects(dataset).values()) {
        if (SnapshotChain.record(meta, snapshot, dataset).guid() == start.fromGuid()) {
          origin = snapshot;
          from = datasets.openObject(dataset);
          nearest = common(info.path(), start.path());
        }
      }
    }
    if (from == null) {
      throw PoolException.refused(
          Errno.ENOENT,
          full(start.path())
              + ": would be a clone of a snapshot that is not here; receive that first, or send"
              + " the clone whole, without -i");
    }
    return clones.createHidden(from, origin, (tx, object) -> enter(tx, object, start));
  }

  /** How much two paths have in common: of several that a snapshot is in, the nearest is meant. */
  private static int common(String one, String other) {
    int length = Math.min(one.length(), other.length());
    int at = 0;
    while (at < length && one.charAt(at) == other.charAt(at)) {
      at++;
    }
    return at;
  }

  /** Refuses what has changed since its newest snapshot. */
  private void refuseChanged(
      String path, DatasetRecord head, SnapshotRecord newest, boolean force) {
    if (head.objectSet().logicalBirth() > newest.txg()) {
      if (!force) {
        throw PoolException.refused(
            Errno.EBUSY,
            full(path)
                + ": has changed since its newest snapshot; receive with -F to lose the changes,"
                + " or set readonly=on there before");
      }
      snapshots.bookmarks().refuseAfter(path, newest.txg());
    }
  }

  /** Refuses a path whose parent does not exist, and one that exists and is not to be replaced. */
  private void refuseTaken(String path, boolean force) {
    parent(path);
    if (!exists(path)) {
      return;
    }
    if (!force) {
      throw PoolException.refused(
          Errno.EEXIST,
          full(path)
              + ": exists already; choose another name, or give -F to replace it with all its"
              + " snapshots");
    }
    old(path);
  }

  private boolean exists(String path) {
    if (path.isEmpty()) {
      return true;
    }
    try (Dnode children = meta.hold(datasets.childrenZap(parent(path)))) {
      return Zap.open(children, context.env()).contains(DatasetTree.nameOf(path));
    }
  }

  /**
   * A dataset that is to be replaced.
   *
   * @param snapshots what goes with it
   */
  private record Old(OpenDataset dataset, Map<String, Long> snapshots) {
    long bytes() {
      return snapshots.size() * NAME_BYTES;
    }
  }

  /** What is to be replaced; EBUSY, ENOTEMPTY when something keeps it. */
  private Old old(String path) {
    if (path.isEmpty()) {
      throw PoolException.refused(
          Errno.EBUSY,
          full(path) + ": the root dataset is as old as its pool; receive into one below it");
    }
    OpenDataset dataset = datasets.openObject(datasets.find(path));
    datasets.refuseShared();
    if (!datasets.childrenOf(dataset.object()).isEmpty()) {
      throw PoolException.refused(
          Errno.ENOTEMPTY,
          full(path)
              + ": has datasets below it, which would go with it; destroy or rename them first");
    }
    Map<String, Long> unkept;
    try {
      unkept = snapshots.unkept(path, dataset);
    } catch (PoolException e) {
      throw e.errno() != Errno.EBUSY
          ? e
          : PoolException.refused(
              Errno.EBUSY, full(path) + ": is not replaced: " + e.error().message());
    }
    if (unkept.size() > MAX_REPLACED) {
      throw PoolException.refused(
          Errno.E2BIG,
          full(path)
              + ": has more than "
              + MAX_REPLACED
              + " snapshots, which do not go all at once; destroy some first");
    }
    return new Old(dataset, unkept);
  }

  private long parent(String path) {
    try {
      return datasets.find(DatasetTree.parentOf(path));
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      throw PoolException.refused(
          Errno.ENOENT,
          full(path)
              + ": its parent does not exist; create it with 'lcpfs fs create -p "
              + full(DatasetTree.parentOf(path))
              + "'");
    }
  }

  private void enter(Tx tx, long object, ReceiveRecord start) {
    zapLock.lock();
    try {
      long zap = directory.find(MetaDirectory.RECEIVING);
      try (Dnode dnode =
          zap == 0 ? directory.createZap(tx, MetaDirectory.RECEIVING) : meta.hold(zap)) {
        Zap.open(dnode, context.env()).put(tx, key(object), start.encode());
      }
    } finally {
      zapLock.unlock();
    }
  }

  private Receiving opened(long object, ReceiveRecord record, DatasetPolicy policy) {
    OpenDataset dataset = datasets.openObject(object);
    ObjectSet objects = dataset.objectSet();
    objects.setOptions(DatasetTree.optionsOf(policy));
    String path = record.path();
    long nearest = record.isNew() ? datasets.find(DatasetTree.parentOf(path)) : datasets.find(path);
    objects.setSpaceGate(space.arrivalGate(nearest));
    dataset.accounts().keep(false); // those that arrive are the sender's
    active.add(object);
    return new Receiving(this, dataset, record);
  }

  /**
   * Goes on with what was received in part.
   *
   * @throws PoolException ENOENT; EBUSY when somebody is at it; EINVAL when it is another snapshot
   */
  Receiving resume(String path, long toGuid, DatasetPolicy policy, boolean force) {
    datasets.lock().lock();
    try {
      SortedMap<Long, ReceiveRecord> entries = entries();
      long object = find(path, entries);
      ReceiveRecord record = entries.get(object);
      if (record == null) {
        throw PoolException.refused(
            Errno.ENOENT,
            "nothing was received in part at " + full(path) + "; send the whole snapshot instead");
      }
      if (record.toGuid() != toGuid) {
        throw PoolException.refused(
            Errno.EINVAL,
            "what was received in part at "
                + full(path)
                + " is "
                + record.snapshot()
                + ", not what this stream goes on with; drop it with 'lcpfs fs receive -A'");
      }
      refuseActive(path, object);
      datasets.checkDestroyed(object); // nor may it be a dataset in use
      if (record.isNew()) {
        refuseTaken(path, force);
      }
      return opened(object, record, policy);
    } finally {
      datasets.lock().unlock();
    }
  }

  private void refuseActive(String path, long object) {
    if (active.contains(object)) {
      throw PoolException.refused(
          Errno.EBUSY, full(path) + " is being received; wait for that to end, or end it");
    }
  }

  /** Drops what was received in part; ENOENT when there is nothing. */
  void drop(String path) {
    datasets.lock().lock();
    try {
      long object = find(path, entries());
      if (object == 0) {
        throw PoolException.refused(
            Errno.ENOENT,
            "nothing was received in part at " + full(path) + "; there is nothing to drop");
      }
      refuseActive(path, object);
      abort(object);
    } finally {
      datasets.lock().unlock();
    }
  }

  /** Notes how far a receive is. */
  void save(Tx tx, long object, ReceiveRecord record) {
    enter(tx, object, record);
  }

  /** Changes what is set at a dataset that is being received, and what it received. */
  void changeProperties(OpenDataset dataset, UnaryOperator<StoredProperties> change) {
    try (Dnode values = meta.hold(dataset.record().propertiesZap())) {
      Zap zap = Zap.open(values, context.env());
      StoredProperties old = StoredProperties.read(zap);
      StoredProperties next = change.apply(old);
      try (Tx tx = meta.begin(TX_BYTES + next.writtenBytes(old))) {
        next.write(tx, zap, old);
      }
    }
  }

  /** Nobody receives into an object any more. */
  void released(long object) {
    datasets.lock().lock();
    try {
      active.remove(object);
    } finally {
      datasets.lock().unlock();
    }
  }

  private boolean forget(Tx tx, long object) {
    zapLock.lock();
    try (Dnode dnode = directory.hold(MetaDirectory.RECEIVING, ObjectType.ZAP)) {
      return Zap.open(dnode, context.env()).remove(tx, key(object));
    } finally {
      zapLock.unlock();
    }
  }

  /** Gives a hidden dataset to whoever frees destroyed ones. */
  void abort(long object) {
    datasets.lock().lock();
    try {
      try (Tx tx = meta.beginFreeing(TX_BYTES).wholeOnly()) {
        datasets.destroyed().enter(tx, object);
        try {
          forget(tx, object);
        } catch (PoolException e) {
          datasets.destroyed().takeBack(tx, object);
          tx.complete();
          throw e;
        }
        tx.complete();
      }
    } finally {
      datasets.lock().unlock();
    }
    destroyTask.wake();
  }

  /** See {@link Receiving#commit}. */
  void commit(Receiving done, String snapshotName, DatasetPolicy policy, boolean force) {
    SnapshotTaking.checkName(snapshotName);
    if (!done.record().isNew()) {
      replace(done, snapshotName, policy, force);
      return;
    }
    OpenDataset dataset = done.dataset();
    String path = done.record().path();
    waitForClones(path, force);
    long txg;
    datasets.lock().lock();
    try {
      refuseTaken(path, force);
      long parent = parent(path);
      Old old = exists(path) ? old(path) : null;
      if (old != null) {
        takeOver(old.dataset, dataset);
      }
      space.refuseArrived(path, dataset.record(), properties(dataset).own());
      dataset.accounts().keep(true);
      try (Dnode children = meta.hold(datasets.childrenZap(parent));
          Tx tx = meta.begin(TX_BYTES + (old == null ? 0 : old.bytes())).wholeOnly()) {
        txg = tx.txg();
        Zap siblings = Zap.open(children, context.env());
        Dnode names = null;
        Dnode made = null;
        boolean entered = false;
        boolean forgotten = false;
        try {
          names = meta.create(tx, ObjectType.ZAP, 512);
          Zap.create(tx, names, context.env());
          made = snapshot(tx, dataset.object(), done.record());
          Zap.open(names, context.env())
              .insertLong(tx, snapshotName.getBytes(UTF_8), made.number());
          enterName(tx, siblings, path, old, dataset.object());
          entered = true;
          forget(tx, dataset.object());
          forgotten = true;
          if (old != null) {
            snapshots.endAll(tx, old.dataset, old.snapshots);
          }
        } catch (PoolException e) {
          if (forgotten) {
            enter(tx, dataset.object(), done.record());
          }
          if (entered) {
            leaveName(tx, siblings, path, old);
          }
          takeBack(tx, names);
          takeBack(tx, made);
          tx.complete();
          throw e;
        }
        long namesZap = names.number();
        names.close();
        dataset.setNamesZap(namesZap);
        Dnode taken = made;
        sync.inGroup(txg, () -> dataset.takeSnapshot(txg, taken, namesZap));
        tx.complete();
      }
      context.txgs().waitSynced(txg);
      space.arrived();
    } finally {
      datasets.lock().unlock();
    }
    destroyTask.wake();
  }

  /** Clones of what is to be replaced may be on their way out: that is waited for. */
  private void waitForClones(String path, boolean force) {
    List<Long> dying = List.of();
    datasets.lock().lock();
    try {
      if (force && exists(path)) {
        dying = snapshots.dyingClones(path);
      }
    } finally {
      datasets.lock().unlock();
    }
    if (!dying.isEmpty()) {
      destroyTask.waitFor(dying);
    }
  }

  /** What was decided at a dataset stays so at what replaces it, and what it received, too. */
  private void takeOver(OpenDataset old, OpenDataset dataset) {
    StoredProperties before = properties(old);
    changeProperties(dataset, before::continuedBy);
  }

  /** Gives a name to what was received, and what had it to be freed; or throws and has not. */
  private void enterName(Tx tx, Zap siblings, String path, @Nullable Old old, long object) {
    if (old == null) {
      Check.that(
          siblings.insertLong(tx, DatasetTree.nameOf(path), object), "dataset entered twice");
      return;
    }
    datasets.leave(old.dataset.object());
    datasets.destroyed().enter(tx, old.dataset.object());
    try {
      siblings.putLong(tx, DatasetTree.nameOf(path), object);
    } catch (PoolException e) {
      datasets.destroyed().takeBack(tx, old.dataset.object());
      throw e;
    }
  }

  private void leaveName(Tx tx, Zap siblings, String path, @Nullable Old old) {
    if (old == null) {
      siblings.remove(tx, DatasetTree.nameOf(path));
      return;
    }
    siblings.putLong(tx, DatasetTree.nameOf(path), old.dataset.object());
    datasets.destroyed().takeBack(tx, old.dataset.object());
  }

  /** Gives what has arrived accounts of its own; see {@link OwnerRecount}. */
  void countOwners(OpenDataset dataset) {
    boolean has = new OwnerRecount(context, dataset.objectSet()).run();
    if (has && !sync.config().features().contains(Features.OWNER_ACCOUNTS)) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "pool "
              + sync.config().name()
              + " was made without accounts of users, which the stream has; turn them on with"
              + " 'lcpfs pool upgrade'");
    }
  }

  private static void takeBack(Tx tx, @Nullable Dnode made) {
    if (made != null) {
      made.free(tx);
      made.close();
    }
  }

  private Dnode snapshot(Tx tx, long dataset, ReceiveRecord record) {
    Dnode made = meta.create(tx, ObjectType.SNAPSHOT, 512);
    made.setBonus(
        tx,
        new SnapshotRecord(
                record.toGuid(),
                tx.txg(),
                0,
                record.creationSeconds(),
                dataset,
                0,
                0,
                0,
                0,
                0,
                BlockPointer.HOLE)
            .encode());
    return made;
  }

  /** Gives the dataset what was received, with a snapshot of it and its properties. */
  private void replace(Receiving done, String snapshotName, DatasetPolicy policy, boolean force) {
    ReceiveRecord record = done.record();
    long hidden = done.dataset().object();
    StoredProperties arrived = properties(done.dataset());
    Prepared[] made = new Prepared[1];
    long[] at = new long[2];
    datasets.lock().lock();
    try {
      long head = datasets.find(record.path());
      space.refuseReplacement(head, done.dataset().record());
      StoredProperties old = properties(datasets.openObject(head));
      StoredProperties next = old.continuedBy(arrived);
      clones.adopt(
          record.path(),
          hidden,
          policy,
          next.writtenBytes(old),
          tx -> {
            at[0] = tx.txg();
            at[1] = datasets.snapshotNames(head);
            made[0] = prepared(tx, head, hidden, record, snapshotName, force);
            try {
              Runnable undo = write(tx, head, old, next);
              return () -> {
                undo.run();
                made[0].undo.run();
              };
            } catch (PoolException e) {
              made[0].undo.run();
              throw e;
            }
          },
          now -> now.takeSnapshot(at[0], made[0].snapshot, at[1]));
      space.arrived();
    } finally {
      datasets.lock().unlock();
    }
    destroyTask.wake();
  }

  private Runnable write(Tx tx, long head, StoredProperties old, StoredProperties next) {
    long zap = datasets.destroyed().record(head).propertiesZap();
    if (next.equals(old)) {
      return () -> {};
    }
    try (Dnode dnode = meta.hold(zap)) {
      next.write(tx, Zap.open(dnode, context.env()), old);
    }
    return () -> {
      try (Dnode dnode = meta.hold(zap)) {
        old.write(tx, Zap.open(dnode, context.env()), next);
      }
    };
  }

  /** A snapshot that is entered, and what takes that back within the transaction. */
  private record Prepared(Dnode snapshot, Runnable undo) {}

  /** Enters the snapshot's name and forgets the receive, or throws and has done neither. */
  private Prepared prepared(
      Tx tx, long head, long hidden, ReceiveRecord record, String snapshotName, boolean force) {
    DatasetRecord now = datasets.destroyed().record(head);
    OpenDataset known = datasets.openObject(head);
    SnapshotRecord newest = SnapshotChain.record(meta, known.newestSnapshot(), head);
    if (newest.guid() != record.fromGuid()) {
      throw PoolException.refused(
          Errno.ESTALE,
          full(record.path())
              + ": another snapshot was taken or received meanwhile; send from that one");
    }
    refuseChanged(record.path(), now, newest, force);
    if (snapshots.lookup(known.namesZap(), snapshotName) != 0) {
      throw PoolException.refused(
          Errno.EEXIST,
          full(record.path()) + "@" + snapshotName + ": exists already; rename one of them");
    }
    byte[] name = snapshotName.getBytes(UTF_8);
    long namesZap = known.namesZap();
    Dnode made = snapshot(tx, head, record);
    boolean named = false;
    try (Dnode dnode = meta.hold(namesZap)) {
      Zap names = Zap.open(dnode, context.env());
      try {
        names.insertLong(tx, name, made.number());
        named = true;
        forget(tx, hidden);
      } catch (PoolException e) {
        if (named) {
          names.remove(tx, name);
        }
        throw e;
      }
    } catch (PoolException e) {
      takeBack(tx, made);
      throw e;
    }
    return new Prepared(
        made,
        () -> {
          enter(tx, hidden, record);
          try (Dnode dnode = meta.hold(namesZap)) {
            Zap.open(dnode, context.env()).remove(tx, name);
          }
          takeBack(tx, made);
        });
  }

  private StoredProperties properties(OpenDataset dataset) {
    try (Dnode dnode = meta.hold(dataset.record().propertiesZap())) {
      return StoredProperties.read(Zap.open(dnode, context.env()));
    }
  }
}
