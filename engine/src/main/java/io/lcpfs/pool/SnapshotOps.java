package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BookmarkRecord;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.ObjectSetOptions;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What users do with snapshots. Names change in a transaction of the user's; what follows from it
 * for blocks is done by the sync of the same group, so that both are on disk or neither.
 */
final class SnapshotOps {
  private static final long TX_BYTES = 64 << 10;

  /** What the end or the new name of one snapshot more may dirty. */
  private static final long NAME_BYTES = 1 << 10;

  /** Snapshots destroyed in one group; more go in several, after all of them were looked at. */
  private static final int DESTROYED_AT_ONCE = 1000;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DatasetTree datasets;
  private final PoolSync sync;
  private final FreeingLists freeing;
  private final SnapshotTaking taking;
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
    this.taking = new SnapshotTaking(context, meta, datasets, sync);
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

  /** See {@link SnapshotTaking#take}. */
  void take(Collection<SnapshotName> names) {
    taking.take(names);
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
    return datasets.snapshotObject(namesZap, name);
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

  /** A snapshot that is changed. */
  private record Subject(OpenDataset dataset, SnapshotName name, long object) {}

  /**
   * Destroys snapshots; returns when they are gone from the disk, while what only they held is
   * freed in the background.
   *
   * @param defer mark those that something keeps, so that they go when it does
   * @param waitFreed returns when destroyed datasets are freed, which may be clones
   * @throws PoolException ENOENT when there is one that does not exist, EBUSY when there is one
   *     that something keeps: then none is destroyed
   */
  void destroy(Collection<SnapshotName> names, boolean defer, Consumer<List<Long>> waitFreed) {
    Map<SnapshotName, Long> waiting = new HashMap<>();
    while (true) {
      List<Long> dying = tryDestroy(new LinkedHashSet<>(names), defer, waiting);
      if (dying.isEmpty()) {
        return;
      }
      waitFreed.accept(dying);
    }
  }

  /**
   * As {@link #destroy}, unless there are clones that are not freed yet: answers those.
   *
   * @param waiting guids of snapshots that go with their last clone, which counts as destroyed
   */
  private List<Long> tryDestroy(
      Collection<SnapshotName> names, boolean defer, Map<SnapshotName, Long> waiting) {
    long last = 0;
    datasets.lock().lock();
    try {
      List<Subject> free = new ArrayList<>();
      List<Subject> kept = new ArrayList<>();
      for (SnapshotName name : names) {
        OpenDataset dataset = datasets.openObject(datasets.find(name.path()));
        dataset.refuseDamagedSnapshots();
        long object = lookup(dataset.namesZap(), name.name());
        if (!wentAlready(waiting.get(name), object)) {
          Subject doomed = new Subject(dataset, name, object);
          (isKept(doomed, defer) ? kept : free).add(doomed);
        }
      }
      List<Long> dying = new ArrayList<>();
      for (Subject doomed : free) {
        List<Long> clones = clonesOf(doomed.object);
        dying.addAll(clones);
        if (!clones.isEmpty() && holds.of(doomed.object).destroyDeferred()) {
          waiting.put(doomed.name, SnapshotChain.record(meta, doomed.object).guid());
        }
      }
      if (!dying.isEmpty() || (free.isEmpty() && kept.isEmpty())) {
        return dying;
      }
      if (!kept.isEmpty()) {
        holds.requireFeature();
      }
      for (int from = 0; from == 0 || from < free.size(); from += DESTROYED_AT_ONCE) {
        List<Subject> some = free.subList(from, Math.min(free.size(), from + DESTROYED_AT_ONCE));
        last = destroySome(some, from == 0 ? kept : List.of());
      }
    } finally {
      datasets.lock().unlock();
    }
    context.txgs().waitSynced(last);
    return List.of();
  }

  private boolean wentAlready(@Nullable Long guid, long object) {
    return guid != null && (object == 0 || SnapshotChain.record(meta, object).guid() != guid);
  }

  /**
   * Whether something keeps a snapshot; EBUSY when it does and that may not be {@code deferred}.
   */
  private boolean isKept(Subject doomed, boolean deferred) {
    if (doomed.object == 0) {
      throw noSuch(doomed.name.path(), doomed.name.name());
    }
    refuseSent(doomed.name, doomed.object);
    String why = keeps(doomed.name, doomed.object);
    if (why != null && !deferred) {
      throw PoolException.refused(Errno.EBUSY, why);
    }
    return why != null;
  }

  private void refuseSent(SnapshotName name, long object) {
    if (held.containsKey(object)) {
      throw PoolException.refused(
          Errno.EBUSY, "snapshot " + name + " is being sent; wait for that to end, or end it");
    }
  }

  /** Ends some and marks others in one group, which it answers. */
  private long destroySome(List<Subject> doomed, List<Subject> deferred) {
    long bytes = TX_BYTES + NAME_BYTES * (doomed.size() + deferred.size());
    try (Tx tx = meta.beginFreeing(bytes).wholeOnly()) {
      try {
        endAll(tx, doomed);
      } catch (PoolException e) {
        tx.complete();
        throw e;
      }
      deferred.forEach(one -> holds.deferDestroy(tx, one.dataset, one.object));
      tx.complete();
      return tx.txg();
    }
  }

  /**
   * What keeps a snapshot from being destroyed, or null; the one place that decides. Clones that
   * are destroyed and only have to be freed keep nothing. With the tree's lock held.
   *
   * @param besides DATASET objects that are to go first
   */
  private @Nullable Keeper keeper(SnapshotName name, long snapshot, Collection<Long> besides) {
    TreeSet<String> tags = new TreeSet<>(holds.tags(snapshot).keySet());
    List<Long> clones = new ArrayList<>(clonesOf(snapshot));
    clones.removeAll(besides);
    if (!clones.isEmpty()) {
      clones.removeAll(datasets.destroyed().objects());
    }
    Map<Long, String> paths = clones.isEmpty() ? Map.of() : datasets.paths();
    List<String> known = clones.stream().map(paths::get).filter(Objects::nonNull).sorted().toList();
    boolean sent = held.containsKey(snapshot);
    return clones.isEmpty() && tags.isEmpty() && !sent
        ? null
        : new Keeper(name, known, known.size() < clones.size(), tags, sent);
  }

  /**
   * What keeps snapshots from being destroyed; nothing of those that can be.
   *
   * @param besides paths of datasets that are to go first
   * @throws PoolException ENOENT
   */
  List<Keeper> keepers(Collection<SnapshotName> names, Collection<String> besides) {
    datasets.lock().lock();
    try {
      List<Long> going = besides.stream().map(datasets::find).toList();
      List<Keeper> keepers = new ArrayList<>();
      for (SnapshotName name : names) {
        OpenDataset dataset = datasets.openObject(datasets.find(name.path()));
        dataset.refuseDamagedSnapshots();
        long object = lookup(dataset.namesZap(), name.name());
        if (object == 0) {
          throw noSuch(name.path(), name.name());
        }
        Keeper keeper = keeper(name, object, going);
        if (keeper != null) {
          keepers.add(keeper);
        }
      }
      return keepers;
    } finally {
      datasets.lock().unlock();
    }
  }

  /** See {@link PoolEngine#bytesOnlyIn}. */
  long bytesOnlyIn(String path, Collection<String> names) {
    datasets.lock().lock();
    try {
      OpenDataset dataset = datasets.openObject(datasets.find(path));
      dataset.refuseDamagedSnapshots();
      Set<Long> objects = new TreeSet<>();
      for (String name : names) {
        objects.add(objectOf(path, name));
      }
      long[] bytes = new long[1];
      sync.whileStill(() -> bytes[0] = dataset.bytesOnlyIn(objects));
      return bytes[0];
    } finally {
      datasets.lock().unlock();
    }
  }

  /** Why a snapshot may not be destroyed now, in words, or null when it may; but for sending it. */
  private @Nullable String keeps(SnapshotName name, long snapshot) {
    Keeper keeper = keeper(name, snapshot, List.of());
    if (keeper == null) {
      return null;
    }
    if (keeper.hasClones()) {
      List<String> clones = new ArrayList<>(keeper.clones());
      if (keeper.received()) {
        clones.add("one that is being received");
      }
      return name
          + " has clones: "
          + String.join(", ", clones)
          + "; destroy them first, promote one, or destroy it with -R";
    }
    return keeper.tags().isEmpty() ? null : holds.keeps(name, keeper.tags());
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
            boolean goes = tags.isEmpty() && clonesOf(object).isEmpty();
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
      isKept(new Subject(dataset, new SnapshotName(path, info.name()), object), false);
      found.put(info.name(), object);
    }
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
    List<Subject> doomed = new ArrayList<>();
    unkept.forEach(
        (name, object) -> doomed.add(new Subject(dataset, new SnapshotName("", name), object)));
    endAll(tx, doomed);
  }

  private void endAll(Tx tx, List<Subject> doomed) {
    doomed.forEach(one -> leave(one.object));
    Map<Long, Dnode> tags = new HashMap<>();
    try (NameChanges changes = new NameChanges(context, meta, tx)) {
      changes.allOrNone(
          () -> {
            for (Subject one : doomed) {
              Dnode zap = holds.toFree(one.object);
              if (zap != null) {
                tags.put(one.object, zap);
              }
              changes.remove(one.dataset.namesZap(), one.name.name(), one.object);
            }
          });
      doomed.forEach(one -> end(tx, one.dataset, one.object, tags.get(one.object)));
    } finally {
      tags.values().forEach(Dnode::close);
    }
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

  /** Gives snapshots of several datasets another name, all or none. */
  void rename(Collection<SnapshotName> names, String to) {
    SnapshotTaking.checkName(to);
    datasets.lock().lock();
    try {
      List<Subject> renamed = new ArrayList<>();
      Set<String> paths = new HashSet<>();
      for (SnapshotName name : new LinkedHashSet<>(names)) {
        OpenDataset dataset = datasets.openObject(datasets.find(name.path()));
        long object = lookup(dataset.namesZap(), name.name());
        if (object == 0) {
          throw noSuch(name.path(), name.name());
        }
        if (lookup(dataset.namesZap(), to) != 0 || !paths.add(name.path())) {
          throw PoolException.refused(
              Errno.EEXIST,
              new SnapshotName(name.path(), to).in(sync.config().name())
                  + ": exists already; choose another name");
        }
        renamed.add(new Subject(dataset, name, object));
      }
      try (Tx tx = meta.begin(TX_BYTES * renamed.size()).wholeOnly();
          NameChanges changes = new NameChanges(context, meta, tx)) {
        try {
          changes.allOrNone(
              () -> {
                for (Subject one : renamed) {
                  changes.enter(one.dataset.namesZap(), to, one.object);
                  changes.remove(one.dataset.namesZap(), one.name.name(), one.object);
                }
              });
        } catch (PoolException e) {
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
