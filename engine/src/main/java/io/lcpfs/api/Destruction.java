package io.lcpfs.api;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.Keeper;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.SnapshotInfo;
import io.lcpfs.pool.SnapshotName;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Plans what is to be destroyed, of datasets and snapshots with what hangs on them. All that would
 * refuse it is looked for first, so that what is refused leaves everything as it is.
 */
public final class Destruction {
  private final Pool pool;
  private final PoolEngine engine;

  Destruction(Pool pool, PoolEngine engine) {
    this.pool = pool;
    this.engine = engine;
  }

  /** What was asked for, which decides what can be done about what keeps a snapshot. */
  enum Asked {
    SNAPSHOTS,
    DATASETS,
    ROLLBACK
  }

  /**
   * Datasets, each after those below it and after its clones.
   *
   * @param recursive with their snapshots and all below them
   * @param clones also with all clones of those, wherever they are
   * @throws PoolException ENOENT; ENOTEMPTY when one has children or snapshots; EBUSY for the root,
   *     and when one is mounted, or something keeps a snapshot; EIO
   */
  public DestroyPlan datasets(Collection<String> fullNames, boolean recursive, boolean clones) {
    NavigableSet<String> named = new TreeSet<>();
    fullNames.forEach(name -> named.add(pool.requirePath(name)));
    NavigableSet<String> doomed = new TreeSet<>();
    for (String path : named) {
      refuseRoot(path);
      List<String> below = below(path);
      if (!recursive && !clones && !named.containsAll(below)) {
        throw refused(
            Errno.ENOTEMPTY, pool.fullName(path) + ": has children; destroy them first or add -r");
      }
      if (!recursive && !clones && !engine.snapshots(path).isEmpty()) {
        throw refused(
            Errno.ENOTEMPTY, pool.fullName(path) + ": has snapshots; destroy them first or add -r");
      }
      doomed.addAll(below);
    }
    if (clones) {
      addClones(doomed);
    }
    return new DestroyPlan(pool, checked(doomed, Asked.DATASETS), List.of(), Set.of(), false);
  }

  /**
   * Snapshots of any datasets of the pool, all or none of them.
   *
   * @param clones with all clones of them, and all that depends on those
   * @param defer those that something keeps go as soon as nothing does
   * @throws PoolException ENOENT; EBUSY when something keeps one, and when one is of a dataset that
   *     depends on its clone, or a clone is mounted; EIO
   */
  public DestroyPlan snapshots(Collection<String> fullNames, boolean clones, boolean defer) {
    List<SnapshotName> names = new ArrayList<>();
    Map<String, String> paths = new TreeMap<>();
    for (String fullName : new LinkedHashSet<>(fullNames)) {
      String path = paths.computeIfAbsent(DatasetName.datasetOf(fullName), pool::requirePath);
      names.add(new SnapshotName(path, DatasetName.snapshotOf(fullName)));
    }
    return snapshots(names, clones, defer, Asked.SNAPSHOTS);
  }

  DestroyPlan snapshots(
      Collection<SnapshotName> names, boolean clones, boolean defer, Asked asked) {
    List<SnapshotInfo> infos = names.stream().map(name -> pool.snapshots().info(name)).toList();
    NavigableSet<String> doomed = clones ? clonesOf(names) : new TreeSet<>();
    List<SnapshotName> left = names.stream().filter(n -> !doomed.contains(n.path())).toList();
    List<Keeper> keepers = engine.keepers(left, doomed);
    for (Keeper keeper : keepers) {
      if (!defer || keeper.sent()) {
        throw kept(pool, keeper, asked);
      }
    }
    List<String> order = checked(doomed, asked);
    return new DestroyPlan(
        pool,
        order,
        infos.stream().filter(info -> !doomed.contains(info.path())).toList(),
        keepers.stream().map(Keeper::name).collect(Collectors.toSet()),
        defer);
  }

  /** What goes with the clones of some snapshots; EBUSY when a dataset goes with its own. */
  private NavigableSet<String> clonesOf(Collection<SnapshotName> names) {
    NavigableSet<String> all = new TreeSet<>();
    Map<String, List<SnapshotName>> byPath =
        names.stream().collect(Collectors.groupingBy(SnapshotName::path, Collectors.toList()));
    byPath.forEach(
        (path, own) -> {
          NavigableSet<String> doomed = new TreeSet<>();
          for (SnapshotName name : own) {
            engine.clonesOf(path, name.name()).forEach(clone -> doomed.addAll(below(clone)));
          }
          addClones(doomed);
          if (doomed.contains(path)) {
            throw refused(
                Errno.EBUSY,
                pool.fullName(path)
                    + ": depends on a clone of its own snapshots; promote or rename that first");
          }
          all.addAll(doomed);
        });
    return all;
  }

  private void refuseRoot(String path) {
    if (path.isEmpty()) {
      throw refused(
          Errno.EBUSY,
          pool.fullName(path)
              + ": is the pool's root; use 'lcpfs pool destroy' to destroy the pool");
    }
  }

  /** A dataset and all below it, in order of their names. */
  private List<String> below(String path) {
    return pool.below(path).stream().map(DatasetInfo::path).sorted().toList();
  }

  /** Adds all that began as a snapshot of those, with what is below, and so on. */
  private void addClones(NavigableSet<String> doomed) {
    ArrayDeque<String> todo = new ArrayDeque<>(doomed);
    while (!todo.isEmpty()) {
      for (String clone : clones(todo.removeFirst())) {
        for (String found : below(clone)) {
          if (doomed.add(found)) {
            todo.add(found);
          }
        }
      }
    }
  }

  private List<String> clones(String path) {
    return engine.snapshots(path).stream()
        .flatMap(snapshot -> engine.clonesOf(path, snapshot.name()).stream())
        .toList();
  }

  /** Datasets that go with all their snapshots, in order, when nothing is against it. */
  private List<String> checked(NavigableSet<String> doomed, Asked asked) {
    List<SnapshotName> snapshots = new ArrayList<>();
    for (String victim : doomed) {
      refuseRoot(victim);
      pool.refuseWhenUsedItself(victim);
      for (SnapshotInfo info : engine.snapshots(victim)) {
        snapshots.add(new SnapshotName(victim, info.name()));
      }
    }
    for (Keeper keeper : engine.keepers(snapshots, doomed)) {
      throw kept(pool, keeper, asked == Asked.SNAPSHOTS ? Asked.DATASETS : asked);
    }
    return ordered(doomed);
  }

  /** Each after those below it and after its clones. */
  private List<String> ordered(NavigableSet<String> doomed) {
    Map<String, List<String>> clones = new TreeMap<>();
    doomed.forEach(one -> clones.put(one, clones(one)));
    NavigableSet<String> left = new TreeSet<>(doomed);
    List<String> order = new ArrayList<>();
    while (!left.isEmpty()) {
      List<String> free =
          left.descendingSet().stream()
              .filter(
                  one ->
                      !hasBelow(left, one)
                          && clones.getOrDefault(one, List.of()).stream().noneMatch(left::contains))
              .toList();
      if (free.isEmpty()) {
        throw refused(
            Errno.EBUSY,
            pool.fullName(left.first())
                + ": something that began as a clone lies above what it is a clone of; promote or"
                + " rename it first");
      }
      order.addAll(free);
      free.forEach(left::remove);
    }
    return order;
  }

  private static boolean hasBelow(NavigableSet<String> paths, String path) {
    String next = paths.ceiling(path + "/");
    return next != null && next.startsWith(path + "/");
  }

  /** A refusal that says what keeps a snapshot, and what can be done about it. */
  static PoolException kept(Pool pool, Keeper keeper, Asked asked) {
    String name = keeper.name().in(pool.name());
    if (!keeper.clones().isEmpty()) {
      return refused(
          Errno.EBUSY,
          name
              + ": has the clones "
              + keeper.clones().stream().map(pool::fullName).collect(Collectors.joining(", "))
              + "; destroy or promote them first, or add -R");
    }
    if (keeper.received()) {
      return refused(
          Errno.EBUSY,
          name
              + ": is continued by what is being received; wait for that to end, or drop it with"
              + " 'lcpfs receive -A'");
    }
    if (keeper.sent()) {
      return refused(
          Errno.EBUSY, name + ": is being sent; wait for that to end, or end it and try again");
    }
    return refused(
        Errno.EBUSY,
        name
            + ": is held ("
            + String.join(", ", keeper.tags())
            + "); release it with 'lcpfs fs release "
            + keeper.tags().first()
            + " "
            + name
            + "'"
            + (asked == Asked.SNAPSHOTS
                ? ", or add -d to have it destroyed when the last hold goes"
                : ""));
  }
}
