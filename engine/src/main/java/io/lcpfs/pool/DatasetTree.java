package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.ObjectSetOptions;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The datasets of a pool: a tree of DATASET objects, each with a ZAP of children and one of
 * properties. Its lock serialises changes of the tree and is taken before a transaction begins; the
 * sync task never takes it.
 */
final class DatasetTree {
  private static final long TX_BYTES = 64 << 10;

  /** Characters of a path below the root; names are shorter than this, so no tree is deeper. */
  private static final int MAX_PATH_LENGTH = 1024;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final LogStore logs;
  private final DeadLists deadLists;
  private final long rootObject;
  private final DestroyedDatasets destroyed;
  private final boolean readOnly;
  private final ReentrantLock lock = new ReentrantLock();

  /** Guards the map; a leaf lock, which the sync task takes too. */
  private final ReentrantLock openLock = new ReentrantLock();

  private final TreeMap<Long, OpenDataset> open = new TreeMap<>();
  private final List<String> logProblems = new CopyOnWriteArrayList<>();

  /**
   * @param destroyed the ZAP of datasets being destroyed; this holds it
   */
  DatasetTree(
      ObjectContext context,
      ObjectSet meta,
      LogStore logs,
      DeadLists deadLists,
      long rootObject,
      Dnode destroyed,
      boolean readOnly) {
    this.context = context;
    this.meta = meta;
    this.logs = logs;
    this.deadLists = deadLists;
    this.rootObject = rootObject;
    this.destroyed = new DestroyedDatasets(context, meta, deadLists, destroyed, lock);
    this.readOnly = readOnly;
  }

  /** Makes a DATASET object with empty ZAPs; closes all holds and answers its number. */
  static long createObject(
      ObjectContext context, ObjectSet meta, Tx tx, SortedMap<String, String> properties) {
    return createObject(context, meta, tx, properties, 0, null);
  }

  /**
   * As {@link #createObject(ObjectContext, ObjectSet, Tx, SortedMap)}, of a clone.
   *
   * @param origin the SNAPSHOT object that it begins as, 0 for none
   */
  static long createObject(
      ObjectContext context,
      ObjectSet meta,
      Tx tx,
      SortedMap<String, String> properties,
      long origin,
      @Nullable SnapshotRecord content) {
    List<Dnode> made = new ArrayList<>();
    boolean done = false;
    try {
      Dnode dataset = add(made, meta.create(tx, ObjectType.DATASET, 512));
      Dnode children = add(made, meta.create(tx, ObjectType.ZAP, 512));
      Zap.create(tx, children, context.env());
      Dnode values = add(made, meta.create(tx, ObjectType.ZAP, 512));
      Zap.create(tx, values, context.env());
      Zap zap = Zap.open(values, context.env());
      properties.forEach(
          (name, value) -> zap.put(tx, name.getBytes(UTF_8), PropertyText.encode(value)));
      long guid = context.env().randomLong() | 1;
      long seconds = context.env().wallNanos() / 1_000_000_000L;
      DatasetRecord empty =
          new DatasetRecord(
              guid,
              tx.txg(),
              seconds,
              children.number(),
              values.number(),
              0,
              0,
              0,
              0,
              DatasetRecord.Snapshots.NONE,
              DatasetRecord.Heritage.NONE,
              DatasetRecord.Remains.ALL,
              BlockPointer.HOLE);
      DatasetRecord record =
          content == null
              ? empty
              : empty
                  .withContent(content.objectSet(), content.usedBytes(), content.logicalBytes())
                  .withHeritage(new DatasetRecord.Heritage(origin, content.usedBytes()));
      dataset.setBonus(tx, record.encode());
      done = true;
      return dataset.number();
    } finally {
      for (Dnode dnode : made) {
        if (!done) {
          dnode.free(tx);
        }
        dnode.close();
      }
    }
  }

  private static Dnode add(List<Dnode> made, Dnode dnode) {
    made.add(dnode);
    return dnode;
  }

  /** The record of a DATASET object; Corrupt when it is none. */
  static DatasetRecord recordOf(Dnode dnode) {
    if (dnode.type() != ObjectType.DATASET) {
      throw PoolException.corrupt("dataset.type", dnode.type().code());
    }
    return DatasetRecord.decode(dnode.bonus());
  }

  /** The ZAP of a dataset's children. */
  long childrenZap(long object) {
    try (Dnode dnode = meta.hold(object)) {
      return recordOf(dnode).childrenZap();
    }
  }

  /** Those that are in the tree no more and not yet freed. */
  DestroyedDatasets destroyed() {
    return destroyed;
  }

  /** Serialises changes of the tree, and of the snapshots in it. */
  ReentrantLock lock() {
    return lock;
  }

  /** SNAPSHOT objects of a dataset by name. */
  Map<String, Long> snapshotObjects(long object) {
    return SnapshotChain.objects(context, meta, snapshotNames(object));
  }

  /** The ZAP of the names of a dataset's snapshots, or 0. */
  long snapshotNames(long object) {
    OpenDataset known = known(object);
    if (known != null) {
      return known.namesZap();
    }
    try (Dnode dnode = meta.hold(object)) {
      return recordOf(dnode).snapshots().namesZap();
    }
  }

  /** The SNAPSHOT object of this name in a ZAP of names, or 0. */
  long snapshotObject(long namesZap, String name) {
    if (namesZap == 0) {
      return 0;
    }
    try (Dnode zap = meta.hold(namesZap)) {
      long object = Zap.open(zap, context.env()).getLong(name.getBytes(UTF_8));
      return object == Zap.ABSENT ? 0 : object;
    }
  }

  /** The ZAP of a dataset's bookmarks, or 0. */
  long bookmarksZap(long object) {
    OpenDataset known = known(object);
    if (known != null) {
      return known.bookmarksZap();
    }
    try (Dnode dnode = meta.hold(object)) {
      return recordOf(dnode).bookmarksZap();
    }
  }

  /** The DATASET object at a path; ENOENT. */
  long find(String path) {
    long object = rootObject;
    if (path.isEmpty()) {
      return object;
    }
    for (String name : path.split("/", -1)) {
      try (Dnode children = meta.hold(childrenZap(object))) {
        object = Zap.open(children, context.env()).getLong(name.getBytes(UTF_8));
      }
      if (object == Zap.ABSENT) {
        throw PoolException.refused(
            Errno.ENOENT, "no dataset " + path + "; 'lcpfs fs list' shows those there are");
      }
    }
    return object;
  }

  static String parentOf(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  static byte[] nameOf(String path) {
    return path.substring(path.lastIndexOf('/') + 1).getBytes(UTF_8);
  }

  /**
   * All datasets, sorted by path; a damaged one hides none but those below it.
   *
   * @throws PoolException EIO when the root dataset cannot be read
   */
  List<DatasetInfo> list() {
    return List.copyOf(walk().found.values());
  }

  /** What a walk through the tree found. */
  private static final class Walk {
    final SortedMap<String, DatasetInfo> found = new TreeMap<>();
    final SortedMap<Long, String> seen = new TreeMap<>();
    @Nullable PoolException damage;
    boolean shared;
  }

  private Walk walk() {
    lock.lock();
    try {
      Walk walk = new Walk();
      collect("", rootObject, walk);
      return walk;
    } finally {
      lock.unlock();
    }
  }

  private void collect(String path, long object, Walk walk) {
    DatasetInfo info;
    try {
      if (walk.seen.putIfAbsent(object, path) != null) {
        walk.shared = true;
        throw PoolException.corrupt("dataset.children", path + " is another dataset, too");
      }
      if (path.length() > MAX_PATH_LENGTH) {
        throw PoolException.corrupt("dataset.children", "too deep at " + path);
      }
      info = info(path, object);
    } catch (PoolException e) {
      if (path.isEmpty() || !isDamage(e)) {
        throw e;
      }
      walk.damage = e;
      walk.found.put(path, DatasetInfo.unreadable(path, e.error().message()));
      return;
    }
    SortedMap<String, Long> children = new TreeMap<>();
    try {
      readChildren(object, children);
    } catch (PoolException e) {
      if (!isDamage(e)) {
        throw e;
      }
      walk.damage = e;
      info = info.withDamage(e.error().message());
    }
    walk.found.put(path, info);
    children.forEach(
        (name, child) -> collect(path.isEmpty() ? name : path + "/" + name, child, walk));
  }

  /** Whether the answer says that the disk is wrong: an object that is missing, too. */
  static boolean isDamage(PoolException e) {
    return e.errno() == Errno.EIO || e.errno() == Errno.ENOENT;
  }

  /** Refuses to move or remove anything in a tree where a dataset has two names. */
  void refuseShared() {
    Walk walk = walk();
    if (walk.shared && walk.damage != null) {
      throw walk.damage;
    }
  }

  /** The paths of all datasets in the tree, by their DATASET objects. */
  SortedMap<Long, String> paths() {
    return walk().seen;
  }

  SortedMap<String, Long> childrenOf(long object) {
    SortedMap<String, Long> children = new TreeMap<>();
    readChildren(object, children);
    return children;
  }

  /** Adds the children; those before the damage when it throws. */
  private void readChildren(long object, SortedMap<String, Long> children) {
    try (Dnode zap = meta.hold(childrenZap(object))) {
      Zap.open(zap, context.env())
          .iterate(
              0,
              (cookie, name, value) -> {
                children.put(checkName(new String(name, UTF_8)), longOf(value));
                return true;
              });
    }
  }

  /** A name from disk: it must not lead anywhere else. */
  private static String checkName(String name) {
    if (name.isEmpty()
        || name.equals(".")
        || name.equals("..")
        || name.indexOf('/') >= 0
        || name.indexOf('@') >= 0
        || name.chars().anyMatch(Character::isISOControl)) {
      throw PoolException.corrupt("dataset.child", name.length() + " characters, no name");
    }
    return name;
  }

  private static long longOf(byte[] value) {
    if (value.length != 8) {
      throw PoolException.corrupt("dataset.child", value.length);
    }
    return io.lcpfs.format.Disk.u64(java.lang.foreign.MemorySegment.ofArray(value), 0);
  }

  private DatasetInfo info(String path, long object) {
    try (Dnode dnode = meta.hold(object)) {
      DatasetRecord record = recordOf(dnode);
      StoredProperties properties;
      try (Dnode zap = meta.hold(record.propertiesZap())) {
        properties = StoredProperties.read(Zap.open(zap, context.env()));
      }
      return new DatasetInfo(
          path,
          record.guid(),
          record.creationTxg(),
          record.creationSeconds(),
          record.usedBytes(),
          record.logicalBytes(),
          record.snapshots().storedBytes(),
          record.heritage().inheritedBytes(),
          record.heritage().origin(),
          properties,
          "");
    }
  }

  DatasetInfo get(String path) {
    lock.lock();
    try {
      return info(path, find(path));
    } finally {
      lock.unlock();
    }
  }

  DatasetInfo create(String path, SortedMap<String, String> properties) {
    return create(path, tx -> createObject(context, meta, tx, properties), tx -> {});
  }

  /**
   * Enters a new dataset.
   *
   * @param maker makes its DATASET object, or nothing when it throws
   * @param takeBack undoes within the transaction what {@code maker} did
   */
  DatasetInfo create(String path, ToLongFunction<Tx> maker, Consumer<Tx> takeBack) {
    lock.lock();
    try (Dnode children = meta.hold(childrenZap(find(parentOf(path))))) {
      Zap zap = Zap.open(children, context.env());
      if (path.isEmpty() || zap.contains(nameOf(path))) {
        throw PoolException.refused(Errno.EEXIST, "dataset " + path + " exists already");
      }
      long object;
      try (Tx tx = meta.begin(TX_BYTES).wholeOnly()) {
        boolean made = false;
        try {
          object = maker.applyAsLong(tx);
          made = true;
          Check.that(zap.insertLong(tx, nameOf(path), object), "dataset entered twice");
        } catch (PoolException e) {
          if (made) {
            takeBack.accept(tx);
          }
          tx.complete(); // nothing leads to what was made
          throw e;
        }
        tx.complete();
      }
      return info(path, object);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes the dataset out of the tree; answers its object, which {@link DestroyTask} then frees.
   */
  long destroy(String path) {
    lock.lock();
    try {
      if (path.isEmpty()) {
        throw PoolException.refused(
            Errno.EBUSY, "the root dataset lives as long as its pool; use 'lcpfs pool destroy'");
      }
      long object = find(path);
      refuseShared();
      if (!childrenOf(object).isEmpty()) {
        throw PoolException.refused(
            Errno.ENOTEMPTY, "dataset " + path + " has children; destroy them with -r");
      }
      if (!snapshotObjects(object).isEmpty()) {
        throw PoolException.refused(
            Errno.ENOTEMPTY, "dataset " + path + " has snapshots; destroy them with -r");
      }
      leave(object);
      try (Dnode siblings = meta.hold(childrenZap(find(parentOf(path))));
          Dnode dnode = meta.hold(object);
          Tx tx = meta.beginFreeing(TX_BYTES).wholeOnly()) {
        recordOf(dnode); // whoever frees it needs that
        destroyed.enter(tx, object);
        try {
          Zap.open(siblings, context.env()).remove(tx, nameOf(path));
        } catch (PoolException e) {
          destroyed.takeBack(tx, object);
          tx.complete();
          throw e;
        }
        tx.complete();
      }
      return object;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Refuses to take the object of a dataset that is in the tree for a destroyed one; any, while
   * some of the tree cannot be read.
   *
   * @throws PoolException Corrupt
   */
  void checkDestroyed(long object) {
    Walk walk = walk();
    if (walk.damage != null) {
      throw walk.damage;
    }
    if (walk.seen.containsKey(object)) {
      throw PoolException.corrupt("destroyed", "object " + object + " is a dataset in use");
    }
  }

  void rename(String from, String to) {
    lock.lock();
    try {
      if (from.isEmpty() || to.isEmpty()) {
        throw PoolException.refused(
            Errno.EBUSY,
            "the root dataset is named after its pool; import the pool under a new name");
      }
      if (to.startsWith(from + "/")) {
        throw PoolException.refused(Errno.EINVAL, to + " is below " + from);
      }
      long object = find(from);
      refuseShared();
      long oldParent = childrenZap(find(parentOf(from)));
      long newParent = childrenZap(find(parentOf(to)));
      try (Dnode old = meta.hold(oldParent);
          Dnode target = meta.hold(newParent)) {
        Zap targetZap = Zap.open(target, context.env());
        if (targetZap.contains(nameOf(to))) {
          throw PoolException.refused(Errno.EEXIST, "dataset " + to + " exists already");
        }
        try (Tx tx = meta.begin(TX_BYTES).wholeOnly()) {
          targetZap.insertLong(tx, nameOf(to), object);
          try {
            Zap.open(old, context.env()).remove(tx, nameOf(from));
          } catch (PoolException e) {
            targetZap.remove(tx, nameOf(to));
            tx.complete();
            throw e;
          }
          tx.complete();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Changes what is set at a dataset, and what counts of what it received. */
  void changeProperties(String path, UnaryOperator<StoredProperties> change) {
    lock.lock();
    try (Dnode dnode = holdProperties(path)) {
      Zap zap = Zap.open(dnode, context.env());
      StoredProperties old = StoredProperties.read(zap);
      StoredProperties next = change.apply(old);
      long bytes = TX_BYTES + next.writtenBytes(old);
      try (Tx tx = next.isNoLargerThan(old) ? meta.beginFreeing(bytes) : meta.begin(bytes)) {
        next.write(tx, zap, old);
      }
    } finally {
      lock.unlock();
    }
  }

  private Dnode holdProperties(String path) {
    try (Dnode dnode = meta.hold(find(path))) {
      return meta.hold(recordOf(dnode).propertiesZap());
    }
  }

  /** The objects of a dataset; opened when they are not. */
  OpenDataset open(String path, DatasetPolicy policy) {
    lock.lock();
    try {
      OpenDataset dataset = openWithLog(path);
      dataset.objectSet().setOptions(optionsOf(policy));
      return dataset;
    } finally {
      lock.unlock();
    }
  }

  /** The objects of a dataset as its user left them: with what is in its intent log. */
  OpenDataset openWithLog(String path) {
    lock.lock();
    try {
      OpenDataset dataset = openObject(find(path));
      if (!readOnly) {
        dataset.accounts().load();
        PoolException lost = dataset.beginLog();
        if (lost != null) {
          logProblems.add(
              "the intent log of /"
                  + path
                  + " is damaged ("
                  + lost.error().message()
                  + "): the last changes before the crash are lost");
        }
      }
      return dataset;
    } finally {
      lock.unlock();
    }
  }

  static ObjectSetOptions optionsOf(DatasetPolicy policy) {
    return new ObjectSetOptions(
        policy.compression(),
        policy.checksum(),
        policy.copies(),
        Math.min(3, policy.copies() + 1),
        true);
  }

  /** What was lost of intent logs, in words. */
  List<String> logProblems() {
    return List.copyOf(logProblems);
  }

  /** The objects of a dataset by its DATASET object, without what is in its intent log. */
  OpenDataset openObject(long object) {
    lock.lock();
    try {
      OpenDataset known = known(object);
      if (known != null) {
        return known;
      }
      Dnode dnode = meta.hold(object);
      boolean done = false;
      try {
        DatasetRecord record = recordOf(dnode);
        ObjectSet objectSet =
            ObjectSet.open(context, object, record.objectSet(), readOnly, ObjectSetOptions.DEFAULT);
        SnapshotChain snapshots = SnapshotChain.load(context, meta, deadLists, object, record);
        OpenDataset dataset =
            new OpenDataset(context, meta, logs, dnode, objectSet, snapshots, record);
        openLock.lock();
        try {
          open.put(object, dataset);
        } finally {
          openLock.unlock();
        }
        done = true;
        return dataset;
      } finally {
        if (!done) {
          dnode.close();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends the use of a dataset: what was changed is on disk when this returns, and nothing changes
   * it any more but who opens it anew. With the tree's lock held.
   */
  void settle(long object) {
    OpenDataset dataset = known(object);
    if (dataset == null) {
      return;
    }
    dataset.objectSet().retire();
    meta.sync();
    dataset.closeLog();
    openLock.lock();
    try {
      open.remove(object);
    } finally {
      openLock.unlock();
    }
    dataset.close();
  }

  private @Nullable OpenDataset known(long object) {
    openLock.lock();
    try {
      return open.get(object);
    } finally {
      openLock.unlock();
    }
  }

  /** Changes how an open dataset writes. */
  void setPolicy(String path, DatasetPolicy policy) {
    lock.lock();
    try {
      OpenDataset dataset = known(find(path));
      if (dataset != null) {
        dataset.objectSet().setOptions(optionsOf(policy));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Ends the use of all intent logs. */
  void closeLogs() {
    opened().forEach(OpenDataset::closeLog);
  }

  /** Tells a dataset's users that it is about to be destroyed. */
  void leave(long object) {
    openLock.lock();
    try {
      OpenDataset dataset = open.get(object);
      if (dataset != null) {
        dataset.objectSet().leave();
      }
    } finally {
      openLock.unlock();
    }
  }

  /** The open datasets by object number; for the sync task. */
  Collection<OpenDataset> opened() {
    openLock.lock();
    try {
      return new ArrayList<>(open.values());
    } finally {
      openLock.unlock();
    }
  }
}
