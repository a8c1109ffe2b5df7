package io.lcpfs.pool;

import io.lcpfs.error.ByteCount;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Features;
import io.lcpfs.format.OwnerAccountRecord;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.SpaceGate;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The tree of datasets with the rules of space: who may make what, which rules can be given, and
 * the answers of the ledger by path. Takes the tree's lock first.
 */
final class SpaceOps {
  private static final OwnerAccountRecord NO_ACCOUNT = new OwnerAccountRecord(0, 0);

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DatasetTree datasets;
  private final PoolSync sync;
  private final SpaceLedger ledger;
  private boolean loaded;

  SpaceOps(
      ObjectContext context,
      ObjectSet meta,
      DatasetTree datasets,
      PoolSync sync,
      SpaceLedger ledger) {
    this.context = context;
    this.meta = meta;
    this.datasets = datasets;
    this.sync = sync;
    this.ledger = ledger;
  }

  private <T> T locked(Supplier<T> work) {
    datasets.lock().lock();
    try {
      if (!loaded) {
        sync.whileStill(() -> ledger.replaceAll(entries()));
        loaded = true;
      }
      return work.get();
    } finally {
      datasets.lock().unlock();
    }
  }

  /** All datasets that can be read, parents first; while no group is written. */
  private List<SpaceLedger.Entry> entries() {
    List<SpaceLedger.Entry> entries = new ArrayList<>();
    Map<String, Long> objects = new TreeMap<>();
    for (DatasetInfo info : datasets.list()) {
      if (info.isReadable()) {
        long object = datasets.find(info.path());
        objects.put(info.path(), object);
        Long parent = objects.get(parentOf(info.path()));
        entries.add(entry(object, info.path().isEmpty() || parent == null ? 0 : parent, info));
      }
    }
    return entries;
  }

  private SpaceLedger.Entry entry(long object, long parent, DatasetInfo info) {
    SpaceRules rules = SpaceRules.of(info.properties().own());
    return new SpaceLedger.Entry(
        object,
        parent,
        info.path(),
        rules,
        info.referencedBytes() - info.inheritedBytes(),
        info.referencedBytes(),
        info.snapshotBytes(),
        rules.refreservation() > 0 ? uniqueNow(object) : 0);
  }

  /** What of a dataset its snapshots have not, 0 where it cannot be read; while it stands still. */
  private long uniqueNow(long object) {
    try {
      return datasets.openObject(object).uniqueBytes();
    } catch (PoolException e) {
      if (e.errno() != Errno.EIO && e.errno() != Errno.ENOENT) {
        throw e;
      }
      return 0; // whoever uses it is told
    }
  }

  private static String parentOf(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  /** The dataset's objects, whose transactions are admitted by the ledger from now on. */
  ObjectSet open(String path, DatasetPolicy policy) {
    return locked(
        () -> {
          OpenDataset dataset = datasets.open(path, policy);
          dataset.objectSet().setSpaceGate(ledger.gate(dataset.object()));
          dataset.accounts().setWanted(hasFeature(Features.OWNER_ACCOUNTS));
          setLimits(path, dataset);
          return dataset.objectSet();
        });
  }

  private void setLimits(String path, OpenDataset dataset) {
    OwnerAccounts.Limits limits = OwnerAccounts.Limits.of(datasets.get(path).properties().own());
    if (limits.isEmpty()) {
      dataset.accounts().setLimits(limits);
    } else {
      sync.whileStill(() -> dataset.accounts().setLimits(limits));
    }
  }

  /**
   * What users, groups and projects have in a dataset or in a snapshot of it, in no order, and
   * those that have nothing but a quota.
   *
   * @param snapshot its objects, or null
   * @throws PoolException EOPNOTSUPP when it was made without accounts; EIO
   */
  List<OwnerSpace> owners(String path, @Nullable ObjectSet snapshot) {
    return locked(
        () -> {
          ObjectSet objects =
              snapshot == null ? datasets.openObject(datasets.find(path)).objectSet() : snapshot;
          Map<String, OwnerAccountRecord> accounts = new TreeMap<>();
          sync.whileStill(
              () -> {
                Map<String, OwnerAccountRecord> found = OwnerAccounts.read(objects, context.env());
                if (found == null) {
                  throw PoolException.refused(
                      Errno.EOPNOTSUPP,
                      ledger.fullName(path)
                          + " was made before the pool kept accounts of users; copy its files to a"
                          + " new dataset, with 'lcpfs pool upgrade' before where that is needed");
                }
                accounts.putAll(found);
              });
          OwnerAccounts.Limits limits =
              OwnerAccounts.Limits.of(datasets.get(path).properties().own());
          limits.bytes().keySet().forEach(key -> accounts.putIfAbsent(key, NO_ACCOUNT));
          limits.objects().keySet().forEach(key -> accounts.putIfAbsent(key, NO_ACCOUNT));
          List<OwnerSpace> result = new ArrayList<>();
          accounts.forEach(
              (key, account) -> {
                OwnerTotals.Key owner = OwnerTotals.parse(key);
                result.add(
                    new OwnerSpace(
                        owner.owner(),
                        owner.id(),
                        account.bytes(),
                        account.objects(),
                        limits.bytes().getOrDefault(key, 0L),
                        limits.objects().getOrDefault(key, 0L)));
              });
          return result;
        });
  }

  SpaceInfo info(String path) {
    return locked(() -> ledger.info(datasets.find(path)));
  }

  /** Datasets below this one. */
  long filesystemCount(String path) {
    return locked(() -> ledger.countBelow(datasets.find(path)));
  }

  /** Snapshots of this dataset and of those below it. */
  long snapshotCount(String path) {
    return locked(() -> snapshotsBelow(datasets.find(path)));
  }

  private long snapshotsBelow(long object) {
    long count = 0;
    for (long one : ledger.below(object)) {
      long names = datasets.snapshotNames(one);
      if (names != 0) {
        try (var zap = meta.hold(names)) {
          count += Zap.open(zap, context.env()).count();
        }
      }
    }
    return count;
  }

  /**
   * Allocated bytes that were born after a snapshot.
   *
   * @param snapshotObject its object, or 0: the newest
   */
  long writtenBytes(String path, long snapshotObject) {
    return locked(
        () -> {
          OpenDataset dataset = datasets.openObject(datasets.find(path));
          dataset.refuseDamagedSnapshots();
          long[] bytes = new long[1];
          sync.whileStill(
              () ->
                  bytes[0] =
                      snapshotObject == 0
                          ? dataset.uniqueBytes()
                          : dataset.writtenSince(snapshotObject));
          return bytes[0];
        });
  }

  // ---- changes of the tree

  /** See {@link DatasetTree#create}; EDQUOT and ENOSPC. */
  DatasetInfo create(String path, SortedMap<String, String> properties) {
    return make(path, properties, () -> datasets.create(path, properties));
  }

  /** See {@link CloneOps#create}; EDQUOT and ENOSPC. */
  void cloneDataset(
      CloneOps clones,
      String path,
      String name,
      String target,
      SortedMap<String, String> properties) {
    make(
        target,
        properties,
        () -> {
          clones.create(path, name, target, properties);
          return datasets.get(target);
        });
  }

  private DatasetInfo make(
      String path, SortedMap<String, String> properties, Supplier<DatasetInfo> maker) {
    SpaceRules rules = SpaceRules.of(properties);
    if (!rules.equals(SpaceRules.NONE)) {
      requireFeature(Features.SPACE_RULES, "quotas and reservations");
    }
    return locked(
        () -> {
          if (path.isEmpty()) {
            return maker.get(); // refused there
          }
          long parent = datasets.find(parentOf(path));
          refuseTooMany(parent, 1);
          ledger.refuseFull(parent);
          new RuleCheck(ledger.fullName(path), 0, 0, 0, 0, 0, ledger.availableToAll(parent))
              .refuse(SpaceRules.NONE, rules);
          DatasetInfo info = maker.get();
          ledger.add(entry(datasets.find(path), parent, info));
          return info;
        });
  }

  /** See {@link DatasetTree#destroy}. */
  void destroy(String path) {
    locked(
        () -> {
          long object = datasets.destroy(path);
          ledger.remove(object);
          return object;
        });
  }

  /** See {@link DatasetTree#rename}; EDQUOT and ENOSPC. */
  void rename(String from, String to) {
    locked(
        () -> {
          if (from.isEmpty() || to.isEmpty() || to.startsWith(from + "/")) {
            datasets.rename(from, to); // refused there
            return 0L;
          }
          long object = datasets.find(from);
          long target = datasets.find(parentOf(to));
          refuseMove(object, target);
          datasets.rename(from, to);
          ledger.move(object, target, to);
          return object;
        });
  }

  /** Refuses to put a dataset where a rule leaves no room for it. */
  private void refuseMove(long object, long target) {
    List<Long> before = ledger.upwards(object);
    List<Long> fresh = new ArrayList<>(ledger.upwards(target));
    fresh.removeAll(before);
    long charge = ledger.charge(object);
    long datasetCount = ledger.countBelow(object) + 1;
    long snapshots = snapshotsBelow(object);
    for (long above : fresh) {
      SpaceRules rules = ledger.rules(above);
      refuseBytes(above, charge);
      refuseAbove(
          above,
          SpaceRules.FILESYSTEM_LIMIT,
          rules.filesystemLimit(),
          () -> ledger.countBelow(above) + datasetCount);
      refuseAbove(
          above,
          SpaceRules.SNAPSHOT_LIMIT,
          rules.snapshotLimit(),
          () -> snapshotsBelow(above) + snapshots);
    }
  }

  private void refuseBytes(long object, long more) {
    SpaceRules rules = ledger.rules(object);
    long used = ledger.info(object).usedBytes();
    if (rules.quota() > 0
        && SpaceLedger.sum(used, more) > Math.max(rules.quota(), rules.reservation())) {
      throw refused(
          Errno.EDQUOT,
          object,
          SpaceRules.QUOTA,
          "leaves no room for " + ByteCount.print(more) + "; raise it first");
    }
  }

  private void refuseAbove(long object, String rule, long limit, Supplier<Long> count) {
    if (limit != SpaceRules.NO_LIMIT && count.get() > limit) {
      throw refused(
          Errno.EDQUOT,
          object,
          rule,
          limit == 0
              ? "allows none; raise it first, or set it to none"
              : "is reached: " + limit + "; destroy some, or raise it first");
    }
  }

  private PoolException refused(Errno errno, long object, String rule, String what) {
    return PoolException.refused(
        errno, rule + " of " + ledger.fullName(ledger.path(object)) + " " + what);
  }

  private void refuseTooMany(long parent, long more) {
    for (long above : ledger.upwards(parent)) {
      refuseAbove(
          above,
          SpaceRules.FILESYSTEM_LIMIT,
          ledger.rules(above).filesystemLimit(),
          () -> ledger.countBelow(above) + more);
    }
  }

  /** Takes snapshots; see {@link SnapshotTaking#take}; EDQUOT and ENOSPC. */
  void snapshot(SnapshotOps snapshots, Collection<SnapshotName> names) {
    List<String> paths = names.stream().distinct().map(SnapshotName::path).toList();
    boolean limited = locked(() -> paths.stream().anyMatch(this::limitsSnapshots));
    if (!limited) {
      snapshots.take(names);
      return;
    }
    context.txgs().sync();
    locked(
        () -> {
          refuseSnapshots(paths);
          snapshots.take(names);
          return paths;
        });
  }

  private boolean limitsSnapshots(String path) {
    long object = datasets.find(path);
    return ledger.rules(object).refreservation() > 0
        || ledger.upwards(object).stream()
            .anyMatch(above -> ledger.rules(above).snapshotLimit() != SpaceRules.NO_LIMIT);
  }

  private void refuseSnapshots(List<String> paths) {
    TreeMap<Long, Long> more = new TreeMap<>();
    for (String path : paths) {
      long object = datasets.find(path);
      ledger.upwards(object).forEach(above -> more.merge(above, 1L, Long::sum));
      SpaceRules rules = ledger.rules(object);
      if (rules.refreservation() > 0) {
        // What is in the snapshot can no more be written over in what is kept.
        SpaceInfo info = ledger.info(object);
        long need = rules.refreservation() - info.refreservationBytes();
        if (need > ledger.availableToAll(object)) {
          throw refused(
              Errno.ENOSPC,
              object,
              SpaceRules.REFRESERVATION,
              "needs "
                  + ByteCount.print(need)
                  + " more for a snapshot; free space, or lower it first");
        }
      }
    }
    more.forEach(
        (above, count) ->
            refuseAbove(
                above,
                SpaceRules.SNAPSHOT_LIMIT,
                ledger.rules(above).snapshotLimit(),
                () -> snapshotsBelow(above) + count));
  }

  // ---- datasets that are being received

  /** Refuses a new dataset that is to arrive, where there may not be one more; EDQUOT. */
  void refuseArrival(String path) {
    locked(
        () -> {
          long parent = datasets.find(parentOf(path));
          refuseTooMany(parent, 1);
          ledger.refuseFull(parent);
          return parent;
        });
  }

  /**
   * Admits what is written to a dataset that is not in the tree: beside what is kept for others
   * than the one it will be, or be in. Quotas are for {@link #refuseArrived}.
   */
  SpaceGate arrivalGate(long nearest) {
    return locked(() -> ledger.gateBeside(nearest));
  }

  /**
   * Refuses what has arrived where a rule leaves no room for it.
   *
   * @param path of a dataset that is to be entered
   * @throws PoolException EDQUOT, ENOSPC
   */
  void refuseArrived(String path, DatasetRecord arrived, Map<String, String> properties) {
    locked(
        () -> {
          long parent = datasets.find(parentOf(path));
          SpaceRules rules = SpaceRules.of(properties);
          long head = Math.max(0, arrived.usedBytes() - arrived.heritage().inheritedBytes());
          new RuleCheck(
                  ledger.fullName(path),
                  head,
                  arrived.usedBytes(),
                  0,
                  0,
                  0,
                  ledger.availableToAll(parent))
              .refuse(SpaceRules.NONE, rules);
          refuseTooMany(parent, 1);
          refuseGrowth(
              parent, Math.max(SpaceLedger.sum(head, rules.refreservation()), rules.reservation()));
          return parent;
        });
  }

  /** As {@link #refuseArrived}, for what is to take the place of what a dataset holds. */
  void refuseReplacement(long object, DatasetRecord arrived) {
    locked(
        () -> {
          long refquota = ledger.rules(object).refquota();
          if (refquota > 0 && arrived.usedBytes() > refquota) {
            throw refused(
                Errno.EDQUOT,
                object,
                SpaceRules.REFQUOTA,
                "leaves no room for " + ByteCount.print(arrived.usedBytes()) + "; raise it first");
          }
          refuseGrowth(
              object, Math.max(0, arrived.usedBytes() - arrived.heritage().inheritedBytes()));
          return object;
        });
  }

  /** Refuses to let a dataset grow by so many bytes and by a snapshot. */
  private void refuseGrowth(long object, long bytes) {
    for (long above : ledger.upwards(object)) {
      refuseBytes(above, bytes);
      refuseAbove(
          above,
          SpaceRules.SNAPSHOT_LIMIT,
          ledger.rules(above).snapshotLimit(),
          () -> snapshotsBelow(above) + 1);
    }
  }

  /** Reads all datasets again, after one arrived. */
  void arrived() {
    locked(
        () -> {
          sync.whileStill(() -> ledger.replaceAll(entries()));
          return 0L;
        });
  }

  // ---- rules

  /** Sets properties of a dataset, among them rules, which are checked. */
  void setProperties(String path, Map<String, String> values) {
    if (values.keySet().stream().anyMatch(name -> OwnerRule.of(name) != null)) {
      requireFeature(Features.OWNER_ACCOUNTS, "accounts of users");
    }
    if (values.keySet().stream().anyMatch(SpaceRules.NAMES::contains)) {
      requireFeature(Features.SPACE_RULES, "quotas and reservations");
    }
    changeProperties(path, values.keySet(), stored -> stored.withLocal(values));
  }

  /** Removes a property of a dataset, so that what is above it counts. */
  void removeProperty(String path, String name) {
    changeProperties(path, List.of(name), stored -> stored.inherited(name));
  }

  /** Removes a property of a dataset, so that what it received counts. */
  void revertProperty(String path, String name) {
    changeProperties(path, List.of(name), stored -> stored.reverted(name));
  }

  private void changeProperties(
      String path, Collection<String> names, UnaryOperator<StoredProperties> change) {
    boolean owners = names.stream().anyMatch(name -> OwnerRule.of(name) != null);
    if (names.stream().anyMatch(SpaceRules.NAMES::contains)) {
      changeRules(path, change);
    } else if (!owners) {
      datasets.changeProperties(path, change);
    }
    if (owners) {
      locked(
          () -> {
            datasets.changeProperties(path, change);
            setLimits(path, datasets.openObject(datasets.find(path)));
            return path;
          });
    }
  }

  private boolean hasFeature(PoolConfig.Feature feature) {
    return sync.config().features().contains(feature);
  }

  private void requireFeature(PoolConfig.Feature feature, String what) {
    if (!hasFeature(feature)) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "pool "
              + sync.config().name()
              + " was made without "
              + what
              + "; turn them on with 'lcpfs pool upgrade'");
    }
  }

  private void changeRules(String path, UnaryOperator<StoredProperties> change) {
    context.txgs().sync(); // what is used is known then, but for what others write meanwhile
    locked(
        () -> {
          long object = datasets.find(path);
          SpaceRules old = ledger.rules(object);
          SpaceRules next = SpaceRules.of(change.apply(datasets.get(path).properties()).own());
          long unique = next.refreservation() > 0 ? uniqueBytes(object) : 0;
          SpaceInfo info = ledger.info(object);
          List<Long> upwards = ledger.upwards(object);
          new RuleCheck(
                  ledger.fullName(path),
                  info.datasetBytes(),
                  info.referencedBytes(),
                  info.snapshotBytes(),
                  info.childrenBytes(),
                  unique,
                  ledger.availableToAll(upwards.get(Math.min(1, upwards.size() - 1))))
              .refuse(old, next);
          ledger.setRules(object, next, unique);
          boolean done = false;
          try {
            datasets.changeProperties(path, change);
            done = true;
          } finally {
            if (!done) {
              ledger.setRules(object, old, unique);
            }
          }
          return object;
        });
  }

  private long uniqueBytes(long object) {
    long[] bytes = new long[1];
    sync.whileStill(() -> bytes[0] = uniqueNow(object));
    return bytes[0];
  }

  /** What the ledger says that a reading of all datasets does not; nothing when it is right. */
  List<VerifyReport.Finding> check() {
    return locked(
        () -> {
          List<VerifyReport.Finding> findings = new ArrayList<>();
          sync.whileStill(() -> ledger.compare(entries(), findings));
          return findings;
        });
  }
}
