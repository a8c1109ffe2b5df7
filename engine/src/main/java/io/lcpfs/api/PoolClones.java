package io.lcpfs.api;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.api.Destruction.Asked;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.pool.BookmarkInfo;
import io.lcpfs.pool.DatasetPolicy;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.SnapshotInfo;
import io.lcpfs.pool.SnapshotName;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/** Clones of a pool's snapshots, and going back to a snapshot; by full names. */
final class PoolClones {
  private final Pool pool;
  private final PoolEngine engine;

  PoolClones(Pool pool, PoolEngine engine) {
    this.pool = pool;
    this.engine = engine;
  }

  /** See {@link Snapshot#cloneTo}. */
  Dataset create(String snapshot, String target, Map<String, String> properties, boolean parents) {
    String path = pool.requirePath(DatasetName.datasetOf(snapshot));
    SortedMap<String, String> values = Pool.parsed(properties);
    pool.snapshots().find(snapshot);
    String place = pool.pathIn(target);
    pool.places().prepare(target, parents);
    engine.cloneSnapshot(path, DatasetName.snapshotOf(snapshot), place, values);
    return new Dataset(pool, target);
  }

  /** See {@link Dataset#rollback}. */
  void rollback(String snapshot, boolean destroyNewer, boolean destroyClones) {
    pool.snapshots().find(snapshot);
    String dataset = DatasetName.datasetOf(snapshot);
    String name = DatasetName.snapshotOf(snapshot);
    String path = pool.requirePath(dataset);
    pool.refuseWhenUsedItself(path);
    List<String> names = engine.snapshots(path).stream().map(SnapshotInfo::name).toList();
    List<String> newer = names.subList(names.indexOf(name) + 1, names.size());
    if (!newer.isEmpty()) {
      if (!destroyNewer) {
        throw refused(
            Errno.EEXIST,
            snapshot
                + ": is not the newest snapshot; -r destroys "
                + (newer.size() == 1
                    ? dataset + "@" + newer.getFirst()
                    : "the "
                        + newer.size()
                        + " newer ones, "
                        + dataset
                        + "@"
                        + newer.getFirst()
                        + "%"
                        + newer.getLast()));
      }
      engine.refuseRollback(path);
      List<SnapshotName> doomed = newer.stream().map(one -> new SnapshotName(path, one)).toList();
      pool.destruction().snapshots(doomed, destroyClones, false, Asked.ROLLBACK).run();
    }
    if (destroyNewer) {
      destroyBookmarksAfter(path);
    }
    DatasetPolicy policy = pool.policy(path);
    pool.withoutFiles(engine.dataset(path).guid(), () -> engine.rollback(path, name, policy));
  }

  /** Ends the bookmarks of what came after the newest snapshot. */
  private void destroyBookmarksAfter(String path) {
    SnapshotInfo back = engine.snapshots(path).getLast();
    for (BookmarkInfo bookmark : engine.bookmarks(path)) {
      if (bookmark.creationTxg() > back.creationTxg()) {
        engine.destroyBookmark(path, bookmark.name());
      }
    }
  }

  private void refuseNamesakes(String dataset, String path, String origin) {
    List<String> own = engine.snapshots(path).stream().map(SnapshotInfo::name).toList();
    for (SnapshotInfo older : engine.snapshots(DatasetName.datasetOf(origin))) {
      if (own.contains(older.name())) {
        throw refused(
            Errno.EEXIST,
            dataset
                + "@"
                + older.name()
                + ": exists, and "
                + dataset
                + " would get another of that name; rename it first");
      }
      if (older.name().equals(DatasetName.snapshotOf(origin))) {
        return;
      }
    }
  }

  /** See {@link Dataset#promote}. */
  void promote(String dataset) {
    String path = pool.requirePath(dataset);
    String origin = engine.originOf(path);
    if (origin.isEmpty()) {
      throw refused(
          Errno.EINVAL, dataset + ": is no clone; 'lcpfs fs list -o name,origin' shows which are");
    }
    refuseNamesakes(dataset, path, origin);
    engine.promote(path);
    pool.snapshotsChanged(dataset);
    pool.snapshotsChanged(pool.fullName(DatasetName.datasetOf(origin)));
  }
}
