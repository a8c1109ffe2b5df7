package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BookmarkRecord;
import io.lcpfs.format.Features;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Bookmarks: what is left of snapshots to send changes since them. They are in a ZAP of each
 * dataset, which users' transactions change; the dataset's record, which names the ZAP, follows
 * with the sync of the same group.
 */
final class Bookmarks {
  private static final long TX_BYTES = 64 << 10;
  private static final int MAX_NAME_BYTES = 255;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DatasetTree datasets;
  private final PoolSync sync;

  Bookmarks(ObjectContext context, ObjectSet meta, DatasetTree datasets, PoolSync sync) {
    this.context = context;
    this.meta = meta;
    this.datasets = datasets;
    this.sync = sync;
  }

  /** Held; Corrupt when it is no ZAP. */
  static Dnode holdZap(ObjectSet meta, long number) {
    Dnode dnode = meta.hold(number);
    if (dnode.type() != ObjectType.ZAP) {
      dnode.close();
      throw PoolException.corrupt(
          "dataset.bookmarks_zap", "object " + number + " is " + dnode.type());
    }
    return dnode;
  }

  private @Nullable BookmarkRecord lookup(long bookmarksZap, String name) {
    if (bookmarksZap == 0) {
      return null;
    }
    try (Dnode zap = holdZap(meta, bookmarksZap)) {
      byte[] value = Zap.open(zap, context.env()).get(name.getBytes(UTF_8));
      return value == null ? null : BookmarkRecord.decode(value);
    }
  }

  private static BookmarkInfo info(String path, String name, BookmarkRecord record) {
    return new BookmarkInfo(
        path, name, record.guid(), record.txg(), record.ordinal(), record.creationSeconds());
  }

  private PoolException noSuch(String path, String name) {
    return PoolException.refused(
        Errno.ENOENT,
        "no bookmark " + full(path) + "#" + name + "; see 'lcpfs fs list -t bookmark'");
  }

  private String full(String path) {
    return sync.config().name() + (path.isEmpty() ? "" : "/") + path;
  }

  /** One bookmark; ENOENT. */
  BookmarkInfo get(String path, String name) {
    datasets.lock().lock();
    try {
      BookmarkRecord record = lookup(datasets.bookmarksZap(datasets.find(path)), name);
      if (record == null) {
        throw noSuch(path, name);
      }
      return info(path, name, record);
    } finally {
      datasets.lock().unlock();
    }
  }

  /** A dataset's bookmarks, those of the oldest snapshots first. */
  List<BookmarkInfo> list(String path) {
    datasets.lock().lock();
    try {
      long zap = datasets.bookmarksZap(datasets.find(path));
      List<BookmarkInfo> found = new ArrayList<>();
      if (zap == 0) {
        return found;
      }
      try (Dnode dnode = holdZap(meta, zap)) {
        Zap.open(dnode, context.env())
            .iterate(
                0,
                (cookie, name, value) -> {
                  found.add(info(path, new String(name, UTF_8), BookmarkRecord.decode(value)));
                  return true;
                });
      }
      found.sort(
          Comparator.comparingLong(BookmarkInfo::creationTxg)
              .thenComparingInt(BookmarkInfo::ordinal)
              .thenComparing(BookmarkInfo::name));
      return found;
    } finally {
      datasets.lock().unlock();
    }
  }

  /**
   * Refuses to let go of what came after a snapshot while a bookmark says that what follows goes on
   * from there: what is sent since such a bookmark would not be all that differs.
   *
   * @throws PoolException EEXIST
   */
  void refuseAfter(String path, long txg) {
    for (BookmarkInfo bookmark : list(path)) {
      if (bookmark.creationTxg() > txg) {
        throw PoolException.refused(
            Errno.EEXIST,
            full(path)
                + ": would lose what the bookmark #"
                + bookmark.name()
                + " stands for; end that first with 'lcpfs fs destroy "
                + full(path)
                + "#"
                + bookmark.name()
                + "'");
      }
    }
  }

  /**
   * Makes a bookmark; returns when it is on disk.
   *
   * @param of what it keeps in mind of which snapshot; the dataset's own
   * @throws PoolException EEXIST; ENOENT; EINVAL; EOPNOTSUPP when the pool has not got the feature
   */
  void create(String path, BookmarkRecord of, String name) {
    checkName(name);
    if (!sync.config().features().contains(Features.BOOKMARKS)) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "pool "
              + sync.config().name()
              + " was made without bookmarks; turn them on with 'lcpfs pool upgrade'");
    }
    long txg;
    datasets.lock().lock();
    try {
      OpenDataset dataset = datasets.openObject(datasets.find(path));
      long zap = dataset.bookmarksZap();
      if (lookup(zap, name) != null) {
        throw PoolException.refused(
            Errno.EEXIST,
            "bookmark " + full(path) + "#" + name + " exists already; choose another name");
      }
      try (Tx tx = meta.begin(TX_BYTES).wholeOnly()) {
        txg = tx.txg();
        if (zap == 0) {
          createFirst(tx, dataset, of, name);
        } else {
          try (Dnode dnode = holdZap(meta, zap)) {
            Zap.open(dnode, context.env()).insert(tx, name.getBytes(UTF_8), of.encode());
          }
        }
        tx.complete();
      }
    } finally {
      datasets.lock().unlock();
    }
    context.txgs().waitSynced(txg);
  }

  private void createFirst(Tx tx, OpenDataset dataset, BookmarkRecord of, String name) {
    try (Dnode made = meta.create(tx, ObjectType.ZAP, 512)) {
      try {
        Zap.create(tx, made, context.env());
        Zap.open(made, context.env()).insert(tx, name.getBytes(UTF_8), of.encode());
      } catch (PoolException e) {
        made.free(tx);
        tx.complete();
        throw e;
      }
      long number = made.number();
      long txg = tx.txg();
      dataset.aheadBookmarksZap(number);
      sync.inGroup(txg, () -> dataset.setBookmarksZap(txg, number));
    }
  }

  /** Ends a bookmark; returns when that is on disk. ENOENT. */
  void destroy(String path, String name) {
    long txg;
    datasets.lock().lock();
    try {
      long zap = datasets.openObject(datasets.find(path)).bookmarksZap();
      if (lookup(zap, name) == null) {
        throw noSuch(path, name);
      }
      try (Dnode dnode = holdZap(meta, zap);
          Tx tx = meta.beginFreeing(TX_BYTES).wholeOnly()) {
        txg = tx.txg();
        Zap.open(dnode, context.env()).remove(tx, name.getBytes(UTF_8));
        tx.complete();
      }
    } finally {
      datasets.lock().unlock();
    }
    context.txgs().waitSynced(txg);
  }

  private static void checkName(String name) {
    if (name.isEmpty()
        || name.getBytes(UTF_8).length > MAX_NAME_BYTES
        || name.chars().anyMatch(c -> c == '@' || c == '#' || c == '/' || c == 0)) {
      throw PoolException.refused(
          Errno.EINVAL, "'" + name + "' is no name of a bookmark; write it as DATASET#NAME");
    }
  }
}
