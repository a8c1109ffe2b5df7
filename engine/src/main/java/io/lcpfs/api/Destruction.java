package io.lcpfs.api;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.SnapshotInfo;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Destroys datasets with what hangs on them, the last of it first. */
final class Destruction {
  /** How often a dataset of which snapshots are taken meanwhile is tried to be destroyed. */
  private static final int ATTEMPTS = 10;

  private final Pool pool;
  private final PoolEngine engine;

  Destruction(Pool pool, PoolEngine engine) {
    this.pool = pool;
    this.engine = engine;
  }

  /** See {@link Pool#destroyDataset}. */
  void destroy(String fullName, boolean recursive) {
    String path = pool.requirePath(fullName);
    refuseRoot(path);
    pool.refuseWhenUsed(path);
    List<String> doomed = below(path).reversed();
    if (doomed.size() > 1 && !recursive) {
      throw refused(Errno.ENOTEMPTY, fullName + ": has children; destroy them first or add -r");
    }
    if (!recursive && !engine.snapshots(path).isEmpty()) {
      throw refused(Errno.ENOTEMPTY, fullName + ": has snapshots; destroy them first or add -r");
    }
    pool.snapshots().refuseHeld(doomed);
    doomed.forEach(victim -> destroyOne(victim, recursive));
  }

  /** See {@link Pool#destroyWithClones}. */
  void destroyWithClones(String fullName) {
    String path = pool.requirePath(fullName);
    NavigableSet<String> doomed = new TreeSet<>(below(path));
    addClones(doomed);
    destroyAll(doomed);
  }

  /** Destroys the clones of some of a dataset's snapshots, and all that depends on those. */
  void destroyClones(String path, List<String> snapshots) {
    NavigableSet<String> doomed = new TreeSet<>();
    for (String snapshot : snapshots) {
      engine.clonesOf(path, snapshot).forEach(clone -> doomed.addAll(below(clone)));
    }
    addClones(doomed);
    if (doomed.contains(path)) {
      throw refused(
          Errno.EBUSY,
          pool.fullName(path)
              + ": depends on a clone of its own snapshots; promote or rename that first");
    }
    destroyAll(doomed);
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

  /** Destroys datasets with all that depends on them, none where one is refused. */
  private void destroyAll(NavigableSet<String> doomed) {
    for (String victim : doomed) {
      refuseRoot(victim);
      pool.refuseWhenUsedItself(victim);
    }
    pool.snapshots().refuseHeld(doomed);
    ordered(doomed).forEach(victim -> destroyOne(victim, true));
  }

  /** Each after those below it and after its clones. */
  private List<String> ordered(NavigableSet<String> doomed) {
    Map<String, List<String>> clones = new TreeMap<>();
    doomed.forEach(one -> clones.put(one, clones(one)));
    NavigableSet<String> left = new TreeSet<>(doomed);
    List<String> order = new ArrayList<>();
    while (!left.isEmpty()) {
      List<String> free =
          left.stream()
              .filter(
                  one ->
                      left.stream().noneMatch(other -> other.startsWith(one + "/"))
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

  private void destroyOne(String victim, boolean withSnapshots) {
    for (int attempt = 1; ; attempt++) {
      List<String> taken = engine.snapshots(victim).stream().map(SnapshotInfo::name).toList();
      if (withSnapshots && !taken.isEmpty()) {
        pool.snapshots().destroy(pool.fullName(victim), taken, false);
      }
      pool.closeFileSystem(engine.dataset(victim).guid());
      try {
        engine.destroyDataset(victim);
        return;
      } catch (PoolException e) {
        // Somebody may have taken another one since they were looked for.
        if (!withSnapshots || e.errno() != Errno.ENOTEMPTY || attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }
}
