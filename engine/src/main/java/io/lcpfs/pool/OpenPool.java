package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.alloc.Metaslab;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Features;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.PoolState;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.vdev.DeviceQueue;
import io.lcpfs.vdev.TileMap;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** An imported pool. */
final class OpenPool implements PoolEngine {
  private static final long TX_BYTES = 64 << 10;

  private final PoolParts parts;
  private final ObjectSet meta;
  private final SpaceMaps spaceMaps;
  private final DatasetTree datasets;
  private final FreeingLists freeing;
  private final SnapshotOps snapshots;
  private final CloneOps clones;
  private final ReferenceTable references;
  private final SpaceOps space;
  private final DestroyTask destroyTask;
  private final ReceiveOps receives;
  private final CheckpointOps checkpoint;
  private final Dnode properties;
  private final History history;
  private final List<BlockDevice> devices;
  private final boolean readOnly;
  private final List<String> importProblems;
  private final ReentrantLock propertiesLock = new ReentrantLock();
  private final ReentrantLock closeLock = new ReentrantLock();
  private boolean closed;
  private boolean tasksStarted;

  OpenPool(
      PoolParts parts,
      ObjectSet meta,
      SpaceMaps spaceMaps,
      long rootDataset,
      Dnode destroyed,
      Dnode properties,
      Dnode history,
      List<BlockDevice> devices,
      boolean readOnly,
      List<String> importProblems) {
    this.parts = parts;
    this.meta = meta;
    this.spaceMaps = spaceMaps;
    this.checkpoint = new CheckpointOps(parts, meta);
    checkpoint.load();
    LogStore logs = new LogStore(parts.context, parts.allocator, parts.devices, parts.reserve);
    DeadLists deadLists = new DeadLists(parts.context, meta);
    MetaDirectory directory = new MetaDirectory(meta, parts.env);
    this.references =
        new ReferenceTable(
            parts.context,
            meta,
            parts.allocator,
            directory,
            () -> config().features().contains(Features.BLOCK_CLONING));
    references.load();
    parts.io.connect(references);
    parts.sync.connect(references);
    this.freeing = new FreeingLists(parts.context, directory, deadLists);
    freeing.load();
    this.datasets =
        new DatasetTree(parts.context, meta, logs, deadLists, rootDataset, destroyed, readOnly);
    this.snapshots = new SnapshotOps(parts.context, meta, datasets, parts.sync, freeing);
    this.clones = new CloneOps(parts.context, meta, datasets, snapshots, parts.sync);
    this.destroyTask =
        new DestroyTask(
            parts.context, datasets, parts.sync, freeing, meta, parts.blocksFreedAtOnce);
    SpaceLedger ledger = new SpaceLedger(parts.reserve, parts.txgs, () -> config().name());
    this.space = new SpaceOps(parts.context, meta, datasets, parts.sync, ledger);
    this.receives =
        new ReceiveOps(
            parts.context, meta, datasets, snapshots, clones, parts.sync, destroyTask, space);
    this.properties = properties;
    this.history = new History(parts.env, meta, history);
    this.devices = devices;
    this.readOnly = readOnly;
    this.importProblems = importProblems;
    parts.sync.connect(datasets, ledger);
  }

  /** Starts what goes on in the background of a writable pool. */
  void startTasks() {
    parts.sync.setAutotrim("on".equals(poolProperties().get("autotrim")));
    checkpoint.start();
    tasksStarted = true;
    receives.dropUnresumable();
    destroyTask.start();
  }

  PoolParts parts() {
    return parts;
  }

  ObjectSet meta() {
    return meta;
  }

  SpaceMaps spaceMaps() {
    return spaceMaps;
  }

  DatasetTree datasetTree() {
    return datasets;
  }

  private ObjectContext context() {
    return parts.context;
  }

  private PoolConfig config() {
    return parts.sync.config();
  }

  private void refuseClosed() {
    closeLock.lock();
    try {
      if (closed) {
        throw new PoolException(new PoolError.Closed("pool " + config().name()));
      }
    } finally {
      closeLock.unlock();
    }
  }

  private void refuseReadOnly() {
    refuseClosed();
    if (readOnly) {
      throw PoolException.refused(
          Errno.EROFS,
          "pool "
              + config().name()
              + " is imported read-only; export it and import it without -o readonly=on");
    }
  }

  @Override
  public PoolStatus status() {
    refuseClosed();
    PoolConfig config = config();
    List<String> problems = new ArrayList<>(importProblems);
    PoolException failure = parts.txgs.failure();
    if (failure != null) {
      problems.add(
          "suspended: " + failure.error().message() + "; export the pool and import it again");
    }
    PoolException destroying = destroyTask.problem();
    if (destroying != null) {
      problems.add("a destroyed dataset cannot be freed: " + destroying.error().message());
    }
    PoolException kept = snapshots.lastFailure();
    if (kept != null) {
      problems.add("a snapshot could not be destroyed with its clone: " + kept.error().message());
    }
    for (PoolException unfreed :
        new @Nullable PoolException[] {freeing.problem(), datasets.destroyed().unfreed()}) {
      if (unfreed != null) {
        problems.add("blocks cannot be freed: " + unfreed.error().message());
      }
    }
    PoolException undropped = receives.problem();
    if (undropped != null) {
      problems.add("a broken receive cannot be freed: " + undropped.error().message());
    }
    PoolException forgotten = checkpoint.problem();
    if (forgotten != null) {
      problems.add(
          "the checkpoint cannot be read and was given up: " + forgotten.error().message());
    }
    PoolException uncounted = references.problem();
    if (uncounted != null) {
      problems.add(
          "blocks that may be cloned are not freed, as their references cannot be counted: "
              + uncounted.error().message()
              + "; run 'lcpfs pool verify'");
    }
    problems.addAll(datasets.logProblems());
    List<DeviceStatus> deviceStatus = new ArrayList<>();
    for (PoolConfig.Device device : config.devices()) {
      deviceStatus.add(status(device));
    }
    Health health =
        failure != null
            ? Health.SUSPENDED
            : deviceStatus.stream().anyMatch(d -> d.health() == Health.FAULTED)
                ? Health.FAULTED
                : Health.ONLINE;
    SortedMap<String, String> features = new TreeMap<>();
    config.features().forEach(f -> features.put(f.name(), "active"));
    long size = parts.reserve.sizeBytes();
    long allocated = parts.allocator.allocatedBytes() + parts.allocator.keptBytes();
    return new PoolStatus(
        config.name(),
        config.poolGuid(),
        health,
        readOnly,
        parts.txgs.syncedTxg(),
        PoolConfig.VERSION,
        size,
        allocated,
        size - allocated,
        datasets.destroyed().bytes() + freeing.bytes(),
        fragmentation(),
        parts.slabs.usedBytes(),
        features,
        deviceStatus,
        problems);
  }

  private DeviceStatus status(PoolConfig.Device device) {
    DeviceQueue queue = parts.devices.queues().get(device.index());
    DeviceQueue.Stats stats = queue.stats();
    TileMap tiles = parts.devices.tiles();
    PoolConfig.Group group = tiles.config().group(device.group());
    long allocated = 0;
    for (Metaslab metaslab : parts.allocator.metaslabs()) {
      if (tiles.columns(metaslab.id()).stream().anyMatch(c -> c.device() == device.index())) {
        allocated += metaslab.allocatedBytes() + metaslab.keptBytes();
      }
    }
    return new DeviceStatus(
        queue.device().name(),
        device.guid(),
        group.id(),
        group.profile(),
        group.placement(),
        queue.isFaulted() ? Health.FAULTED : Health.ONLINE,
        device.geometry().tileCount(group.tileBytes()) * group.tileBytes(),
        allocated,
        stats.readErrors(),
        stats.writeErrors(),
        parts.devices.checksumErrors(device.index()),
        parts.devices.repaired(device.index()));
  }

  /** How much of the free space lies in extents too short for a record of 128 KiB, roughly. */
  private int fragmentation() {
    long free = 0;
    long large = 0;
    for (Metaslab metaslab : parts.allocator.metaslabs(PlacementClass.NORMAL)) {
      free += metaslab.freeBytes();
      large += Math.min(metaslab.freeBytes(), metaslab.largestFreeBytes());
    }
    return free == 0 ? 0 : (int) (100 - large * 100 / free);
  }

  @Override
  public long cacheBudgetBytes() {
    return context().cache().capacityBytes();
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }

  @Override
  public void sync() {
    refuseClosed();
    meta.sync();
  }

  @Override
  public CloneSavings cloneSavings() {
    refuseClosed();
    return references.savings();
  }

  @Override
  public long availableBytes() {
    refuseClosed();
    return parts.reserve.availableBytes();
  }

  @Override
  public void export() {
    refuseReadOnlyUnlessSuspended();
    close(PoolState.EXPORTED);
  }

  private void refuseReadOnlyUnlessSuspended() {
    if (parts.txgs.failure() == null) {
      refuseClosed();
    }
  }

  @Override
  public void destroy() {
    refuseReadOnly();
    close(PoolState.DESTROYED);
  }

  @Override
  public void close() {
    close(null);
  }

  private void close(@Nullable PoolState state) {
    closeLock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
    } finally {
      closeLock.unlock();
    }
    try {
      if (tasksStarted) {
        destroyTask.stop(state == PoolState.DESTROYED || parts.txgs.failure() != null);
      }
      if (!readOnly) {
        PoolException failure = parts.txgs.failure();
        if (failure != null) {
          throw unsaved(failure);
        }
        if (state != null) {
          parts.sync.changeConfig(config -> config.withState(state));
        }
        parts.txgs.sync();
      }
    } finally {
      parts.txgs.stop();
      datasets.closeLogs();
      parts.context.background().close();
      devices.forEach(BlockDevice::close);
      parts.slabs.close();
    }
  }

  /** Whoever closes a suspended pool may be the first to hear of it. */
  private PoolException unsaved(PoolException failure) {
    return new PoolException(
        new PoolError.Refused(
            Errno.EIO,
            "pool "
                + config().name()
                + " is closed as of transaction group "
                + parts.txgs.syncedTxg()
                + ", what came after is lost but for the intent log: "
                + failure.error().message()
                + "; import it again"),
        failure);
  }

  /** Lets go of everything but the devices, after an import that could not begin to write. */
  void abandon() {
    parts.txgs.stop();
    parts.context.background().close();
    parts.slabs.close();
  }

  @Override
  public List<DatasetInfo> datasets() {
    refuseClosed();
    return datasets.list();
  }

  @Override
  public DatasetInfo dataset(String path) {
    refuseClosed();
    return datasets.get(path);
  }

  @Override
  public SpaceInfo space(String path) {
    refuseClosed();
    return space.info(path);
  }

  @Override
  public List<OwnerSpace> owners(String path, String snapshot) {
    refuseClosed();
    return space.owners(path, snapshot.isEmpty() ? null : snapshots.open(path, snapshot));
  }

  @Override
  public long filesystemCount(String path) {
    refuseClosed();
    return space.filesystemCount(path);
  }

  @Override
  public long snapshotCount(String path) {
    refuseClosed();
    return space.snapshotCount(path);
  }

  @Override
  public long writtenBytes(String path, String snapshot) {
    refuseClosed();
    return space.writtenBytes(path, snapshot.isEmpty() ? 0 : snapshots.objectOf(path, snapshot));
  }

  @Override
  public DatasetInfo createDataset(String path, SortedMap<String, String> localProperties) {
    refuseReadOnly();
    return space.create(path, localProperties);
  }

  @Override
  public void destroyDataset(String path) {
    refuseReadOnly();
    space.destroy(path);
    destroyTask.wake();
  }

  @Override
  public void renameDataset(String from, String to) {
    refuseReadOnly();
    space.rename(from, to);
  }

  @Override
  public void setLocalProperties(String path, Map<String, String> values) {
    if (!values.isEmpty()) {
      refuseReadOnly();
      space.setProperties(path, values);
    }
  }

  @Override
  public void removeLocalProperty(String path, String name) {
    refuseReadOnly();
    space.removeProperty(path, name);
  }

  @Override
  public void revertProperty(String path, String name) {
    refuseReadOnly();
    space.revertProperty(path, name);
  }

  @Override
  public void takeSnapshots(Collection<SnapshotName> names) {
    refuseReadOnly();
    space.snapshot(snapshots, names);
  }

  @Override
  public List<SnapshotInfo> snapshots(String path) {
    refuseClosed();
    return snapshots.list(path);
  }

  @Override
  public Map<String, Long> writtenBySnapshots(String path) {
    refuseClosed();
    return snapshots.writtenBySnapshots(path);
  }

  @Override
  public SnapshotInfo snapshot(String path, String name) {
    refuseClosed();
    return snapshots.get(path, name);
  }

  @Override
  public void destroySnapshots(Collection<SnapshotName> names, boolean defer) {
    refuseReadOnly();
    snapshots.destroy(names, defer, destroyTask::waitFor);
    destroyTask.wake();
  }

  @Override
  public List<Keeper> keepers(Collection<SnapshotName> names, Collection<String> besides) {
    refuseClosed();
    return snapshots.keepers(names, besides);
  }

  @Override
  public long bytesOnlyIn(String path, Collection<String> names) {
    refuseClosed();
    return snapshots.bytesOnlyIn(path, names);
  }

  @Override
  public void holdSnapshots(List<SnapshotName> names, String tag) {
    refuseReadOnly();
    snapshots.holds().hold(names, tag);
  }

  @Override
  public SortedMap<String, Long> snapshotHolds(SnapshotName name) {
    refuseClosed();
    return snapshots.holds().list(name);
  }

  @Override
  public void releaseSnapshots(List<SnapshotName> names, String tag) {
    refuseReadOnly();
    snapshots.release(names, tag);
    destroyTask.wake();
  }

  @Override
  public void renameSnapshots(Collection<SnapshotName> names, String to) {
    refuseReadOnly();
    snapshots.rename(names, to);
  }

  @Override
  public void cloneSnapshot(
      String path, String name, String target, SortedMap<String, String> localProperties) {
    refuseReadOnly();
    space.cloneDataset(clones, path, name, target, localProperties);
  }

  @Override
  public void refuseRollback(String path) {
    refuseReadOnly();
    clones.refuseRollback(path);
  }

  @Override
  public void rollback(String path, String name, DatasetPolicy policy) {
    refuseReadOnly();
    clones.rollback(path, name, policy);
    destroyTask.wake();
  }

  @Override
  public void promote(String path) {
    refuseReadOnly();
    clones.promote(path);
  }

  @Override
  public String originOf(String path) {
    refuseClosed();
    return snapshots.originOf(path);
  }

  @Override
  public List<String> clonesOf(String path, String name) {
    refuseClosed();
    return snapshots.clones(path, name);
  }

  @Override
  public List<BookmarkInfo> bookmarks(String path) {
    refuseClosed();
    return snapshots.bookmarks().list(path);
  }

  @Override
  public void createBookmark(String path, String source, boolean ofBookmark, String name) {
    refuseReadOnly();
    snapshots.bookmark(path, source, ofBookmark, name);
  }

  @Override
  public void destroyBookmark(String path, String name) {
    refuseReadOnly();
    snapshots.bookmarks().destroy(path, name);
  }

  @Override
  public ObjectSet snapshotObjects(String path, String name) {
    refuseClosed();
    return snapshots.open(path, name);
  }

  @Override
  public HeldSnapshot holdSnapshot(String path, String name) {
    refuseClosed();
    return snapshots.hold(path, name);
  }

  @Override
  public Receiving beginReceive(ReceiveRecord start, DatasetPolicy policy, boolean force) {
    refuseReadOnly();
    return receives.begin(start, policy, force);
  }

  @Override
  public Receiving resumeReceive(String path, long toGuid, DatasetPolicy policy, boolean force) {
    refuseReadOnly();
    return receives.resume(path, toGuid, policy, force);
  }

  @Override
  public List<ReceiveRecord> receives() {
    refuseClosed();
    return receives.list();
  }

  @Override
  public void dropReceive(String path) {
    refuseReadOnly();
    receives.drop(path);
  }

  @Override
  public ObjectSet objectSet(String path, DatasetPolicy policy) {
    refuseClosed();
    return space.open(path, policy);
  }

  @Override
  public void setPolicy(String path, DatasetPolicy policy) {
    refuseClosed();
    datasets.setPolicy(path, policy);
  }

  @Override
  public SortedMap<String, String> poolProperties() {
    refuseClosed();
    propertiesLock.lock();
    try {
      SortedMap<String, String> values = new TreeMap<>();
      Zap.open(properties, parts.env)
          .iterate(
              0,
              (cookie, name, value) -> {
                values.put(new String(name, UTF_8), PropertyText.decode(value));
                return true;
              });
      return values;
    } finally {
      propertiesLock.unlock();
    }
  }

  @Override
  public void setPoolProperty(String name, String value) {
    refuseReadOnly();
    propertiesLock.lock();
    try (Tx tx = meta.begin(TX_BYTES)) {
      Zap zap = Zap.open(properties, parts.env);
      if (value.isEmpty() && name.indexOf(':') < 0) {
        zap.remove(tx, name.getBytes(UTF_8));
      } else {
        zap.put(tx, name.getBytes(UTF_8), PropertyText.encode(value));
      }
    } finally {
      propertiesLock.unlock();
    }
    if (name.equals("autotrim")) {
      parts.sync.setAutotrim(value.equals("on"));
    }
  }

  @Override
  public VerifyReport verify(Consumer<Progress> progress) {
    refuseClosed();
    sync();
    VerifyReport[] report = new VerifyReport[1];
    parts.sync.whileStill(
        () ->
            report[0] =
                checkpoint.withCheckpoint(
                    new PoolVerify(
                            context(),
                            parts.sync.committed().root(),
                            parts.allocator,
                            parts.devices.tiles(),
                            progress)
                        .run(),
                    progress));
    return report[0].with(space.check());
  }

  @Override
  public List<HistoryEvent> history() {
    refuseClosed();
    return history.list();
  }

  @Override
  public void addHistory(String who, String command) {
    refuseReadOnly();
    history.add(who, command);
  }

  @Override
  public Optional<CheckpointInfo> checkpoint() {
    refuseClosed();
    return checkpoint.info();
  }

  @Override
  public CheckpointInfo takeCheckpoint() {
    refuseReadOnly();
    return checkpoint.take();
  }

  @Override
  public long discardCheckpoint() {
    refuseReadOnly();
    return checkpoint.discard();
  }

  @Override
  public void reguid() {
    refuseReadOnly();
    checkpoint.refuseWhileThere("a new guid");
    long guid = PoolCreator.newGuid(parts.env);
    parts.sync.changeConfig(config -> config.withGuid(guid));
    parts.txgs.sync();
  }

  @Override
  public List<String> upgrade() {
    refuseReadOnly();
    List<PoolConfig.Feature> missing =
        Features.KNOWN.stream().filter(f -> !config().features().contains(f)).toList();
    if (!missing.isEmpty()) {
      checkpoint.refuseWhileThere("an upgrade");
      parts.sync.changeConfig(config -> config.withFeatures(Features.KNOWN));
      parts.txgs.sync();
    }
    return missing.stream().map(PoolConfig.Feature::name).toList();
  }

  @Override
  public String debug(String what, List<String> arguments) {
    refuseClosed();
    return new PoolDebug(this).print(what, arguments);
  }
}
