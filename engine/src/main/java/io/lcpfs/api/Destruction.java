package io.lcpfs.api;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.SnapshotInfo;
import java.util.Comparator;
import java.util.List;

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

  /** See {@link Pool#destroyDataset} and {@link Pool#destroyWithClones}. */
  void destroy(String fullName, boolean recursive, boolean withClones) {
    String path = pool.requirePath(fullName);
    if (path.isEmpty()) {
      throw refused(
          Errno.EBUSY,
          fullName + ": is the pool's root; use 'lcpfs pool destroy' to destroy the pool");
    }
    pool.refuseWhenUsed(path);
    List<String> doomed = deepestFirst(path);
    if (doomed.size() > 1 && !recursive) {
      throw refused(Errno.ENOTEMPTY, fullName + ": has children; destroy them first or add -r");
    }
    if (!recursive && !engine.snapshots(path).isEmpty()) {
      throw refused(Errno.ENOTEMPTY, fullName + ": has snapshots; destroy them first or add -r");
    }
    for (String victim : doomed) {
      if (pool.exists(victim)) { // and was not destroyed as a clone
        destroyOne(victim, recursive, withClones);
      }
    }
  }

  private List<String> deepestFirst(String path) {
    return pool.below(path).stream()
        .map(DatasetInfo::path)
        .sorted(Comparator.reverseOrder())
        .toList();
  }

  private void destroyOne(String victim, boolean recursive, boolean withClones) {
    for (int attempt = 1; ; attempt++) {
      List<String> taken = engine.snapshots(victim).stream().map(SnapshotInfo::name).toList();
      if (withClones) {
        destroyClones(victim, taken);
      }
      if (recursive && !taken.isEmpty()) {
        pool.snapshots().destroy(pool.fullName(victim), taken);
      }
      pool.closeFileSystem(engine.dataset(victim).guid());
      try {
        engine.destroyDataset(victim);
        return;
      } catch (PoolException e) {
        // Somebody may have taken another one since they were looked for.
        if (!recursive || e.errno() != Errno.ENOTEMPTY || attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  /** Destroys the clones of some of a dataset's snapshots, and theirs. */
  void destroyClones(String path, List<String> snapshots) {
    for (String snapshot : snapshots) {
      for (String clone : engine.clonesOf(path, snapshot)) {
        pool.refuseWhenUsed(clone);
        for (String victim : deepestFirst(clone)) {
          if (pool.exists(victim)) {
            destroyOne(victim, true, true);
          }
        }
      }
    }
  }
}
