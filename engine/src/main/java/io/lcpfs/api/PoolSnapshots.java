package io.lcpfs.api;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.Keeper;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.SnapshotInfo;
import io.lcpfs.pool.SnapshotName;
import io.lcpfs.posix.FileChange;
import io.lcpfs.posix.FileDiff;
import io.lcpfs.posix.PosixFileSystem;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The snapshots of a pool, by full names. */
final class PoolSnapshots {
  private static final int ATTEMPTS = 10;

  /** Comparisons with a dataset at once, and those that a crash left. */
  private static final int MOST_DIFFS = 1000;

  private final Pool pool;
  private final PoolEngine engine;

  PoolSnapshots(Pool pool, PoolEngine engine) {
    this.pool = pool;
    this.engine = engine;
  }

  /** See {@link Pool#createSnapshots}. */
  List<Snapshot> create(List<String> fullNames, boolean recursive) {
    for (String fullName : fullNames) {
      DatasetName.checkSnapshot(fullName);
      pool.requirePath(DatasetName.datasetOf(fullName));
    }
    for (int attempt = 1; ; attempt++) {
      Set<String> all = new LinkedHashSet<>();
      for (String fullName : fullNames) {
        String dataset = DatasetName.datasetOf(fullName);
        String name = DatasetName.snapshotOf(fullName);
        List<String> datasets = recursive ? pool.namesBelow(dataset) : List.of(dataset);
        datasets.forEach(one -> all.add(one + "@" + name));
      }
      try {
        create(all);
        return all.stream().flatMap(this::findNow).toList();
      } catch (PoolException e) {
        // One below may have been destroyed or renamed since it was looked for.
        if (!recursive || e.errno() != Errno.ENOENT || attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  /** A snapshot, unless its dataset was destroyed meanwhile. */
  private Stream<Snapshot> findNow(String fullName) {
    try {
      return Stream.of(find(fullName));
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return Stream.empty();
      }
      throw e;
    }
  }

  private void create(Set<String> fullNames) {
    List<String> datasets = fullNames.stream().map(DatasetName::datasetOf).distinct().toList();
    for (String one : datasets) {
      // What is in its intent log belongs to it, too: opening it does that again.
      pool.dataset(one).fileSystem();
      pool.beforeSnapshot(one);
    }
    engine.takeSnapshots(fullNames.stream().map(PoolSnapshots::split).toList());
    datasets.forEach(pool::snapshotsChanged);
  }

  private static SnapshotName split(String fullName) {
    return new SnapshotName(
        DatasetName.pathOf(DatasetName.datasetOf(fullName)), DatasetName.snapshotOf(fullName));
  }

  /** See {@link Pool#snapshot}. */
  Snapshot find(String fullName) {
    DatasetName.checkSnapshot(fullName);
    String dataset = DatasetName.datasetOf(fullName);
    String name = DatasetName.snapshotOf(fullName);
    return new Snapshot(pool, fullName, info(dataset, name), written(dataset));
  }

  private SnapshotInfo info(String dataset, String name) {
    return info(new SnapshotName(pool.requirePath(dataset), name));
  }

  /** What the pool knows of a snapshot; ENOENT. */
  SnapshotInfo info(SnapshotName name) {
    try {
      return engine.snapshot(name.path(), name.name());
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        throw refused(
            Errno.ENOENT,
            pool.fullName(name.path())
                + "@"
                + name.name()
                + ": no such snapshot; see 'lcpfs fs list -t snapshot'");
      }
      throw e;
    }
  }

  /** See {@link Dataset#snapshots}. */
  List<Snapshot> list(String dataset) {
    WrittenSizes written = written(dataset);
    return engine.snapshots(pool.requirePath(dataset)).stream()
        .map(info -> new Snapshot(pool, dataset + "@" + info.name(), info, written))
        .toList();
  }

  private WrittenSizes written(String dataset) {
    return new WrittenSizes(() -> engine.writtenBySnapshots(pool.requirePath(dataset)));
  }

  /** Destroys snapshots, all or none; with {@code defer}, what is kept later. */
  void destroy(Collection<SnapshotName> names, boolean defer) {
    Set<SnapshotName> kept = new HashSet<>();
    for (Keeper keeper : engine.keepers(names, List.of())) {
      if (!defer || keeper.sent()) {
        throw Destruction.kept(pool, keeper, Destruction.Asked.SNAPSHOTS);
      }
      kept.add(keeper.name());
    }
    for (SnapshotName name : names) {
      if (!kept.contains(name)) {
        SnapshotInfo info = engine.snapshot(name.path(), name.name());
        pool.closeFileSystem(identity(engine.dataset(name.path()).guid(), info));
      }
    }
    engine.destroySnapshots(names, defer);
    names.stream()
        .map(SnapshotName::path)
        .distinct()
        .map(pool::fullName)
        .forEach(pool::snapshotsChanged);
  }

  /** A received snapshot has the guid of the one that was sent, maybe from the same pool. */
  static long identity(long dataset, SnapshotInfo info) {
    return dataset ^ info.guid();
  }

  private SnapshotName nameOf(Snapshot snapshot) {
    String dataset = DatasetName.datasetOf(snapshot.name());
    return new SnapshotName(pool.requirePath(dataset), snapshot.shortName());
  }

  /** See {@link Snapshot#hold}. */
  void hold(Collection<Snapshot> snapshots, String tag) {
    engine.holdSnapshots(snapshots.stream().map(this::nameOf).toList(), tag);
  }

  /** See {@link Snapshot#holds}. */
  SortedMap<String, Long> holds(String fullName) {
    String path = pool.requirePath(DatasetName.datasetOf(fullName));
    return engine.snapshotHolds(new SnapshotName(path, DatasetName.snapshotOf(fullName)));
  }

  /** See {@link Snapshot#release}. */
  void release(Collection<Snapshot> snapshots, String tag) {
    List<SnapshotName> names = snapshots.stream().map(this::nameOf).toList();
    for (SnapshotName name : names) {
      SnapshotInfo info = engine.snapshot(name.path(), name.name());
      if (info.destroyDeferred() && info.userRefs() == 1) {
        pool.closeFileSystem(identity(engine.dataset(name.path()).guid(), info));
      }
    }
    engine.releaseSnapshots(names, tag);
    snapshots.stream()
        .map(snapshot -> DatasetName.datasetOf(snapshot.name()))
        .distinct()
        .forEach(pool::snapshotsChanged);
  }

  /** See {@link Dataset#snapshotsBelow}. */
  List<Snapshot> below(String fullName) {
    return pool.namesBelow(DatasetName.datasetOf(fullName)).stream()
        .flatMap(one -> findNow(one + "@" + DatasetName.snapshotOf(fullName)))
        .toList();
  }

  /** See {@link FileTree#diff}. */
  void diff(FileTree from, FileTree to, Consumer<FileChange> changes) {
    if (from.pool() != to.pool() && from.pool().guid() != to.pool().guid()) {
      throw refused(
          Errno.EINVAL,
          to.name() + ": lies in another pool than " + from.name() + "; name two of one pool");
    }
    List<Step> before = wayTo(from);
    List<Step> after = wayTo(to);
    Step parting = parting(before, after);
    if (parting == null) {
      throw refused(
          Errno.EINVAL,
          to.name()
              + ": has no common origin with "
              + from.name()
              + "; name two of one dataset, or of datasets that were cloned from one");
    }
    boolean grown = parting.equals(before.getFirst()) || parting.equals(after.getFirst());
    PosixFileSystem common =
        grown ? null : fileSystem(pool.fullName(parting.path) + "@" + parting.snapshot);
    try (Still old = still(from);
        Still now = still(to)) {
      FileDiff.between(old.tree.fileSystem(), now.tree.fileSystem(), common, changes);
    }
  }

  /** Where a file system came by: a snapshot of a dataset, or "" for what it has now. */
  private record Step(String path, String snapshot) {}

  /**
   * From a file system back, through the snapshots that its dataset and their datasets began as.
   *
   * @throws PoolException EIO when that leads to a dataset a second time
   */
  private List<Step> wayTo(FileTree tree) {
    String path = pool.requirePath(DatasetName.datasetOf(tree.name()));
    List<Step> way = new ArrayList<>();
    way.add(new Step(path, tree instanceof Snapshot snapshot ? snapshot.shortName() : ""));
    String origin = engine.originOf(path);
    Set<String> passed = new HashSet<>();
    while (!origin.isEmpty()) {
      if (!passed.add(path)) {
        throw PoolException.corrupt("dataset.origin", pool.fullName(path) + " began as its own");
      }
      path = DatasetName.datasetOf(origin);
      way.add(new Step(path, DatasetName.snapshotOf(origin)));
      origin = engine.originOf(path);
    }
    return way;
  }

  /** The newest state that both came by; null when there is none. */
  private @Nullable Step parting(List<Step> one, List<Step> other) {
    for (Step step : one) {
      for (Step known : other) {
        if (known.path.equals(step.path)) {
          List<String> names =
              engine.snapshots(step.path).stream().map(SnapshotInfo::name).toList();
          return order(names, step) <= order(names, known) ? step : known;
        }
      }
    }
    return null;
  }

  private static int order(List<String> names, Step step) {
    int at = names.indexOf(step.snapshot);
    return at < 0 ? names.size() : at;
  }

  /**
   * What does not change while it is looked at.
   *
   * @param taken whether it is a snapshot that goes with this
   */
  private record Still(FileTree tree, boolean taken) implements AutoCloseable {
    @Override
    public void close() {
      if (taken && tree instanceof Snapshot snapshot) {
        snapshot.destroy();
      }
    }
  }

  private Still still(FileTree tree) {
    return tree instanceof Snapshot || pool.readOnly()
        ? new Still(tree, false)
        : new Still(takeForNow(tree.name()), true);
  }

  /** A snapshot of a name that nobody has. */
  private Snapshot takeForNow(String dataset) {
    for (int i = 0; ; i++) {
      try {
        return create(List.of(dataset + "@diff-" + i), false).getFirst();
      } catch (PoolException e) {
        if (e.errno() != Errno.EEXIST || i == MOST_DIFFS) {
          throw e;
        }
      }
    }
  }

  /** See {@link Snapshot#rename}. */
  void rename(String fullName, String newName) {
    String dataset = DatasetName.datasetOf(fullName);
    DatasetName.checkSnapshot(dataset + "@" + newName);
    engine.renameSnapshot(pool.requirePath(dataset), DatasetName.snapshotOf(fullName), newName);
    pool.snapshotsChanged(dataset);
  }

  /** See {@link Dataset#renameSnapshotsBelow}. */
  void renameBelow(String fullName, String newName) {
    String dataset = DatasetName.datasetOf(fullName);
    DatasetName.checkSnapshot(dataset + "@" + newName);
    List<String> datasets =
        below(fullName).stream().map(one -> DatasetName.datasetOf(one.name())).toList();
    if (datasets.isEmpty()) {
      find(fullName); // refused
    }
    String name = DatasetName.snapshotOf(fullName);
    engine.renameSnapshots(
        datasets.stream().map(one -> new SnapshotName(DatasetName.pathOf(one), name)).toList(),
        newName);
    datasets.forEach(pool::snapshotsChanged);
  }

  /** See {@link Snapshot#fileSystem}. */
  PosixFileSystem fileSystem(String fullName) {
    long identity = identity(fullName);
    return open(fullName, identity, open -> open.keep(identity));
  }

  private long identity(String fullName) {
    String dataset = DatasetName.datasetOf(fullName);
    SnapshotInfo info = info(dataset, DatasetName.snapshotOf(fullName));
    return identity(engine.dataset(pool.requirePath(dataset)).guid(), info);
  }

  private PosixFileSystem open(String fullName, long identity, Consumer<OpenFileSystems> with) {
    String path = pool.requirePath(DatasetName.datasetOf(fullName));
    String name = DatasetName.snapshotOf(fullName);
    return pool.withOpen(
        open -> {
          PosixFileSystem known = open.get(identity);
          if (known == null) {
            known = pool.openToRead(engine.snapshotObjects(path, name), path);
            open.put(identity, known);
          }
          with.accept(open);
          return known;
        });
  }

  /** See {@link SnapshotDirectory#visit}. */
  SnapshotDirectory.Visit visit(String fullName) {
    long identity = identity(fullName);
    PosixFileSystem visited = open(fullName, identity, open -> open.visit(identity));
    AtomicBoolean left = new AtomicBoolean();
    return new SnapshotDirectory.Visit() {
      @Override
      public PosixFileSystem files() {
        return visited;
      }

      @Override
      public void close() {
        if (left.compareAndSet(false, true)) {
          boolean _ = pool.withOpen(open -> open.leave(identity, visited));
        }
      }
    };
  }
}
