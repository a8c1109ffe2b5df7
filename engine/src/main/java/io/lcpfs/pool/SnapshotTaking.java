package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Features;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** Takes snapshots: any number of any datasets of a pool at the same moment, all or none. */
final class SnapshotTaking {
  private static final long TX_BYTES = 64 << 10;
  private static final int MAX_NAME_BYTES = 255;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DatasetTree datasets;
  private final PoolSync sync;

  SnapshotTaking(ObjectContext context, ObjectSet meta, DatasetTree datasets, PoolSync sync) {
    this.context = context;
    this.meta = meta;
    this.datasets = datasets;
    this.sync = sync;
  }

  /** A dataset of which snapshots are taken. */
  private static final class Subject {
    final OpenDataset dataset;
    final List<String> names = new ArrayList<>();

    /** SNAPSHOT objects, one for each name, held. */
    final List<Dnode> made = new ArrayList<>();

    long namesZap;

    Subject(OpenDataset dataset) {
      this.dataset = dataset;
      this.namesZap = dataset.namesZap();
    }
  }

  static void checkName(String name) {
    if (name.isEmpty()
        || name.getBytes(UTF_8).length > MAX_NAME_BYTES
        || name.chars().anyMatch(c -> c == '@' || c == '/' || c == 0)) {
      throw PoolException.refused(Errno.EINVAL, "'" + name + "' is no name of a snapshot");
    }
  }

  /**
   * Takes snapshots, all as of the end of one group; returns when that is on disk.
   *
   * @throws PoolException EEXIST; ENOENT; EOPNOTSUPP when the pool has not got the feature
   */
  void take(Collection<SnapshotName> names) {
    names.forEach(name -> checkName(name.name()));
    if (!sync.config().features().contains(Features.SNAPSHOTS)) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "pool "
              + sync.config().name()
              + " was made without snapshots; turn them on with 'lcpfs pool upgrade'");
    }
    long txg;
    datasets.lock().lock();
    try {
      Collection<Subject> subjects = subjects(new LinkedHashSet<>(names));
      try (Tx tx = meta.begin(TX_BYTES * names.size()).wholeOnly();
          NameChanges changes = new NameChanges(context, meta, tx)) {
        txg = tx.txg();
        try {
          changes.allOrNone(() -> subjects.forEach(subject -> make(tx, changes, subject)));
        } catch (PoolException e) {
          tx.complete();
          throw e;
        }
        for (Subject subject : subjects) {
          subject.dataset.setNamesZap(subject.namesZap);
          for (Dnode made : subject.made) {
            sync.inGroup(txg, () -> subject.dataset.takeSnapshot(txg, made, subject.namesZap));
          }
        }
        tx.complete();
      }
    } finally {
      datasets.lock().unlock();
    }
    context.txgs().waitSynced(txg);
  }

  private Collection<Subject> subjects(Collection<SnapshotName> names) {
    Map<String, Subject> subjects = new LinkedHashMap<>();
    for (SnapshotName name : names) {
      Subject subject = subjects.get(name.path());
      if (subject == null) {
        OpenDataset dataset = datasets.openWithLog(name.path());
        dataset.refuseDamagedSnapshots();
        subject = new Subject(dataset);
        subjects.put(name.path(), subject);
      }
      if (datasets.snapshotObject(subject.namesZap, name.name()) != 0) {
        throw PoolException.refused(
            Errno.EEXIST, name.in(sync.config().name()) + ": exists already; choose another name");
      }
      subject.names.add(name.name());
    }
    return subjects.values();
  }

  /** Makes the objects of a dataset's snapshots and their names. */
  private void make(Tx tx, NameChanges changes, Subject subject) {
    long seconds = context.env().wallNanos() / 1_000_000_000L;
    if (subject.namesZap == 0) {
      try (Dnode zap = meta.create(tx, ObjectType.ZAP, 512)) {
        long number = zap.number();
        changes.orElse(() -> free(tx, number));
        Zap.create(tx, zap, context.env());
        subject.namesZap = number;
      }
    }
    for (String name : subject.names) {
      Dnode snapshot = meta.create(tx, ObjectType.SNAPSHOT, 512);
      subject.made.add(snapshot);
      changes.orElse(
          () -> {
            snapshot.free(tx);
            snapshot.close();
          });
      snapshot.setBonus(
          tx,
          new SnapshotRecord(
                  context.env().randomLong() | 1,
                  tx.txg(),
                  0,
                  seconds,
                  subject.dataset.object(),
                  0,
                  0,
                  0,
                  0,
                  0,
                  BlockPointer.HOLE)
              .encode());
      changes.enter(subject.namesZap, name, snapshot.number());
    }
  }

  private void free(Tx tx, long number) {
    try (Dnode made = meta.hold(number)) {
      made.free(tx);
    }
  }
}
