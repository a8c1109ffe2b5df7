package io.lcpfs.stream;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.pool.BookmarkInfo;
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
   * @param properties values that go with it, or null
   * @param object where to begin, with {@code offset}; 0 at the start
   */
  record Item(
      SnapshotInfo to,
      @Nullable From from,
      @Nullable SortedMap<String, String> properties,
      long object,
      long offset) {}

  /**
   * What an incremental stream continues.
   *
   * @param name of a snapshot after the @, of a bookmark with its #, or in full of another
   *     dataset's
   * @param snapshot to be kept while it is sent; null for a bookmark, of which nothing is read
   * @param isClone whether it is another dataset's, of which what is sent began as a clone
   */
  record From(String name, long guid, long txg, @Nullable SnapshotInfo snapshot, boolean isClone) {
    static From of(SnapshotInfo info) {
      return new From(info.name(), info.guid(), info.creationTxg(), info, false);
    }

    static From of(BookmarkInfo info) {
      return new From("#" + info.name(), info.guid(), info.creationTxg(), null, false);
    }
  }

  /** The plan for a snapshot, named in full. */
  static SendPlan of(PoolEngine engine, String fullName, SendOptions options) {
    String dataset = DatasetName.datasetOf(fullName);
    String top = DatasetName.pathOf(dataset);
    String name = DatasetName.snapshotOf(fullName);
    String pool = DatasetName.poolOf(dataset);
    SortedMap<String, List<Item>> found = new TreeMap<>();
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
      SortedMap<String, String> properties = properties(info, options);
      List<Item> items = new ArrayList<>();
      found.put(info.path(), items);
      add(new SendOrigins(engine, pool), items, info, snapshots, to, options, properties, below);
    }
    List<Item> items = new SendOrigins(engine, pool).ordered(found, options);
    return new SendPlan(dataset, items, options.compressed(), skipped);
  }

  /** The values that go with a dataset, or null. */
  private static @Nullable SortedMap<String, String> properties(
      DatasetInfo info, SendOptions options) {
    if (options.backup() && info.properties().hasReceived()) {
      return info.properties().received();
    }
    boolean wanted = options.properties() || options.recursive() || options.backup();
    return wanted ? info.properties().own() : null;
  }

  /** The bookmark that a stream to {@code to} is to be incremental from. */
  private static From bookmark(
      PoolEngine engine, DatasetInfo info, SnapshotInfo to, SendOptions options) {
    if (options.intermediates() || options.recursive()) {
      throw PoolException.refused(
          Errno.EINVAL,
          options.from()
              + ": is a bookmark, from which one snapshot can be sent; leave -I and -R, or name a"
              + " snapshot");
    }
    String name = options.from().substring(1);
    BookmarkInfo found =
        engine.bookmarks(info.path()).stream()
            .filter(one -> one.name().equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    PoolException.refused(
                        Errno.ENOENT,
                        options.from()
                            + ": is no bookmark of it; see 'lcpfs fs list -t bookmark'"));
    if (found.guid() == to.guid() || found.creationTxg() > to.creationTxg()) {
      throw PoolException.refused(
          Errno.EINVAL,
          options.from()
              + ": is not older than @"
              + to.name()
              + "; see 'lcpfs fs list -t bookmark' and name an older one");
    }
    return From.of(found);
  }

  private static void add(
      SendOrigins origins,
      List<Item> items,
      DatasetInfo info,
      List<SnapshotInfo> snapshots,
      int to,
      SendOptions options,
      @Nullable SortedMap<String, String> properties,
      boolean below) {
    boolean full = options.from().isEmpty();
    if (options.from().startsWith("#")) {
      From mark = bookmark(origins.engine(), info, snapshots.get(to), options);
      items.add(new Item(snapshots.get(to), mark, properties, 0, 0));
      return;
    }
    From origin = DatasetName.isSnapshot(options.from()) ? origins.named(info, options) : null;
    int from = full || origin != null ? -1 : indexOf(snapshots, options.from());
    if (!full && origin == null && !below && (from < 0 || from >= to)) {
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
      From own = older(snapshots, between ? i - 1 : from);
      From older = own == null && i == first ? origin : own;
      items.add(new Item(snapshots.get(i), older, i == first ? properties : null, 0, 0));
    }
    if (info.path().isEmpty() && items.isEmpty()) {
      throw new AssertionError("a plan without snapshots");
    }
  }

  private static @Nullable From older(List<SnapshotInfo> snapshots, int from) {
    return from < 0 ? null : From.of(snapshots.get(from));
  }

  /** The plan to go on with what a receiver has in part. */
  static SendPlan of(PoolEngine engine, String pool, ReceiveRecord token) {
    String dataset = DatasetName.datasetOf(token.snapshot());
    SnapshotInfo to = null;
    From from = null;
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
    for (BookmarkInfo bookmark : engine.bookmarks(to.path())) {
      if (bookmark.guid() == token.fromGuid()) {
        from = From.of(bookmark);
      }
    }
    for (SnapshotInfo snapshot : engine.snapshots(to.path())) {
      if (snapshot.guid() == token.fromGuid()) {
        from = From.of(snapshot);
      }
    }
    if (token.isClone()) {
      from = new SendOrigins(engine, pool).withGuid(to.path(), token.fromGuid());
    }
    if (token.fromGuid() != 0 && from == null) {
      throw PoolException.refused(
          Errno.ENOENT,
          "the snapshot that "
              + token.snapshot()
              + " was sent incrementally from is gone, and no bookmark is left of it; send from"
              + " another one");
    }
    Item item = new Item(to, from, null, token.object(), token.offset());
    return new SendPlan(full(pool, to.path()), List.of(item), token.compressed(), List.of());
  }

  static String full(String pool, String path) {
    return path.isEmpty() ? pool : pool + "/" + path;
  }

  static int indexOf(List<SnapshotInfo> snapshots, String name) {
    for (int i = 0; i < snapshots.size(); i++) {
      if (snapshots.get(i).name().equals(name)) {
        return i;
      }
    }
    return -1;
  }
}
