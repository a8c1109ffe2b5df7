package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.BookmarkRecord;
import io.lcpfs.format.Features;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.ObjectSetOptions;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What users do with snapshots. Names change in a transaction of the user's; what follows from it
 * for blocks is done by the sync of the same group, so that both are on disk or neither.
 */
final class SnapshotOps {
  private static final long TX_BYTES = 64 << 10;

  /** Snapshots destroyed in one group. */
  private static final int DESTROYED_AT_ONCE = 64;

  private static final int MAX_NAME_BYTES = 255;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DatasetTree datasets;
  private final PoolSync sync;
  private final FreeingLists freeing;
  private final SnapshotHolds holds;
  private final Bookmarks bookmarks;
  private volatile @Nullable PoolException lastFailure;

  /** Snapshots that are read, by their object; guarded by the tree's lock. */
  private final Map<Long, ObjectSet> open = new TreeMap<>();

  /** How many need a snapshot to stay, by its object; guarded by the tree's lock. */
  private final Map<Long, Integer> held = new TreeMap<>();

  SnapshotOps(
      ObjectContext context,
      ObjectSet meta,
      DatasetTree datasets,
      PoolSync sync,
      FreeingLists freeing) {
    this.context = context;
    this.meta = meta;
    this.datasets = datasets;
    this.sync = sync;
    this.freeing = freeing;
    this.holds = new SnapshotHolds(context, meta, datasets, sync);
    datasets.destroyed().setCloneWatcher(this::cloneGoes);
    this.bookmarks = new Bookmarks(context, meta, datasets, sync);
  }

  Bookmarks bookmarks() {
    return bookmarks;
  }

  /** Makes a bookmark of a snapshot or of another bookmark; see {@link Bookmarks#create}. */
  void bookmark(String path, String source, boolean ofBookmark, String name) {
    BookmarkRecord of;
    datasets.lock().lock();
    try {
      if (ofBookmark) {
        BookmarkInfo known = bookmarks.get(path, source);
        of =
            new BookmarkRecord(
                known.guid(), known.creationTxg(), known.creationSeconds(), known.ordinal());
      } else {
        long dataset = datasets.find(path);
        long object = lookup(datasets.snapshotNames(dataset), source);
        if (object == 0) {
          throw noSuch(path, source);
        }
        SnapshotRecord record = SnapshotChain.record(meta, object, dataset);
        of =
            new BookmarkRecord(
                record.guid(), record.txg(), record.creationSeconds(), record.ordinal());
      }
    } finally {
      datasets.lock().unlock();
    }
    bookmarks.create(path, of, name);
  }

  SnapshotHolds holds() {
    return holds;
  }

  /** A dataset of which a snapshot is taken. */
  private static final class Subject {
    final OpenDataset dataset;
    long namesZap;
    boolean named;
    @Nullable Dnode zap;
    @Nullable Dnode snapshot;

    Subject(OpenDataset dataset) {
      this.dataset = dataset;
    }
  }

  /**
   * Takes a snapshot of each dataset, all as of the end of one group; returns when that is on disk.
   *
   * @throws PoolException EEXIST; ENOENT; EOPNOTSUPP when the pool has not got the feature
   */
  void snapshot(List<String> paths, String name) {
    checkName(name);
    if (!sync.config().features().contains(Features.SNAPSHOTS)) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "pool "
              + sync.config().name()
              + " was made without snapshots; turn them on with 'lcpfs pool upgrade'");
    }
    long txg;
    datasets.lock().lock();
    try {
      List<Subject> subjects = new ArrayList<>();
      for (String path : paths) {
        OpenDataset dataset = datasets.openWithLog(path);
        dataset.refuseDamagedSnapshots();
        Subject subject = new Subject(dataset);
        subject.namesZap = dataset.namesZap();
        if (lookup(dataset.namesZap(), name) != 0) {
          throw PoolException.refused(
              Errno.EEXIST, "snapshot " + path + "@" + name + " exists already");
        }
        subjects.add(subject);
      }
      try (Tx tx = meta.begin(TX_BYTES * subjects.size()).wholeOnly()) {
        txg = tx.txg();
        make(tx, subjects, name);
        for (Subject subject : subjects) {
          Dnode made = subject.snapshot;
          if (made == null) {
            throw new AssertionError("no snapshot was made");
          }
          subject.dataset.setNamesZap(subject.namesZap);
          sync.inGroup(txg, () -> subject.dataset.takeSnapshot(txg, made, subject.namesZap));
        }
        tx.complete();
      }
    } finally {
      datasets.lock().unlock();
    }
    context.txgs().waitSynced(txg);
  }

  static void checkName(String name) {
    if (name.isEmpty()
        || name.getBytes(UTF_8).length > MAX_NAME_BYTES
        || name.chars().anyMatch(c -> c == '@' || c == '/' || c == 0)) {
      throw PoolException.refused(Errno.EINVAL, "'" + name + "' is no name of a snapshot");
    }
  }

  /** Makes objects and names, or nothing. */
  private void make(Tx tx, List<Subject> subjects, String name) {
    long seconds = context.env().wallNanos() / 1_000_000_000L;
    try {
      for (Subject subject : subjects) {
        if (subject.namesZap == 0) {
          Dnode zap = meta.create(tx, ObjectType.ZAP, 512);
          subject.zap = zap;
          Zap.create(tx, zap, context.env());
          subject.namesZap = zap.number();
        }
        Dnode snapshot = meta.create(tx, ObjectType.SNAPSHOT, 512);
        subject.snapshot = snapshot;
        snapshot.setBonus(
            tx,
            new SnapshotRecord(
                    context.env().randomLong() | 1,
                    tx.txg(),
                    0,
                    seconds,
                    subject.dataset.object(),
                    0,
                    0,
                    0,
                    0,
                    0,
                    BlockPointer.HOLE)
                .encode());
        try (Dnode zap = meta.hold(subject.namesZap)) {
          Zap.open(zap, context.env()).insertLong(tx, name.getBytes(UTF_8), snapshot.number());
        }
        subject.named = true;
      }
    } catch (PoolException e) {
      for (Subject subject : subjects) {
        takeBack(tx, subject, name);
      }
      tx.complete();
      throw e;
    } finally {
      for (Subject subject : subjects) {
        if (subject.zap != null) {
          subject.zap.close();
        }
      }
    }
  }

  private void takeBack(Tx tx, Subject subject, String name) {
    Dnode snapshot = subject.snapshot;
    Dnode made = subject.zap;
    if (made != null) {
      made.free(tx); // with the name in it
    } else if (subject.named) {
      try (Dnode zap = meta.hold(subject.namesZap)) {
        Zap.open(zap, context.env()).remove(tx, name.getBytes(UTF_8));
      }
    }
    if (snapshot != null) {
      snapshot.free(tx);
      snapshot.close();
    }
  }

  /**
   * The SNAPSHOT object of a name, as it is on disk. With the tree's lock held.
   *
   * @throws PoolException ENOENT
   */
  long objectOf(String path, String name) {
    long dataset = datasets.find(path);
    long object = lookup(datasets.snapshotNames(dataset), name);
    if (object == 0) {
      throw noSuch(path, name);
    }
    // It has a name before the group is written that it shows the end of.
    context.txgs().waitSynced(SnapshotChain.record(meta, object, dataset).txg());
    return object;
  }

  /** The SNAPSHOT object of this name, or 0. */
  long lookup(long namesZap, String name) {
    if (namesZap == 0) {
      return 0;
    }
    try (Dnode zap = meta.hold(namesZap)) {
      long object = Zap.open(zap, context.env()).getLong(name.getBytes(UTF_8));
      return object == Zap.ABSENT ? 0 : object;
    }
  }

  /**
   * One snapshot.
   *
   * @throws PoolException ENOENT
   */
  SnapshotInfo get(String path, String name) {
    datasets.lock().lock();
    try {
      long dataset = datasets.find(path);
      long object = lookup(datasets.snapshotNames(dataset), name);
      if (object == 0) {
        throw noSuch(path, name);
      }
      return info(path, name, object, SnapshotChain.record(meta, object, dataset));
    } finally {
      datasets.lock().unlock();
    }
  }

  private SnapshotInfo info(String path, String name, long object, SnapshotRecord record) {
    SnapshotRecord.Holds kept = holds.of(object, record);
    return new SnapshotInfo(
        path,
        name,
        record.guid(),
        record.txg(),
        record.creationSeconds(),
        record.uniqueBytes(),
        record.usedBytes(),
        record.logicalBytes(),
        holds.count(kept),
        kept.destroyDeferred());
  }

  /** A dataset's snapshots, oldest first. */
  List<SnapshotInfo> list(String path) {
    datasets.lock().lock();
    try {
      long object = datasets.find(path);
      List<SnapshotInfo> found = new ArrayList<>();
      Map<SnapshotInfo, Integer> ordinals = new HashMap<>();
      datasets
          .snapshotObjects(object)
          .forEach(
              (name, snapshot) -> {
                SnapshotRecord record = SnapshotChain.record(meta, snapshot, object);
                SnapshotInfo info = info(path, name, snapshot, record);
                ordinals.put(info, record.ordinal());
                found.add(info);
              });
      found.sort(
          Comparator.comparingLong(SnapshotInfo::creationTxg).thenComparingInt(ordinals::get));
      return found;
    } finally {
      datasets.lock().unlock();
    }
  }

  /** See {@link PoolEngine#writtenBySnapshots}. */
  Map<String, Long> writtenBySnapshots(String path) {
    datasets.lock().lock();
    try {
      long origin = datasets.get(path).originObject();
      return new WrittenBytes(context, meta, datasets).of(datasets.find(path), origin);
    } finally {
      datasets.lock().unlock();
    }
  }

  /**
   * Destroys snapshots; returns when they are gone from the disk, while what only they held is
   * freed in the background.
   *
   * @param defer mark those that something keeps, so that they go when it does
   * @param waitFreed returns when destroyed datasets are freed, which may be clones
   * @throws PoolException ENOENT when there is one that does not exist, EBUSY when there is one
   *     that something keeps: then none is destroyed
   */
  void destroy(String path, List<String> names, boolean defer, Consumer<List<Long>> waitFreed) {
    while (true) {
      List<Long> dying = tryDestroy(path, names, defer);
      if (dying.isEmpty()) {
        return;
      }
      waitFreed.accept(dying);
    }
  }

  /** As {@link #destroy}, unless there are clones that are not freed yet: answers those. */
  private List<Long> tryDestroy(String path, List<String> names, boolean defer) {
    long last = 0;
    datasets.lock().lock();
    try {
      OpenDataset dataset = datasets.openObject(datasets.find(path));
      dataset.refuseDamagedSnapshots();
      Map<String, Long> objects = new TreeMap<>();
      for (String name : names) {
        long object = lookup(dataset.namesZap(), name);
        if (object == 0) {
          throw noSuch(path, name);
        }
        if (held.containsKey(object)) {
          throw PoolException.refused(
              Errno.EBUSY,
              "snapshot " + path + "@" + name + " is being sent; wait for that to end, or end it");
        }
        objects.put(name, object);
      }
      List<String> kept = kept(path, objects, defer);
      List<Long> dying = new ArrayList<>();
      List<String> free = names.stream().filter(name -> !kept.contains(name)).toList();
      free.forEach(name -> dying.addAll(clonesOf(Objects.requireNonNull(objects.get(name)))));
      if (!dying.isEmpty()) {
        return dying;
      }
      last = deferDestroy(dataset, kept, objects);
      for (int from = 0; from < free.size(); from += DESTROYED_AT_ONCE) {
        List<String> some = free.subList(from, Math.min(free.size(), from + DESTROYED_AT_ONCE));
        last = destroySome(dataset, some, objects);
      }
    } finally {
      datasets.lock().unlock();
    }
    if (last > 0) {
      context.txgs().waitSynced(last);
    }
    return List.of();
  }

  /**
   * Why a snapshot may not be destroyed now, in words, or null when it may; the one place that
   * decides. Clones that are destroyed and only have to be freed keep nothing. With the tree's lock
   * held.
   *
   * @param tags of its holds
   */
  private @Nullable String keeps(SnapshotName name, long snapshot, Set<String> tags) {
    List<Long> clones = clonesOf(snapshot);
    if (!clones.isEmpty()) {
      List<Long> destroyed = datasets.destroyed().objects();
      List<Long> others = clones.stream().filter(c -> !destroyed.contains(c)).toList();
      if (!others.isEmpty()) {
        return name
            + " has clones: "
            + String.join(", ", names(others))
            + "; destroy them first, promote one, or destroy it with -R";
      }
    }
    return tags.isEmpty() ? null : holds.keeps(name, tags);
  }

  /**
   * The snapshots that something keeps.
   *
   * @throws PoolException EBUSY when there are such and they may not be {@code deferred}
   */
  private List<String> kept(String path, Map<String, Long> snapshots, boolean deferred) {
    List<String> kept = new ArrayList<>();
    snapshots.forEach(
        (name, snapshot) -> {
          String why = keeps(new SnapshotName(path, name), snapshot, holds.tags(snapshot).keySet());
          if (why != null && !deferred) {
            throw PoolException.refused(Errno.EBUSY, why);
          }
          if (why != null) {
            kept.add(name);
          }
        });
    return kept;
  }

  /** Has snapshots destroyed when nothing keeps them; answers the group of that, 0 for none. */
  private long deferDestroy(OpenDataset dataset, List<String> kept, Map<String, Long> objects) {
    if (kept.isEmpty()) {
      return 0;
    }
    holds.requireFeature();
    try (Tx tx = meta.beginFreeing(TX_BYTES)) {
      for (String name : kept) {
        holds.deferDestroy(tx, dataset, Objects.requireNonNull(objects.get(name)));
      }
      return tx.txg();
    }
  }

  /** Releases holds; see {@link SnapshotHolds#release}. */
  void release(List<SnapshotName> names, String tag) {
    holds.release(
        names,
        tag,
        new SnapshotHolds.Destroyer() {
          @Override
          public boolean mayGo(SnapshotName name, long object, Set<String> tags) {
            // One with clones goes with them, also with those that are being freed.
            boolean goes = keeps(name, object, tags) == null && clonesOf(object).isEmpty();
            if (goes) {
              leave(object);
            }
            return goes;
          }

          @Override
          public void end(Tx tx, OpenDataset dataset, long object, @Nullable Dnode tags) {
            SnapshotOps.this.end(tx, dataset, object, tags);
          }
        });
  }

  /** See {@link DestroyedDatasets.CloneWatcher}: what waits for its last clone goes with that. */
  private Consumer<Tx> cloneGoes(long origin, long clone) {
    if (origin == 0 || !holds.of(origin).destroyDeferred()) {
      return tx -> {};
    }
    if (!clonesOf(origin).equals(List.of(clone)) || !holds.tags(origin).isEmpty()) {
      return tx -> {};
    }
    OpenDataset dataset = datasets.openObject(SnapshotChain.record(meta, origin).datasetObject());
    if (dataset.snapshotDamage() != null) {
      return tx -> {};
    }
    for (Map.Entry<String, Long> entry : datasets.snapshotObjects(dataset.object()).entrySet()) {
      if (entry.getValue() == origin) {
        leave(origin);
        return tx -> endNamed(tx, dataset, entry.getKey(), origin);
      }
    }
    return tx -> {};
  }

  private void endNamed(Tx tx, OpenDataset dataset, String name, long object) {
    @Nullable Dnode tags = null;
    try (Dnode zap = meta.hold(dataset.namesZap())) {
      tags = holds.toFree(object);
      Zap.open(zap, context.env()).remove(tx, name.getBytes(UTF_8));
    } catch (PoolException e) {
      // It stays, with its mark and nothing changed: whoever destroys it next finds the same.
      lastFailure = e;
      close(tags);
      return;
    }
    end(tx, dataset, object, tags);
    close(tags);
  }

  /** Why a snapshot that waited for its last clone could not be destroyed then, or null. */
  @Nullable PoolException lastFailure() {
    return lastFailure;
  }

  /**
   * All snapshots of a dataset, oldest first by name, none of which anything keeps. With the tree's
   * lock held.
   *
   * @throws PoolException EBUSY, with what keeps one
   */
  Map<String, Long> unkept(String path, OpenDataset dataset) {
    dataset.refuseDamagedSnapshots();
    Map<String, Long> found = new LinkedHashMap<>();
    for (SnapshotInfo info : list(path)) {
      long object = lookup(dataset.namesZap(), info.name());
      if (held.containsKey(object)) {
        throw PoolException.refused(
            Errno.EBUSY,
            "snapshot "
                + path
                + "@"
                + info.name()
                + " is being sent; wait for that to end, or end it");
      }
      found.put(info.name(), object);
    }
    kept(path, found, false);
    return found;
  }

  /** Clones of a dataset's snapshots that are destroyed and not freed yet. */
  List<Long> dyingClones(String path) {
    datasets.lock().lock();
    try {
      OpenDataset dataset = datasets.openObject(datasets.find(path));
      return unkept(path, dataset).values().stream()
          .flatMap(object -> clonesOf(object).stream())
          .toList();
    } finally {
      datasets.lock().unlock();
    }
  }

  /** Ends all snapshots of a dataset in {@code tx}, or throws and has ended none. */
  void endAll(Tx tx, OpenDataset dataset, Map<String, Long> unkept) {
    if (unkept.isEmpty()) {
      return;
    }
    unkept.values().forEach(this::leave);
    Map<String, @Nullable Dnode> gone = new LinkedHashMap<>();
    try (Dnode dnode = meta.hold(dataset.namesZap())) {
      Zap names = Zap.open(dnode, context.env());
      try {
        for (Map.Entry<String, Long> entry : unkept.entrySet()) {
          Dnode tags = holds.toFree(entry.getValue());
          try {
            names.remove(tx, entry.getKey().getBytes(UTF_8));
          } catch (PoolException e) {
            close(tags);
            throw e;
          }
          gone.put(entry.getKey(), tags);
        }
      } catch (PoolException e) {
        gone.forEach(
            (name, tags) -> {
              names.insertLong(tx, name.getBytes(UTF_8), Objects.requireNonNull(unkept.get(name)));
              close(tags);
            });
        throw e;
      }
    }
    gone.forEach(
        (name, tags) -> {
          end(tx, dataset, Objects.requireNonNull(unkept.get(name)), tags);
          close(tags);
        });
  }

  /** Ends a snapshot whose name is taken away in {@code tx}. */
  private void end(Tx tx, OpenDataset dataset, long object, @Nullable Dnode tags) {
    long txg = tx.txg();
    open.remove(object);
    holds.forget(object);
    if (tags != null) {
      tags.free(tx);
    }
    sync.inGroup(txg, () -> dataset.destroySnapshot(txg, object, freeing));
  }

  private List<String> names(List<Long> clones) {
    Map<Long, String> paths = datasets.paths();
    return clones.stream()
        .map(clone -> paths.getOrDefault(clone, "one that is being received"))
        .toList();
  }

  /** The DATASET objects that began as a snapshot. */
  private List<Long> clonesOf(long snapshot) {
    long zap = SnapshotChain.record(meta, snapshot).clonesZap();
    return List.copyOf(SnapshotChain.objects(context, meta, zap).values());
  }

  /**
   * The paths of the datasets that began as a snapshot.
   *
   * @throws PoolException ENOENT
   */
  List<String> clones(String path, String name) {
    datasets.lock().lock();
    try {
      List<Long> clones = clonesOf(objectOf(path, name));
      Map<Long, String> paths = clones.isEmpty() ? Map.of() : datasets.paths();
      return clones.stream().map(paths::get).filter(Objects::nonNull).sorted().toList();
    } finally {
      datasets.lock().unlock();
    }
  }

  /** What a dataset began as: path@name, or "" when it is no clone. */
  String originOf(String path) {
    datasets.lock().lock();
    try {
      long origin = datasets.get(path).originObject();
      if (origin == 0) {
        return "";
      }
      long dataset = SnapshotChain.record(meta, origin).datasetObject();
      String parent = datasets.paths().get(dataset);
      return datasets.snapshotObjects(dataset).entrySet().stream()
          .filter(entry -> entry.getValue() == origin && parent != null)
          .map(entry -> parent + "@" + entry.getKey())
          .findFirst()
          .orElseThrow(() -> PoolException.corrupt("dataset.origin", origin));
    } finally {
      datasets.lock().unlock();
    }
  }

  private long destroySome(OpenDataset dataset, List<String> names, Map<String, Long> objects) {
    names.forEach(name -> leave(Objects.requireNonNull(objects.get(name))));
    try (Dnode zap = meta.hold(dataset.namesZap());
        Tx tx = meta.beginFreeing(TX_BYTES).wholeOnly()) {
      PoolException failure = null;
      for (String name : names) {
        long object = Objects.requireNonNull(objects.get(name));
        @Nullable Dnode tags = null;
        try {
          tags = holds.toFree(object);
          Zap.open(zap, context.env()).remove(tx, name.getBytes(UTF_8));
        } catch (PoolException e) {
          failure = e;
          close(tags);
          break;
        }
        end(tx, dataset, object, tags);
        close(tags);
      }
      tx.complete();
      if (failure != null) {
        throw failure;
      }
      return tx.txg();
    }
  }

  /** Nothing is cloned out of a snapshot that is about to go. */
  private void leave(long object) {
    ObjectSet known = open.get(object);
    if (known != null) {
      known.leave();
    }
  }

  private static void close(@Nullable Dnode dnode) {
    if (dnode != null) {
      dnode.close();
    }
  }

  private static PoolException noSuch(String path, String name) {
    return PoolException.refused(
        Errno.ENOENT, "no snapshot " + path + "@" + name + "; see 'lcpfs fs list -t snapshot'");
  }

  /** Gives a snapshot another name. */
  void rename(String path, String from, String to) {
    checkName(to);
    datasets.lock().lock();
    try {
      OpenDataset dataset = datasets.openObject(datasets.find(path));
      long object = lookup(dataset.namesZap(), from);
      if (object == 0) {
        throw noSuch(path, from);
      }
      if (lookup(dataset.namesZap(), to) != 0) {
        throw PoolException.refused(
            Errno.EEXIST, "snapshot " + path + "@" + to + " exists already");
      }
      try (Dnode dnode = meta.hold(dataset.namesZap());
          Tx tx = meta.begin(TX_BYTES).wholeOnly()) {
        Zap zap = Zap.open(dnode, context.env());
        zap.insertLong(tx, to.getBytes(UTF_8), object);
        try {
          zap.remove(tx, from.getBytes(UTF_8));
        } catch (PoolException e) {
          zap.remove(tx, to.getBytes(UTF_8));
          tx.complete();
          throw e;
        }
        tx.complete();
      }
    } finally {
      datasets.lock().unlock();
    }
  }

  /** A snapshot that stays until what is answered is closed. */
  HeldSnapshot hold(String path, String name) {
    datasets.lock().lock();
    try {
      long dataset = datasets.find(path);
      long object = lookup(datasets.snapshotNames(dataset), name);
      if (object == 0) {
        throw noSuch(path, name);
      }
      SnapshotRecord record = SnapshotChain.record(meta, object, dataset);
      held.merge(object, 1, Integer::sum);
      return new HeldSnapshot(
          info(path, name, object, record), context, record.objectSet(), () -> release(object));
    } finally {
      datasets.lock().unlock();
    }
  }

  private void release(long object) {
    datasets.lock().lock();
    try {
      held.computeIfPresent(object, (key, count) -> count == 1 ? null : count - 1);
    } finally {
      datasets.lock().unlock();
    }
  }

  /** The objects of a snapshot, to read. */
  ObjectSet open(String path, String name) {
    datasets.lock().lock();
    try {
      long object = objectOf(path, name);
      ObjectSet known = open.get(object);
      if (known == null) {
        SnapshotRecord record = SnapshotChain.record(meta, object);
        known = ObjectSet.open(context, object, record.objectSet(), true, ObjectSetOptions.DEFAULT);
        open.put(object, known);
      }
      return known;
    } finally {
      datasets.lock().unlock();
    }
  }
}
