package io.lcpfs.api;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.SnapshotInfo;
import io.lcpfs.pool.SnapshotName;
import io.lcpfs.posix.FileChange;
import io.lcpfs.posix.FileDiff;
import io.lcpfs.posix.PosixFileSystem;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
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
  List<Snapshot> create(String fullName, boolean recursive) {
    DatasetName.checkSnapshot(fullName);
    String dataset = DatasetName.datasetOf(fullName);
    String name = DatasetName.snapshotOf(fullName);
    pool.requirePath(dataset);
    for (int attempt = 1; ; attempt++) {
      List<String> datasets = recursive ? pool.namesBelow(dataset) : List.of(dataset);
      try {
        create(datasets, name);
        return datasets.stream().flatMap(one -> findNow(one + "@" + name)).toList();
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

  private void create(List<String> datasets, String name) {
    List<String> paths = new ArrayList<>();
    for (String one : datasets) {
      // What is in its intent log belongs to it, too: opening it does that again.
      pool.dataset(one).fileSystem();
      pool.beforeSnapshot(one);
      paths.add(DatasetName.pathOf(one));
    }
    engine.snapshot(paths, name);
    datasets.forEach(pool::snapshotsChanged);
  }

  /** See {@link Pool#snapshot}. */
  Snapshot find(String fullName) {
    DatasetName.checkSnapshot(fullName);
    String dataset = DatasetName.datasetOf(fullName);
    String name = DatasetName.snapshotOf(fullName);
    return new Snapshot(pool, fullName, info(dataset, name), written(dataset));
  }

  private SnapshotInfo info(String dataset, String name) {
    String path = pool.requirePath(dataset);
    try {
      return engine.snapshot(path, name);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        throw refused(
            Errno.ENOENT,
            dataset + "@" + name + ": no such snapshot; see 'lcpfs fs list -t snapshot'");
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

  /** Destroys some of a dataset's snapshots; with {@code defer}, what is kept later. */
  void destroy(String dataset, List<String> names, boolean defer) {
    String path = pool.requirePath(dataset);
    engine.snapshots(path).stream()
        .filter(info -> names.contains(info.name()) && info.userRefs() == 0)
        .forEach(info -> pool.closeFileSystem(identity(engine.dataset(path).guid(), info)));
    try {
      engine.destroySnapshots(path, names, defer);
    } catch (PoolException e) {
      throw e.errno() == Errno.EBUSY ? inUse(dataset, names, e) : e;
    }
    pool.snapshotsChanged(dataset);
  }

  /** The same refusal with full names. */
  private PoolException inUse(String dataset, List<String> names, PoolException refusal) {
    String path = pool.requirePath(dataset);
    for (String name : names) {
      List<String> clones = engine.clonesOf(path, name).stream().map(pool::fullName).toList();
      if (!clones.isEmpty()) {
        return refused(
            Errno.EBUSY,
            dataset
                + "@"
                + name
                + ": has the clones "
                + String.join(", ", clones)
                + "; destroy or promote them first, or add -R");
      }
    }
    return refusal;
  }

  /** A received snapshot has the guid of the one that was sent, maybe from the same pool. */
  static long identity(long dataset, SnapshotInfo info) {
    return dataset ^ info.guid();
  }

  /** Refuses where a snapshot of one of these datasets is held. */
  void refuseHeld(Collection<String> paths) {
    for (String path : paths) {
      for (SnapshotInfo info : engine.snapshots(path)) {
        if (info.userRefs() > 0) {
          String name = pool.name() + (path.isEmpty() ? "" : "/") + path + "@" + info.name();
          throw refused(
              Errno.EBUSY,
              name + ": is held; see 'lcpfs fs holds " + name + "' and release it first");
        }
      }
    }
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
   */
  private List<Step> wayTo(FileTree tree) {
    String path = pool.requirePath(DatasetName.datasetOf(tree.name()));
    List<Step> way = new ArrayList<>();
    way.add(new Step(path, tree instanceof Snapshot snapshot ? snapshot.shortName() : ""));
    String origin = engine.originOf(path);
    while (!origin.isEmpty()) {
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
        return create(dataset + "@diff-" + i, false).getFirst();
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
