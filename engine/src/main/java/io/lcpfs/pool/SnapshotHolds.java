package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Features;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What keeps snapshots: users' holds, each with a tag. The tags are in a ZAP of each snapshot,
 * which users' transactions change; the snapshot's record, which names the ZAP, follows with the
 * sync of the same group.
 */
final class SnapshotHolds {
  private static final long TX_BYTES = 64 << 10;
  private static final int MAX_TAG_BYTES = 255;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DatasetTree datasets;
  private final PoolSync sync;

  /** What records do not say yet, by SNAPSHOT object; guarded by the tree's lock. */
  private final Map<Long, SnapshotRecord.Holds> ahead = new TreeMap<>();

  SnapshotHolds(ObjectContext context, ObjectSet meta, DatasetTree datasets, PoolSync sync) {
    this.context = context;
    this.meta = meta;
    this.datasets = datasets;
    this.sync = sync;
  }

  /** A snapshot of which the holds change. */
  static final class Subject {
    final OpenDataset dataset;
    final SnapshotName name;
    final long object;
    final SnapshotRecord.Holds before;

    /** The ZAP of its holds, held; null before it is known. */
    private @Nullable Dnode zap;

    /** Whether the ZAP is made for this hold. */
    private boolean fresh;

    private boolean changed;

    /** Of a release: whether the snapshot goes with it, and has lost its name. */
    private boolean goes;

    private boolean unnamed;

    /** Of a release: since when the tag was there. */
    private long seconds;

    Subject(OpenDataset dataset, SnapshotName name, long object, SnapshotRecord.Holds before) {
      this.dataset = dataset;
      this.name = name;
      this.object = object;
      this.before = before;
    }

    private Dnode held() {
      Dnode known = zap;
      if (known == null) {
        throw new AssertionError("no ZAP of holds is held");
      }
      return known;
    }

    private byte[] key() {
      return name.name().getBytes(UTF_8);
    }
  }

  /** What keeps a snapshot, with what its record does not say yet; under the tree's lock. */
  SnapshotRecord.Holds of(long object, SnapshotRecord record) {
    return ahead.getOrDefault(object, record.holds());
  }

  /** The same, by the snapshot's number. */
  SnapshotRecord.Holds of(long object) {
    return of(object, SnapshotChain.record(meta, object));
  }

  /** The tags of a snapshot by its number; under the tree's lock. */
  SortedMap<String, Long> tags(long object) {
    return tags(context, meta, of(object).zap());
  }

  /** Held; Corrupt when it is no ZAP. */
  private static Dnode holdZap(ObjectSet meta, long number) {
    Dnode dnode = meta.hold(number);
    if (dnode.type() != ObjectType.ZAP) {
      dnode.close();
      throw PoolException.corrupt("snapshot.holds_zap", "object " + number + " is " + dnode.type());
    }
    return dnode;
  }

  /** The tags in a ZAP of holds, with when they were set, seconds since 1970. */
  static SortedMap<String, Long> tags(ObjectContext context, ObjectSet meta, long holdsZap) {
    SortedMap<String, Long> found = new TreeMap<>();
    if (holdsZap == 0) {
      return found;
    }
    try (Dnode zap = holdZap(meta, holdsZap)) {
      Zap.open(zap, context.env())
          .iterateLong(
              0,
              (cookie, tag, seconds) -> {
                found.put(new String(tag, UTF_8), seconds);
                return true;
              });
    }
    return found;
  }

  /** How many users hold a snapshot; under the tree's lock. */
  int count(SnapshotRecord.Holds holds) {
    if (holds.zap() == 0) {
      return 0;
    }
    try (Dnode zap = holdZap(meta, holds.zap())) {
      return (int) Math.min(Integer.MAX_VALUE, Zap.open(zap, context.env()).count());
    }
  }

  /** What a refusal says of a snapshot that has these holds. */
  String keeps(SnapshotName name, Set<String> tags) {
    String first = tags.iterator().next();
    return "snapshot "
        + full(name)
        + " is held ("
        + String.join(", ", tags)
        + "); release it with 'lcpfs fs release "
        + first
        + " "
        + full(name)
        + "', or add -d to have it destroyed when the last hold goes";
  }

  private String full(SnapshotName name) {
    return name.in(sync.config().name());
  }

  /**
   * The ZAP of a snapshot's holds, to be freed with it: held, or null when there is none. What is
   * lost stays, and the pool's check tells of it.
   */
  @Nullable Dnode toFree(long object) {
    long zap = of(object).zap();
    if (zap == 0) {
      return null;
    }
    try {
      return holdZap(meta, zap);
    } catch (PoolException e) {
      if (e.errno() != Errno.EIO && e.errno() != Errno.ENOENT) {
        throw e;
      }
      return null;
    }
  }

  /** Forgets a snapshot that is no more. */
  void forget(long object) {
    ahead.remove(object);
  }

  /** Has a snapshot destroyed when nothing keeps it any more. */
  void deferDestroy(Tx tx, OpenDataset dataset, long object) {
    SnapshotRecord.Holds now = of(object);
    set(tx, dataset, object, new SnapshotRecord.Holds(now.zap(), true));
  }

  private void set(Tx tx, OpenDataset dataset, long object, SnapshotRecord.Holds holds) {
    long txg = tx.txg();
    ahead.put(object, holds);
    sync.inGroup(txg, () -> dataset.setHolds(txg, object, holds));
  }

  /** Refuses what cannot be done to a pool that was made before there were holds. */
  void requireFeature() {
    if (!sync.config().features().contains(Features.HOLDS)) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "pool "
              + sync.config().name()
              + " was made without holds of snapshots; turn them on with 'lcpfs pool upgrade'");
    }
  }

  private static void checkTag(String tag) {
    int bytes = tag.getBytes(UTF_8).length;
    if (tag.isEmpty() || tag.chars().anyMatch(Character::isISOControl)) {
      throw PoolException.refused(
          Errno.EINVAL, "'" + tag + "' is no tag of a hold; give a word such as 'keep'");
    }
    if (tag.startsWith(".")) {
      throw PoolException.refused(
          Errno.EINVAL, tag + ": a tag does not begin with '.'; choose another");
    }
    if (bytes > MAX_TAG_BYTES) {
      throw PoolException.refused(
          Errno.ENAMETOOLONG,
          "a tag of " + bytes + " bytes is too long; use at most " + MAX_TAG_BYTES);
    }
  }

  private List<Subject> subjects(List<SnapshotName> names) {
    List<Subject> subjects = new ArrayList<>();
    for (SnapshotName name : new LinkedHashSet<>(names)) {
      OpenDataset dataset = datasets.openObject(datasets.find(name.path()));
      dataset.refuseDamagedSnapshots();
      long object = datasets.snapshotObject(dataset.namesZap(), name.name());
      if (object == 0) {
        throw PoolException.refused(Errno.ENOENT, "no snapshot " + full(name));
      }
      subjects.add(new Subject(dataset, name, object, of(object)));
    }
    return subjects;
  }

  /**
   * Holds snapshots, all or none; returns when that is on disk.
   *
   * @throws PoolException EINVAL, ENAMETOOLONG for such a tag; ENOENT; EEXIST when one has a hold
   *     of this tag; EOPNOTSUPP when the pool has not got the feature
   */
  void hold(List<SnapshotName> names, String tag) {
    checkTag(tag);
    requireFeature();
    long txg;
    datasets.lock().lock();
    try {
      List<Subject> subjects = subjects(names);
      for (Subject subject : subjects) {
        if (tags(context, meta, subject.before.zap()).containsKey(tag)) {
          throw PoolException.refused(
              Errno.EEXIST,
              "snapshot " + full(subject.name) + " has a hold '" + tag + "'; choose another tag");
        }
      }
      try (Tx tx = meta.begin(TX_BYTES * Math.max(1, subjects.size())).wholeOnly()) {
        txg = tx.txg();
        insert(tx, subjects, tag);
        for (Subject subject : subjects) {
          if (subject.fresh) {
            SnapshotRecord.Holds now =
                new SnapshotRecord.Holds(subject.held().number(), subject.before.destroyDeferred());
            set(tx, subject.dataset, subject.object, now);
          }
        }
        tx.complete();
      } finally {
        subjects.forEach(SnapshotHolds::close);
      }
    } finally {
      datasets.lock().unlock();
    }
    context.txgs().waitSynced(txg);
  }

  private static void close(Subject subject) {
    Dnode zap = subject.zap;
    if (zap != null) {
      zap.close();
    }
  }

  /** Enters the tag everywhere, or nowhere. */
  private void insert(Tx tx, List<Subject> subjects, String tag) {
    long seconds = Math.max(0, context.env().wallNanos() / 1_000_000_000L);
    byte[] name = tag.getBytes(UTF_8);
    try {
      for (Subject subject : subjects) {
        if (subject.before.zap() == 0) {
          Dnode made = meta.create(tx, ObjectType.ZAP, 512);
          subject.zap = made;
          subject.fresh = true;
          Zap.create(tx, made, context.env());
        } else {
          subject.zap = holdZap(meta, subject.before.zap());
        }
        Zap.open(subject.held(), context.env()).insertLong(tx, name, seconds);
        subject.changed = true;
      }
    } catch (PoolException e) {
      for (Subject subject : subjects) {
        if (subject.fresh) {
          subject.held().free(tx);
        } else if (subject.changed) {
          Zap.open(subject.held(), context.env()).remove(tx, name);
        }
      }
      tx.complete();
      throw e;
    }
  }

  /** The tags of a snapshot, with when they were set, seconds since 1970. */
  SortedMap<String, Long> list(SnapshotName name) {
    datasets.lock().lock();
    try {
      long dataset = datasets.find(name.path());
      long object = datasets.snapshotObject(datasets.snapshotNames(dataset), name.name());
      if (object == 0) {
        throw PoolException.refused(Errno.ENOENT, "no snapshot " + full(name));
      }
      return tags(context, meta, of(object).zap());
    } finally {
      datasets.lock().unlock();
    }
  }

  /** Ends snapshots whose destruction was deferred until now. */
  interface Destroyer {
    /** Whether nothing keeps a snapshot that has these holds left. */
    boolean mayGo(SnapshotName name, long object, Set<String> tags);

    /**
     * Ends one that has lost its name in {@code tx}.
     *
     * @param holds the ZAP of its holds, or null
     */
    void end(Tx tx, OpenDataset dataset, long object, @Nullable Dnode holds);
  }

  /**
   * Releases holds, all or none; what was only waiting for that is destroyed. Returns when that is
   * on disk.
   *
   * @throws PoolException ENOENT when there is no such snapshot, or one that has no such hold
   */
  void release(List<SnapshotName> names, String tag, Destroyer destroyer) {
    checkTag(tag);
    long txg;
    datasets.lock().lock();
    try {
      List<Subject> subjects = subjects(names);
      try {
        prepareRelease(subjects, tag, destroyer);
        try (Tx tx = meta.beginFreeing(TX_BYTES * Math.max(1, subjects.size())).wholeOnly()) {
          txg = tx.txg();
          remove(tx, subjects, tag);
          for (Subject subject : subjects) {
            if (subject.goes) {
              destroyer.end(tx, subject.dataset, subject.object, subject.zap);
            }
          }
          tx.complete();
        }
      } finally {
        subjects.forEach(SnapshotHolds::close);
      }
    } finally {
      datasets.lock().unlock();
    }
    context.txgs().waitSynced(txg);
  }

  private void prepareRelease(List<Subject> subjects, String tag, Destroyer destroyer) {
    for (Subject subject : subjects) {
      SortedMap<String, Long> tags = tags(context, meta, subject.before.zap());
      Long since = tags.remove(tag);
      if (since == null) {
        throw PoolException.refused(
            Errno.ENOENT,
            "snapshot "
                + full(subject.name)
                + " has no hold '"
                + tag
                + "'; see 'lcpfs fs holds "
                + full(subject.name)
                + "'");
      }
      subject.seconds = since;
      subject.goes =
          subject.before.destroyDeferred()
              && destroyer.mayGo(subject.name, subject.object, tags.keySet());
      subject.zap = holdZap(meta, subject.before.zap());
    }
  }

  /** Takes the tag away everywhere, and the names of those that go, or nothing. */
  private void remove(Tx tx, List<Subject> subjects, String tag) {
    byte[] key = tag.getBytes(UTF_8);
    try {
      for (Subject subject : subjects) {
        Zap.open(subject.held(), context.env()).remove(tx, key);
        subject.changed = true;
        if (subject.goes) {
          try (Dnode zap = meta.hold(subject.dataset.namesZap())) {
            Zap.open(zap, context.env()).remove(tx, subject.key());
          }
          subject.unnamed = true;
        }
      }
    } catch (PoolException e) {
      for (Subject subject : subjects) {
        if (subject.unnamed) {
          try (Dnode zap = meta.hold(subject.dataset.namesZap())) {
            Zap.open(zap, context.env()).insertLong(tx, subject.key(), subject.object);
          }
        }
        if (subject.changed) {
          Zap.open(subject.held(), context.env()).insertLong(tx, key, subject.seconds);
        }
      }
      tx.complete();
      throw e;
    }
  }
}
