package io.lcpfs.api;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertyCatalog.Property;
import io.lcpfs.dataset.PropertySource;
import io.lcpfs.dataset.PropertyValue;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.DatasetPolicy;
import io.lcpfs.pool.HistoryEvent;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.PoolEngines;
import io.lcpfs.pool.PoolStatus;
import io.lcpfs.pool.Progress;
import io.lcpfs.pool.SpaceInfo;
import io.lcpfs.pool.VerifyReport;
import io.lcpfs.pool.VerifyReport.Finding;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.PosixCheck;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.Space;
import io.lcpfs.stream.ReceiveOptions;
import io.lcpfs.stream.ReceiveReport;
import io.lcpfs.txg.Tx;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * An imported pool. Every method may be called from any thread. Failures are {@link
 * io.lcpfs.error.PoolException}; a refused call has changed nothing.
 */
public final class Pool implements AutoCloseable {
  /** Bound on what formatting a file system dirties: four small objects and their dnodes. */
  private static final long FORMAT_DIRTY_BYTES = 1 << 20;

  private final PoolEngine engine;
  private final Env env;
  private final String name;
  private final ReentrantLock lock;

  /** Open file systems by the guid of their dataset; guarded by the lock. */
  private final OpenFileSystems open;

  private final List<Watch> watches;

  /** Null unless it is lent: then who decides which datasets are in use. */
  private final @Nullable Predicate<String> inUse;

  /** Whether closing what is lent syncs. */
  private final boolean changes;

  private Pool(PoolEngine engine, Env env) {
    this.engine = engine;
    this.env = env;
    this.name = engine.status().name();
    this.lock = new ReentrantLock();
    this.open = new OpenFileSystems();
    this.watches = new CopyOnWriteArrayList<>();
    this.inUse = null;
    this.changes = false;
  }

  private Pool(Pool owned, Predicate<String> inUse, boolean changes) {
    this.engine = owned.engine;
    this.env = owned.env;
    this.name = owned.name;
    this.lock = owned.lock;
    this.open = owned.open;
    this.watches = owned.watches;
    this.inUse = inUse;
    this.changes = changes;
  }

  /**
   * The same pool for somebody who must not end its use: closing what is answered does nothing;
   * exporting and destroying the pool are refused with EBUSY.
   *
   * @param inUse which datasets, by full name, may be neither destroyed nor renamed
   */
  public Pool lend(Predicate<String> inUse) {
    return new Pool(this, inUse, false);
  }

  /** What is lent once more, to change something: closing what is answered syncs. */
  public Pool lendToChange() {
    Predicate<String> used = inUse;
    return new Pool(this, used == null ? name -> false : used, true);
  }

  private void refuseWhenLent() {
    if (inUse != null) {
      throw refused(Errno.EBUSY, name + ": is in use; unmount it first");
    }
  }

  /** Refuses when a dataset at or below {@code path} is in use by the pool's owner. */
  void refuseWhenUsed(String path) {
    Predicate<String> used = inUse;
    if (used != null) {
      for (DatasetInfo info : below(path)) {
        if (used.test(fullName(info.path()))) {
          throw refused(Errno.EBUSY, fullName(info.path()) + ": is mounted; unmount it first");
        }
      }
    }
  }

  /** Refuses when a dataset itself is in use by the pool's owner. */
  void refuseWhenUsedItself(String path) {
    if (isUsed(fullName(path))) {
      throw refused(Errno.EBUSY, fullName(path) + ": is mounted; unmount it first");
    }
  }

  /** Whether the pool's owner has a dataset in use. */
  boolean isUsed(String fullName) {
    Predicate<String> used = inUse;
    return used != null && used.test(fullName);
  }

  /**
   * Makes a pool on devices, whatever they held, and imports it. On success the pool owns the
   * devices; on failure the caller still does.
   *
   * @throws io.lcpfs.error.PoolException EINVAL for a bad name or property; EBUSY when a device
   *     belongs to a pool and {@code options.force()} is false; EIO, ENOSPC (device too small)
   */
  public static Pool create(List<BlockDevice> devices, CreateOptions options, Env env) {
    Pool pool = new Pool(PoolEngines.create(devices, checked(options), env), env);
    pool.fileSystem("");
    return pool;
  }

  /** Names and properties of {@code options} checked, values in exact form. */
  static CreateOptions checked(CreateOptions options) {
    DatasetName.checkPool(options.name());
    SortedMap<String, String> poolValues = new TreeMap<>();
    options
        .poolProperties()
        .forEach(
            (key, value) ->
                poolValues.put(key, PropertyCatalog.parse(PropertyCatalog.pool(key), value)));
    return options
        .withPoolProperties(poolValues)
        .withRootProperties(parsed(options.rootProperties()));
  }

  /**
   * Imports the pool that {@code devices} hold. On success the pool owns the devices; on failure
   * the caller still does.
   *
   * @throws io.lcpfs.error.PoolException as {@link PoolEngines#open}
   */
  public static Pool open(List<BlockDevice> devices, OpenOptions options, Env env) {
    if (!options.newName().isEmpty()) {
      DatasetName.checkPool(options.newName());
    }
    return new Pool(PoolEngines.open(devices, options, env), env);
  }

  PoolEngine engine() {
    return engine;
  }

  public String name() {
    return name;
  }

  public long guid() {
    return engine.status().guid();
  }

  public boolean readOnly() {
    return engine.readOnly();
  }

  /** Health, sizes, devices and features as of now. */
  public PoolStatus status() {
    return engine.status();
  }

  /** Returns when everything done before is on disk. */
  public void sync() {
    engine.sync();
  }

  /**
   * Syncs, marks the pool as exported and lets go of the devices.
   *
   * @throws PoolException EIO as of {@link #close}; the pool is not marked then
   */
  public void export() {
    refuseWhenLent();
    closeFileSystems();
    engine.export();
  }

  /** Marks the pool as destroyed and lets go of the devices. Its data can not be imported again. */
  public void destroy() {
    refuseWhenLent();
    closeFileSystems();
    engine.destroy();
  }

  /**
   * Syncs and lets go of the devices; the pool stays this host's. Does nothing the second time.
   *
   * @throws PoolException EIO, with the devices let go of, when not everything is on disk
   */
  @Override
  public void close() {
    if (inUse != null) {
      if (changes) {
        sync();
      }
      return;
    }
    closeFileSystems();
    engine.close();
  }

  // ---- datasets

  /** The path below the root of a full name, after checking that it is one of this pool. */
  String pathIn(String fullName) {
    DatasetName.check(fullName);
    if (!DatasetName.poolOf(fullName).equals(name)) {
      throw refused(
          Errno.EINVAL, fullName + ": is not in pool " + name + "; name it " + name + "/...");
    }
    return DatasetName.pathOf(fullName);
  }

  String fullName(String path) {
    return path.isEmpty() ? name : name + "/" + path;
  }

  /**
   * The dataset with this full name.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  public Dataset dataset(String fullName) {
    String path = pathIn(fullName);
    requireDataset(path);
    return new Dataset(this, fullName);
  }

  /** What {@code fullName} names that has files: a dataset or, with an @, a snapshot. */
  public FileTree tree(String fullName) {
    return DatasetName.isSnapshot(fullName) ? snapshot(fullName) : dataset(fullName);
  }

  /**
   * The snapshot with this full name, {@code pool/a@name}.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EINVAL
   */
  public Snapshot snapshot(String fullName) {
    return snapshots().find(fullName);
  }

  /**
   * Takes a snapshot, or one of the same name of each dataset at and below the one named, all of
   * the same moment.
   *
   * @param fullName {@code pool/a@name}
   * @throws io.lcpfs.error.PoolException EINVAL; ENOENT; EEXIST; EROFS; then none was taken
   */
  public List<Snapshot> createSnapshots(String fullName, boolean recursive) {
    return createSnapshots(List.of(fullName), recursive);
  }

  /** As {@link #createSnapshots(String, boolean)}, several: all of the same moment, or none. */
  public List<Snapshot> createSnapshots(List<String> fullNames, boolean recursive) {
    return snapshots().create(fullNames, recursive);
  }

  /** Tells {@code watcher} of a dataset's snapshots from now on. */
  public void watchSnapshots(String fullName, SnapshotWatcher watcher) {
    watches.add(new Watch(fullName, watcher));
  }

  /** Ends what {@link #watchSnapshots} began. */
  public void unwatchSnapshots(SnapshotWatcher watcher) {
    watches.removeIf(watch -> watch.watcher.equals(watcher));
  }

  private record Watch(String dataset, SnapshotWatcher watcher) {}

  private void tell(String fullName, Consumer<SnapshotWatcher> what) {
    for (Watch watch : watches) {
      if (watch.dataset.equals(fullName)) {
        what.accept(watch.watcher);
      }
    }
  }

  void beforeSnapshot(String fullName) {
    tell(fullName, SnapshotWatcher::beforeSnapshot);
  }

  void snapshotsChanged(String fullName) {
    tell(fullName, SnapshotWatcher::snapshotsChanged);
  }

  DatasetPlaces places() {
    return new DatasetPlaces(this, engine);
  }

  PoolClones clones() {
    return new PoolClones(this, engine);
  }

  PoolSnapshots snapshots() {
    return new PoolSnapshots(this, engine);
  }

  /** An earlier state of the whole pool, to go back to. */
  public PoolCheckpoints checkpoints() {
    return new PoolCheckpoints(this, engine);
  }

  /** What is sent from here and received. */
  public PoolStreams streams() {
    return new PoolStreams(this, engine, env);
  }

  /**
   * Receives a stream: all that is in it, and nothing of a snapshot that is not whole and sound.
   *
   * @param target full name of the dataset that it becomes, or of the snapshot
   * @throws io.lcpfs.error.PoolException EIO when it is damaged or ends early; EINVAL when it is no
   *     stream or does not fit; EOPNOTSUPP; EEXIST; ENOENT without a parent; ENOSPC; EROFS
   */
  public ReceiveReport receive(InputStream in, String target, ReceiveOptions options) {
    return streams().receive(in, target, options);
  }

  /** The path of a dataset that has to exist. */
  String requirePath(String fullName) {
    String path = pathIn(fullName);
    requireDataset(path);
    return path;
  }

  /** Full names of a dataset and all below it. */
  List<String> namesBelow(String fullName) {
    return below(requirePath(fullName)).stream().map(info -> fullName(info.path())).toList();
  }

  private void requireDataset(String path) {
    if (!exists(path)) {
      throw refused(Errno.ENOENT, fullName(path) + ": no such dataset; see 'lcpfs fs list'");
    }
  }

  /**
   * All datasets, sorted by name; also those of which nothing but the name can be read, whose
   * methods give EIO.
   */
  public List<Dataset> datasets() {
    return engine.datasets().stream()
        .map(info -> new Dataset(this, fullName(info.path())))
        .sorted(Comparator.comparing(Dataset::name))
        .toList();
  }

  /**
   * Creates a file system.
   *
   * @param parents create missing parents too, and be content when it exists
   * @throws io.lcpfs.error.PoolException EINVAL; EEXIST; ENOENT when the parent is missing; EROFS
   */
  public Dataset createDataset(String fullName, Map<String, String> properties, boolean parents) {
    String path = pathIn(fullName);
    SortedMap<String, String> values = parsed(properties);
    if (parents && exists(path)) {
      return new Dataset(this, fullName);
    }
    places().prepare(fullName, parents);
    engine.createDataset(path, values);
    fileSystem(path);
    return new Dataset(this, fullName);
  }

  boolean exists(String path) {
    return engine.datasets().stream().anyMatch(info -> info.path().equals(path));
  }

  /** What is to be destroyed, looked at before it is done. */
  public Destruction destruction() {
    return new Destruction(this, engine);
  }

  /**
   * Destroys a dataset, and with {@code recursive} its snapshots and children first.
   *
   * @throws io.lcpfs.error.PoolException as of {@link Destruction#datasets}
   */
  public void destroyDataset(String fullName, boolean recursive) {
    destruction().datasets(List.of(fullName), recursive, false).run();
  }

  /**
   * Destroys a dataset with its snapshots and children, and all clones of those.
   *
   * @throws io.lcpfs.error.PoolException as of {@link Destruction#datasets}
   */
  public void destroyWithClones(String fullName) {
    destruction().datasets(List.of(fullName), true, true).run();
  }

  /**
   * Gives a dataset and its children a new place in the same pool.
   *
   * @param parents make missing parents of that, too
   * @throws io.lcpfs.error.PoolException EINVAL; ENOENT; EEXIST; EBUSY when one is mounted; EDQUOT,
   *     ENOSPC when a rule leaves no room for it there; EROFS
   */
  public void renameDataset(String from, String to, boolean parents) {
    places().rename(from, to, parents);
    applyPolicies(pathIn(to), Set.of());
  }

  /** As {@link #renameDataset(String, String, boolean)}, where the parent has to exist. */
  public void renameDataset(String from, String to) {
    renameDataset(from, to, false);
  }

  List<DatasetInfo> below(String path) {
    return engine.datasets().stream()
        .filter(info -> DatasetName.isWithin(info.path(), path))
        .toList();
  }

  long sumBelow(String path, ToLongFunction<DatasetInfo> of) {
    return below(path).stream().mapToLong(of).sum();
  }

  // ---- dataset properties

  static SortedMap<String, String> parsed(Map<String, String> values) {
    SortedMap<String, String> result = new TreeMap<>();
    values.forEach(
        (key, value) -> {
          Property row = PropertyCatalog.dataset(key);
          result.put(row.name(), PropertyCatalog.parse(row, value));
        });
    return result;
  }

  PropertyValue effective(Property property, String fullName) {
    return PropertyCatalog.effective(property, fullName, path -> engine.dataset(path).properties());
  }

  NavigableSet<String> userProperties(String path) {
    NavigableSet<String> names = new TreeSet<>();
    for (String at = path; ; at = DatasetName.parentPath(at)) {
      engine.dataset(at).properties().own().keySet().stream()
          .filter(PropertyCatalog::isUserProperty)
          .forEach(names::add);
      if (at.isEmpty()) {
        return names;
      }
    }
  }

  void setDatasetProperties(String path, Map<String, String> values) {
    SortedMap<String, String> exact = parsed(values);
    engine.dataset(path);
    engine.setLocalProperties(path, exact);
    applyPolicies(path, exact.keySet());
  }

  void inheritDatasetProperty(String path, String property, boolean received) {
    Property row = PropertyCatalog.dataset(property);
    if (!row.settable()) {
      throw refused(Errno.EPERM, property + ": is computed and cannot be inherited; leave it out");
    }
    engine.dataset(path);
    if (received) {
      engine.revertProperty(path, row.name());
    } else {
      engine.removeLocalProperty(path, row.name());
    }
    applyPolicies(path, Set.of(row.name()));
  }

  void applyPolicies(String path, Set<String> changed) {
    for (DatasetInfo info : below(path)) {
      if (!info.isReadable()) {
        continue;
      }
      if (changed.contains(SnapshotDirectory.VISIBILITY)) {
        tell(fullName(info.path()), SnapshotWatcher::visibilityChanged);
      }
      engine.setPolicy(info.path(), policy(info.path()));
      lock.lock();
      try {
        PosixFileSystem fileSystem = open.get(info.guid());
        if (fileSystem != null) {
          fileSystem.setOptions(fsOptions(info.path(), fileSystem.options()));
        }
      } finally {
        lock.unlock();
      }
    }
  }

  // ---- file systems

  /** The file system of a dataset, opened and, in a new dataset, made when first asked for. */
  PosixFileSystem fileSystem(String path) {
    DatasetInfo info = engine.dataset(path);
    lock.lock();
    try {
      PosixFileSystem known = open.get(info.guid());
      if (known != null) {
        return known;
      }
      ObjectSet objects = engine.objectSet(path, policy(path));
      if (objects.nextObject(1) < 0) {
        if (engine.readOnly()) {
          throw refused(
              Errno.EROFS,
              fullName(path)
                  + ": has no file system yet; import the pool writable once to make it");
        }
        try (Tx tx = objects.begin(FORMAT_DIRTY_BYTES).wholeOnly()) {
          PosixFileSystem.format(tx, objects, env);
          tx.complete();
        }
      }
      FsOptions sized = FsOptions.DEFAULTS.withCachesBeside(engine.cacheBudgetBytes());
      PosixFileSystem opened = PosixFileSystem.open(objects, env, fsOptions(path, sized));
      open.put(info.guid(), opened);
      return opened;
    } finally {
      lock.unlock();
    }
  }

  private FsOptions fsOptions(String path, FsOptions from) {
    DatasetPolicy policy = policy(path);
    FsOptions.Atime atime =
        !isOn("atime", path)
            ? FsOptions.Atime.OFF
            : isOn("relatime", path) ? FsOptions.Atime.RELATIVE : FsOptions.Atime.ON;
    return from.withRecordBytes(policy.recordBytes())
        .withAtime(atime)
        .withSync(sync(path), valueOf("logbias", path).equals("throughput"))
        .withReadOnly(policy.readOnly() || engine.readOnly())
        .withSpace(new DatasetSpace(engine, path));
  }

  private FsOptions.Sync sync(String path) {
    return switch (valueOf("sync", path)) {
      case "always" -> FsOptions.Sync.ALWAYS;
      case "disabled" -> FsOptions.Sync.DISABLED;
      default -> FsOptions.Sync.STANDARD;
    };
  }

  private boolean isOn(String property, String path) {
    return valueOf(property, path).equals("on");
  }

  private String valueOf(String property, String path) {
    return effective(PropertyCatalog.dataset(property), fullName(path)).value();
  }

  /** What a file system says of its room: its own content and what could be added to it. */
  private record DatasetSpace(PoolEngine engine, String path) implements Space {
    @Override
    public long totalBytes() {
      SpaceInfo space = engine.space(path);
      return space.referencedBytes() + space.availableBytes();
    }

    @Override
    public long freeBytes() {
      return availableBytes();
    }

    @Override
    public long availableBytes() {
      return engine.space(path).availableBytes();
    }
  }

  /** The file system of objects that are only read, with the options of the dataset at a path. */
  PosixFileSystem openToRead(ObjectSet objects, String path) {
    FsOptions options = fsOptions(path, FsOptions.DEFAULTS).withReadOnly(true);
    return PosixFileSystem.open(objects, env, options);
  }

  /** Looks at what is open, under the lock. */
  <T extends @Nullable Object> T withOpen(Function<OpenFileSystems, T> use) {
    lock.lock();
    try {
      return use.apply(open);
    } finally {
      lock.unlock();
    }
  }

  void closeFileSystem(long guid) {
    boolean _ = withOpen(files -> files.close(guid));
  }

  /** Runs {@code change} of a dataset while nobody has its file system open, or opens it. */
  void withoutFiles(long guid, Runnable change) {
    lock.lock();
    try {
      closeFileSystem(guid);
      change.run();
    } finally {
      lock.unlock();
    }
  }

  private void closeFileSystems() {
    lock.lock();
    try {
      open.values().forEach(PosixFileSystem::close);
      open.clear();
    } finally {
      lock.unlock();
    }
  }

  DatasetPolicy policy(String path) {
    return PropertyCatalog.policy(
        property -> effective(PropertyCatalog.dataset(property), fullName(path)).value());
  }

  // ---- pool properties

  /**
   * A pool property in exact form.
   *
   * @throws io.lcpfs.error.PoolException EINVAL when there is no such property
   */
  public PropertyValue property(String property) {
    PoolStatus status = engine.status();
    String feature = status.features().get(property.replaceFirst("^feature@", ""));
    if (property.startsWith("feature@") && feature != null) {
      return PropertyValue.of(feature, PropertySource.LOCAL);
    }
    Property row = PropertyCatalog.pool(property);
    if (row.settable()) {
      String value = engine.poolProperties().get(property);
      return value == null
          ? PropertyValue.of(row.defaultValue(), PropertySource.DEFAULT)
          : PropertyValue.of(value, PropertySource.LOCAL);
    }
    String value =
        switch (property) {
          case "size" -> Long.toString(status.sizeBytes());
          case "allocated" -> Long.toString(status.allocatedBytes());
          case "free" -> Long.toString(status.freeBytes());
          case "freeing" -> Long.toString(status.freeingBytes());
          case "checkpoint" -> checkpoints().property();
          case "bcloneused" -> Long.toString(engine.cloneSavings().storedBytes());
          case "bclonesaved" -> Long.toString(engine.cloneSavings().savedBytes());
          case "bcloneratio" -> Long.toString(engine.cloneSavings().ratioPercent());
          case "capacity" -> Long.toString(status.capacityPercent());
          case "fragmentation" -> Integer.toString(status.fragmentationPercent());
          case "health" -> status.health().name();
          case "guid" -> Long.toUnsignedString(status.guid());
          case "version" -> Long.toString(status.version());
          case "readonly" -> status.readOnly() ? "on" : "off";
          default -> row.defaultValue();
        };
    return PropertyValue.of(value, PropertySource.NONE);
  }

  /** All native pool properties, then features, then users' properties. */
  public Map<String, PropertyValue> properties() {
    Map<String, PropertyValue> values = new LinkedHashMap<>();
    for (Property row : PropertyCatalog.poolProperties()) {
      values.put(row.name(), property(row.name()));
    }
    for (String feature : engine.status().features().keySet()) {
      values.put("feature@" + feature, property("feature@" + feature));
    }
    for (String user : engine.poolProperties().keySet()) {
      if (PropertyCatalog.isUserProperty(user)) {
        values.put(user, property(user));
      }
    }
    return values;
  }

  /** Sets a pool property; see {@link Dataset#setProperty}. */
  public void setProperty(String property, String value) {
    engine.setPoolProperty(property, PropertyCatalog.parse(PropertyCatalog.pool(property), value));
  }

  // ---- upkeep

  /** Runs every room's check; what is wrong is in the report, not thrown. */
  public VerifyReport verify(Consumer<Progress> progress) {
    VerifyReport below = engine.verify(progress);
    List<Finding> findings = new ArrayList<>(below.findings());
    SortedMap<String, Long> counts = new TreeMap<>(below.counts());
    try {
      for (DatasetInfo info : engine.datasets()) {
        if (!info.damage().isEmpty()) {
          findings.add(new Finding("DatasetCheck", fullName(info.path()), info.damage()));
        }
        if (info.isReadable()) {
          checkFiles(info.path(), findings, counts);
        }
      }
    } catch (PoolException e) {
      findings.add(new Finding("DatasetCheck", name, e.error().message()));
    }
    return new VerifyReport(findings, counts, below.bytesChecked());
  }

  private void checkFiles(String path, List<Finding> findings, SortedMap<String, Long> counts) {
    try {
      ObjectSet objects = engine.objectSet(path, policy(path));
      if (objects.nextObject(1) < 0) {
        return;
      }
      PosixCheck.Report report = PosixCheck.check(objects, env);
      counts.merge("files", report.files(), Long::sum);
      counts.merge("names", report.entries(), Long::sum);
      report
          .problems()
          .forEach(problem -> findings.add(new Finding("PosixCheck", fullName(path), problem)));
    } catch (PoolException e) {
      findings.add(new Finding("PosixCheck", fullName(path), e.error().message()));
    }
  }

  /** What was done to the pool, oldest first. */
  public List<HistoryEvent> history() {
    return engine.history();
  }

  /** Remembers a command in the pool's history. */
  public void addHistory(String who, String command) {
    engine.addHistory(who, command);
  }

  /** Gives the pool a new random guid; EBUSY while it has a checkpoint. */
  public void reguid() {
    engine.reguid();
  }

  /** Turns on every feature that this version knows; answers the names of those newly on. */
  public List<String> upgrade() {
    return engine.upgrade();
  }

  /** Structures as text; see {@link PoolEngine#debug}. */
  public String debug(String what, List<String> arguments) {
    return engine.debug(what, arguments);
  }
}
