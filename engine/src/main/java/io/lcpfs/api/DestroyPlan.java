package io.lcpfs.api;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.SnapshotInfo;
import io.lcpfs.pool.SnapshotName;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What is to be destroyed: looked for and found allowed, and not done before {@link #run}. It is
 * good for as long as nobody changes datasets, snapshots, clones and holds.
 */
public final class DestroyPlan {
  /** How often a dataset of which snapshots are taken meanwhile is tried to be destroyed. */
  private static final int ATTEMPTS = 10;

  private final Pool pool;
  private final PoolEngine engine;

  /** Paths, in the order in which they go, with all their snapshots. */
  private final List<String> datasets;

  /** Those of other datasets. */
  private final List<SnapshotInfo> snapshots;

  /** Those that go later. */
  private final Set<SnapshotName> kept;

  private final boolean defer;

  DestroyPlan(
      Pool pool,
      List<String> datasets,
      List<SnapshotInfo> snapshots,
      Set<SnapshotName> kept,
      boolean defer) {
    this.pool = pool;
    this.engine = pool.engine();
    this.datasets = datasets;
    this.snapshots = snapshots;
    this.kept = kept;
    this.defer = defer;
  }

  /**
   * Full names of all that goes, in that order: the snapshots of each dataset, oldest first, and
   * then it; last the snapshots of datasets that stay.
   */
  public List<String> destroyed() {
    Stream<String> whole =
        datasets.stream()
            .flatMap(
                path ->
                    Stream.concat(
                        engine.snapshots(path).stream().map(this::fullName),
                        Stream.of(pool.fullName(path))));
    return Stream.concat(whole, goingNow().map(this::fullName)).toList();
  }

  /** Full names of the snapshots that go as soon as nothing keeps them. */
  public List<String> deferred() {
    return snapshots.stream()
        .filter(info -> kept.contains(nameOf(info)))
        .map(this::fullName)
        .toList();
  }

  private Stream<SnapshotInfo> goingNow() {
    return snapshots.stream().filter(info -> !kept.contains(nameOf(info)));
  }

  private static SnapshotName nameOf(SnapshotInfo info) {
    return new SnapshotName(info.path(), info.name());
  }

  private String fullName(SnapshotInfo info) {
    return pool.fullName(info.path()) + "@" + info.name();
  }

  /**
   * Allocated bytes, all copies, that will be free when it is done, as {@code used} counts them; to
   * be asked before. Empty where that cannot be told exactly: while files share blocks, as nobody
   * counts by dataset who else has one, and while a checkpoint keeps what is given up.
   */
  public OptionalLong reclaimedBytes() {
    if (engine.cloneSavings().storedBytes() > 0 || engine.checkpoint().isPresent()) {
      return OptionalLong.empty();
    }
    long bytes = 0;
    for (String path : datasets) {
      DatasetInfo info = engine.dataset(path);
      bytes += info.referencedBytes() - info.inheritedBytes() + info.snapshotBytes();
    }
    Map<String, List<String>> names =
        goingNow()
            .collect(
                Collectors.groupingBy(
                    SnapshotInfo::path,
                    TreeMap::new,
                    Collectors.mapping(SnapshotInfo::name, Collectors.toList())));
    for (Map.Entry<String, List<String>> some : names.entrySet()) {
      bytes += engine.bytesOnlyIn(some.getKey(), some.getValue());
    }
    return OptionalLong.of(bytes);
  }

  /**
   * Destroys it: datasets one after the other, then snapshots, all of which go or none. What is
   * freed by that is free some time later.
   *
   * @throws PoolException EBUSY, ENOENT, ENOTEMPTY when somebody has changed something since it was
   *     planned; EROFS; EIO
   */
  public void run() {
    datasets.forEach(this::destroyDataset);
    for (int attempt = 1; ; attempt++) {
      List<SnapshotName> left = left();
      if (left.isEmpty()) {
        return;
      }
      try {
        pool.snapshots().destroy(left, defer);
        return;
      } catch (PoolException e) {
        // One that waits for its clone may go with that between the look and the call.
        boolean mayBeGone = snapshots.stream().anyMatch(SnapshotInfo::destroyDeferred);
        if (!mayBeGone || e.errno() != Errno.ENOENT || attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  /** The snapshots but for those that waited for clones that are gone by now. */
  private List<SnapshotName> left() {
    return snapshots.stream()
        .filter(
            info ->
                !info.destroyDeferred()
                    || engine.snapshots(info.path()).stream()
                        .anyMatch(one -> one.guid() == info.guid()))
        .map(DestroyPlan::nameOf)
        .toList();
  }

  private void destroyDataset(String path) {
    for (int attempt = 1; ; attempt++) {
      List<SnapshotName> taken = engine.snapshots(path).stream().map(DestroyPlan::nameOf).toList();
      try {
        if (!taken.isEmpty()) {
          pool.snapshots().destroy(taken, false);
        }
        pool.closeFileSystem(engine.dataset(path).guid());
        engine.destroyDataset(path);
        return;
      } catch (PoolException e) {
        // Somebody may have taken another snapshot since they were looked for, or one is gone that
        // waited for a clone.
        boolean changed = e.errno() == Errno.ENOTEMPTY || e.errno() == Errno.ENOENT;
        if (!changed || attempt == ATTEMPTS || !pool.exists(path)) {
          throw e;
        }
      }
    }
  }
}
