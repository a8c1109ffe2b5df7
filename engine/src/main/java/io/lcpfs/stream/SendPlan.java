package io.lcpfs.stream;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.SnapshotInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which snapshots a stream has, in their order.
 *
 * @param root full name of the dataset at the top
 * @param skipped full names of snapshots that do not exist in datasets below the top
 */
record SendPlan(String root, List<Item> items, boolean compressed, List<String> skipped) {
  /**
   * One snapshot.
   *
   * @param from what it is incremental from, or null
   * @param properties local values that go with it, or null
   * @param object where to begin, with {@code offset}; 0 at the start
   */
  record Item(
      SnapshotInfo to,
      @Nullable SnapshotInfo from,
      @Nullable SortedMap<String, String> properties,
      long object,
      long offset) {}

  /** The plan for a snapshot, named in full. */
  static SendPlan of(PoolEngine engine, String fullName, SendOptions options) {
    String dataset = DatasetName.datasetOf(fullName);
    String top = DatasetName.pathOf(dataset);
    String name = DatasetName.snapshotOf(fullName);
    String pool = DatasetName.poolOf(dataset);
    List<Item> items = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    for (DatasetInfo info : engine.datasets()) {
      boolean below = !info.path().equals(top);
      if (!DatasetName.isWithin(info.path(), top) || (below && !options.recursive())) {
        continue;
      }
      List<SnapshotInfo> snapshots = engine.snapshots(info.path());
      int to = indexOf(snapshots, name);
      if (to < 0) {
        String missing = full(pool, info.path()) + "@" + name;
        if (!below) {
          throw PoolException.refused(
              Errno.ENOENT, missing + ": no such snapshot; see 'lcpfs fs list -t snapshot'");
        }
        skipped.add(missing);
        continue;
      }
      boolean withProperties = options.properties() || options.recursive();
      SortedMap<String, String> properties =
          withProperties ? new TreeMap<>(info.localProperties()) : null;
      add(items, info, snapshots, to, options, properties, below);
    }
    return new SendPlan(dataset, items, options.compressed(), skipped);
  }

  private static void add(
      List<Item> items,
      DatasetInfo info,
      List<SnapshotInfo> snapshots,
      int to,
      SendOptions options,
      @Nullable SortedMap<String, String> properties,
      boolean below) {
    boolean full = options.from().isEmpty();
    int from = full ? -1 : indexOf(snapshots, options.from());
    if (!full && !below && (from < 0 || from >= to)) {
      throw PoolException.refused(
          from < 0 ? Errno.ENOENT : Errno.EINVAL,
          "@"
              + options.from()
              + (from < 0 ? ": is no snapshot of it" : ": is not older than @")
              + (from < 0 ? "" : snapshots.get(to).name())
              + "; see 'lcpfs fs list -t snapshot' and name an older one");
    }
    boolean between = options.intermediates() || (options.recursive() && from < 0);
    int first = from < 0 ? (between ? 0 : to) : between ? from + 1 : to;
    for (int i = first; i <= to; i++) {
      SnapshotInfo older =
          between ? (i == 0 ? null : snapshots.get(i - 1)) : older(snapshots, from);
      items.add(new Item(snapshots.get(i), older, i == first ? properties : null, 0, 0));
    }
    if (info.path().isEmpty() && items.isEmpty()) {
      throw new AssertionError("a plan without snapshots");
    }
  }

  private static @Nullable SnapshotInfo older(List<SnapshotInfo> snapshots, int from) {
    return from < 0 ? null : snapshots.get(from);
  }

  /** The plan to go on with what a receiver has in part. */
  static SendPlan of(PoolEngine engine, String pool, ReceiveRecord token) {
    String dataset = DatasetName.datasetOf(token.snapshot());
    SnapshotInfo to = null;
    SnapshotInfo from = null;
    for (DatasetInfo info : engine.datasets()) {
      if (!info.isReadable()) {
        continue;
      }
      for (SnapshotInfo snapshot : engine.snapshots(info.path())) {
        boolean named = full(pool, info.path()).equals(dataset);
        if (snapshot.guid() == token.toGuid() && (to == null || named)) {
          to = snapshot;
        }
      }
    }
    if (to == null) {
      throw PoolException.refused(
          Errno.ENOENT,
          token.snapshot()
              + ": is not in this pool any more; send another snapshot from the start");
    }
    for (SnapshotInfo snapshot : engine.snapshots(to.path())) {
      if (snapshot.guid() == token.fromGuid()) {
        from = snapshot;
      }
    }
    if (token.fromGuid() != 0 && from == null) {
      throw PoolException.refused(
          Errno.ENOENT,
          "the snapshot that "
              + token.snapshot()
              + " was sent incrementally from is gone; send from another one");
    }
    Item item = new Item(to, from, null, token.object(), token.offset());
    return new SendPlan(full(pool, to.path()), List.of(item), token.compressed(), List.of());
  }

  static String full(String pool, String path) {
    return path.isEmpty() ? pool : pool + "/" + path;
  }

  private static int indexOf(List<SnapshotInfo> snapshots, String name) {
    for (int i = 0; i < snapshots.size(); i++) {
      if (snapshots.get(i).name().equals(name)) {
        return i;
      }
    }
    return -1;
  }
}
