package io.lcpfs.stream;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.SnapshotInfo;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What clones are sent from: the snapshots that they began as, and those before these. */
record SendOrigins(PoolEngine engine, String pool) {

  private SendPlan.From from(SnapshotInfo info) {
    String name = SendPlan.full(pool, info.path()) + "@" + info.name();
    return new SendPlan.From(name, info.guid(), info.creationTxg(), info, true);
  }

  /** What is before a dataset in others, nearest dataset first, of each the newest first. */
  private SendPlan.@Nullable From first(String path, Predicate<SnapshotInfo> wanted) {
    Set<String> seen = new TreeSet<>();
    String at = path;
    while (seen.add(at)) {
      String origin = engine.originOf(at);
      if (origin.isEmpty()) {
        return null;
      }
      at = DatasetName.datasetOf(origin);
      List<SnapshotInfo> snapshots = engine.snapshots(at);
      for (int i = SendPlan.indexOf(snapshots, DatasetName.snapshotOf(origin)); i >= 0; i--) {
        if (wanted.test(snapshots.get(i))) {
          return from(snapshots.get(i));
        }
      }
    }
    return null;
  }

  /** The one of a guid, or null. */
  SendPlan.@Nullable From withGuid(String path, long guid) {
    return first(path, info -> info.guid() == guid);
  }

  /**
   * The one that is named in full.
   *
   * @throws PoolException EINVAL when it is none
   */
  SendPlan.From named(DatasetInfo dataset, SendOptions options) {
    String wanted = options.from();
    if (options.recursive()) {
      throw PoolException.refused(
          Errno.EINVAL,
          wanted
              + ": is of another dataset; leave -R, which sends clones from their origins itself");
    }
    SendPlan.From found =
        first(
            dataset.path(),
            info -> (SendPlan.full(pool, info.path()) + "@" + info.name()).equals(wanted));
    if (found == null) {
      String name = SendPlan.full(pool, dataset.path());
      throw PoolException.refused(
          Errno.EINVAL,
          wanted
              + ": is no snapshot of "
              + name
              + ", nor its origin or one before that; 'lcpfs fs get origin "
              + name
              + "' shows what it began as");
    }
    return found;
  }

  /**
   * The snapshots of a tree, each dataset after its parent and, where it is a clone of one that is
   * sent or that the receiver has, after that and from it. A clone of anything else, and one that
   * its origin is below of, is sent whole.
   */
  List<SendPlan.Item> ordered(SortedMap<String, List<SendPlan.Item>> found, SendOptions options) {
    List<SendPlan.Item> items = new ArrayList<>();
    Set<Long> sent = new HashSet<>();
    SortedMap<String, List<SendPlan.Item>> left = new TreeMap<>(found);
    while (!left.isEmpty()) {
      String next = "";
      SendPlan.From origin = null;
      boolean ready = false;
      String waiting = null;
      boolean blocking = false;
      for (String path : left.keySet()) {
        if (!path.isEmpty() && left.containsKey(DatasetName.parentPath(path))) {
          continue;
        }
        origin = options.recursive() ? originOf(path, left.get(path)) : null;
        if (origin == null || !isIn(left, origin)) {
          if (origin != null && !sent.contains(origin.guid())) {
            origin = isThere(found, origin, options) ? origin : null;
          }
          next = path;
          ready = true;
          break;
        }
        boolean blocks = isWithin(origin, path);
        waiting = waiting == null || (blocks && !blocking) ? path : waiting;
        blocking |= blocks;
      }
      if (!ready) {
        next = String.valueOf(waiting); // its origin is below it, or waits for it otherwise
        origin = null;
      }
      List<SendPlan.Item> own = left.remove(next);
      if (own != null) {
        own.forEach(item -> sent.add(item.to().guid()));
        items.addAll(origin == null ? own : fromOrigin(own, origin));
      }
    }
    return items;
  }

  private SendPlan.@Nullable From originOf(String path, @Nullable List<SendPlan.Item> own) {
    if (own == null || own.isEmpty() || own.getFirst().from() != null) {
      return null;
    }
    return first(path, info -> true);
  }

  private static boolean isWithin(SendPlan.From origin, String path) {
    SnapshotInfo info = origin.snapshot();
    return info != null && DatasetName.isWithin(info.path(), path);
  }

  private static boolean isIn(SortedMap<String, List<SendPlan.Item>> left, SendPlan.From origin) {
    return left.values().stream()
        .flatMap(List::stream)
        .anyMatch(item -> item.to().guid() == origin.guid());
  }

  /** Whether a receiver has it that has what an incremental stream continues. */
  private boolean isThere(
      SortedMap<String, List<SendPlan.Item>> found, SendPlan.From origin, SendOptions options) {
    SnapshotInfo info = origin.snapshot();
    if (info == null || options.from().isEmpty() || !found.containsKey(info.path())) {
      return false;
    }
    List<SnapshotInfo> snapshots = engine.snapshots(info.path());
    int since = SendPlan.indexOf(snapshots, options.from());
    return since >= SendPlan.indexOf(snapshots, info.name());
  }

  private static List<SendPlan.Item> fromOrigin(List<SendPlan.Item> own, SendPlan.From origin) {
    List<SendPlan.Item> items = new ArrayList<>(own);
    SendPlan.Item first = own.getFirst();
    items.set(0, new SendPlan.Item(first.to(), origin, first.properties(), 0, 0));
    return items;
  }
}
