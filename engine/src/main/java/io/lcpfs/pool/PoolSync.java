package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.cache.Arc;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.Uberblock;
import io.lcpfs.object.MetaSync;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.ObjectSetSync;
import io.lcpfs.pipeline.BlockIo;
import io.lcpfs.pipeline.BlockReader;
import io.lcpfs.pipeline.TileDevices;
import io.lcpfs.txg.SyncTarget;
import io.lcpfs.txg.Tx;
import io.lcpfs.vdev.DeviceQueue;
import io.lcpfs.vdev.LabelIo;
import io.lcpfs.vdev.LabelTarget;
import io.lcpfs.vdev.TileMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Writes a transaction group of the whole pool: datasets, the pool's own objects, space maps,
 * labels. All allocation and freeing happens in here, on the sync task.
 */
final class PoolSync implements SyncTarget, BlockReader.ReuseGuard {
  private static final int FIRST_METASLABS = 4;
  private static final int MORE_METASLABS = 4;

  private final Env env;
  private final Arc cache;
  private final Allocator allocator;
  private final TileDevices devices;
  private final LabelIo labels;
  private final List<LabelTarget> targets;
  private final boolean readOnly;

  /** Held while a group is written, and by whoever needs the pool on disk to stand still. */
  private final ReentrantLock stillLock = new ReentrantLock();

  /** Keeps sectors from being given out again; see {@link #ifNotReused}. */
  private final ReentrantLock reuseLock = new ReentrantLock();

  /** Guards what is asked of the next groups. */
  private final ReentrantLock requestLock = new ReentrantLock();

  private final Map<Long, List<Gone>> rootFrees = new TreeMap<>();
  private final List<UnaryOperator<PoolConfig>> configChanges = new ArrayList<>();

  private final Map<Long, List<Runnable>> works = new TreeMap<>();

  /** What a destroyed dataset leaves to be freed. */
  private record Gone(BlockPointer root, @Nullable IntentLogRecord log) {}

  private ObjectSet meta;
  private @Nullable DatasetTree datasets;
  private @Nullable SpaceLedger ledger;
  private @Nullable SpaceMaps spaceMaps;
  private @Nullable BlockIo io;
  private @Nullable SpaceReserve reserve;
  private @Nullable ReferenceTable references;
  private volatile PoolConfig config;
  private volatile Uberblock committed;
  private LayoutRecord layout;
  private final PoolCheckpoint checkpoint;
  private boolean layoutChanged;
  private volatile long lastSynced;
  private volatile boolean autotrim;

  /** What the first group has to do before anything is allocated, or null. */
  private @Nullable LongConsumer beforeFirst;

  /**
   * @param committed the uberblock on disk; of a pool that is being made, one of txg 0
   */
  @SuppressWarnings("NullAway.Init") // the meta object set needs the pipeline, which needs this
  PoolSync(
      Env env,
      Arc cache,
      Allocator allocator,
      TileDevices devices,
      LabelIo labels,
      List<LabelTarget> targets,
      PoolConfig config,
      LayoutRecord layout,
      Uberblock committed,
      long lastTxg,
      boolean readOnly) {
    this.env = env;
    this.cache = cache;
    this.allocator = allocator;
    this.devices = devices;
    this.labels = labels;
    this.targets = targets;
    this.config = config;
    this.layout = layout;
    this.committed = committed;
    this.lastSynced = lastTxg;
    this.readOnly = readOnly;
    this.checkpoint = new PoolCheckpoint(env, allocator, committed.checkpoint());
  }

  /** Connects what was opened with the help of this object. */
  void connect(ObjectSet metaObjects, BlockIo blockIo, SpaceMaps maps, SpaceReserve spaceReserve) {
    meta = metaObjects;
    io = blockIo;
    spaceMaps = maps;
    reserve = spaceReserve;
  }

  void connect(DatasetTree tree, SpaceLedger spaceLedger) {
    datasets = tree;
    ledger = spaceLedger;
  }

  void connect(ReferenceTable table) {
    references = table;
  }

  /** Has the first group begin with {@code work}; before the sync task is started. */
  void beginWith(LongConsumer work) {
    beforeFirst = work;
  }

  PoolCheckpoint checkpoint() {
    return checkpoint;
  }

  PoolConfig config() {
    return config;
  }

  LayoutRecord layout() {
    return layout;
  }

  Uberblock committed() {
    return committed;
  }

  /** Changes the configuration with the next group, which is thereby dirty. */
  void changeConfig(UnaryOperator<PoolConfig> change) {
    requestLock.lock();
    try {
      configChanges.add(change);
    } finally {
      requestLock.unlock();
    }
  }

  /** Frees the root block of a destroyed dataset, and its intent log, in {@code txg}. */
  void freeRootIn(long txg, BlockPointer root, @Nullable IntentLogRecord log) {
    requestLock.lock();
    try {
      rootFrees.computeIfAbsent(txg, t -> new ArrayList<>()).add(new Gone(root, log));
    } finally {
      requestLock.unlock();
    }
  }

  /**
   * Runs {@code work} when {@code txg} is written, on the sync task: after the datasets' own part,
   * before that of the pool's own objects. For a transaction that is part of that group.
   */
  void inGroup(long txg, Runnable work) {
    requestLock.lock();
    try {
      works.computeIfAbsent(txg, t -> new ArrayList<>()).add(work);
    } finally {
      requestLock.unlock();
    }
  }

  /** Runs {@code work} while no group is written. It must not wait for one. */
  void whileStill(Runnable work) {
    stillLock.lock();
    try {
      work.run();
    } finally {
      stillLock.unlock();
    }
  }

  @Override
  public boolean isDirty(long txg) {
    requestLock.lock();
    try {
      if (!configChanges.isEmpty() || rootFrees.containsKey(txg) || works.containsKey(txg)) {
        return true;
      }
    } finally {
      requestLock.unlock();
    }
    DatasetTree tree = datasets;
    return checkpoint.isDirty()
        || meta.isDirty(txg)
        || (tree != null
            && tree.opened().stream()
                .anyMatch(d -> d.objectSet().isDirty(txg) || d.logWantsSync()));
  }

  @Override
  public void sync(long txg) {
    stillLock.lock();
    try {
      writeGroup(txg);
    } finally {
      stillLock.unlock();
    }
  }

  private void writeGroup(long txg) {
    BlockIo blocks = connected(io);
    SpaceReserve space = connected(reserve);
    SpaceMaps maps = connected(spaceMaps);
    checkpoint.groupBegins(txg, committed);
    LongConsumer first = beforeFirst;
    if (first != null) {
      beforeFirst = null;
      first.accept(txg);
    }
    bindMetaslabs(txg, maps, space);
    List<ObjectSetSync> syncs = new ArrayList<>();
    DatasetTree tree = datasets;
    if (tree != null) {
      tree.opened().forEach(dataset -> dataset.objectSet().addReferences(txg));
      for (OpenDataset dataset : tree.opened()) {
        if (dataset.objectSet().isDirty(txg)) {
          syncs.add(dataset.sync(txg));
        } else if (dataset.logWantsSync()) {
          dataset.syncLog(txg);
        }
      }
    }
    takeWorks(txg).forEach(Runnable::run);
    for (Gone gone : takeRootFrees(txg)) {
      blocks.free(gone.root, txg);
      if (gone.log != null) {
        gone.log.segments().forEach(dva -> allocator.free(dva, gone.log.segmentBytes(), txg));
      }
    }
    ReferenceTable table = references;
    if (table != null) {
      table.finishGroup(txg);
    }
    ObjectSetSync metaObjects = meta.sync(txg);
    metaObjects.writeObjects();
    MetaSync metaSync = new MetaSync(metaObjects);
    metaSync.placeChangedObjects();
    maps.write(metaSync, txg);
    BlockPointer root = metaSync.write();
    commit(txg, root);
    release(txg);
    syncs.forEach(ObjectSetSync::finish);
    metaObjects.finish();
    metaSync.finish();
    space.groupSynced(txg);
    if (tree != null) {
      Collection<OpenDataset> opened = tree.opened();
      opened.forEach(dataset -> dataset.groupSynced(txg));
      connected(ledger).groupSynced(txg, opened);
    }
    cache.tick();
  }

  private static <T> T connected(@Nullable T part) {
    if (part == null) {
      throw new AssertionError("sync before the pool is connected");
    }
    return part;
  }

  private List<Gone> takeRootFrees(long txg) {
    requestLock.lock();
    try {
      List<Gone> roots = rootFrees.remove(txg);
      return roots == null ? List.of() : roots;
    } finally {
      requestLock.unlock();
    }
  }

  private List<Runnable> takeWorks(long txg) {
    requestLock.lock();
    try {
      List<Runnable> todo = works.remove(txg);
      return todo == null ? List.of() : todo;
    } finally {
      requestLock.unlock();
    }
  }

  private void commit(long txg, BlockPointer root) {
    PoolConfig next = config;
    requestLock.lock();
    try {
      for (UnaryOperator<PoolConfig> change : configChanges) {
        next = change.apply(next);
      }
      configChanges.clear();
    } finally {
      requestLock.unlock();
    }
    boolean configChanged = !next.equals(config);
    if (next.poolGuid() != layout.poolGuid()) {
      layout =
          new LayoutRecord(
              layout.generation() + 1, next.poolGuid(), layout.nextMetaslab(), layout.entries());
      layoutChanged = true;
      devices.setTiles(TileMap.of(next, layout));
    }
    Uberblock uberblock =
        new Uberblock(
            txg,
            env.wallNanos(),
            next.poolGuid(),
            next.forkId(),
            root,
            layout.generation(),
            layout.checksum(),
            next.generation(),
            next.checksum(),
            checkpoint.recordFor(txg));
    labels.commit(targets, uberblock, configChanged ? next : null, layoutChanged ? layout : null);
    config = next;
    layoutChanged = false;
    committed = uberblock;
  }

  /** The group is durable: what was freed two groups ago may be used again. */
  private void release(long txg) {
    FreedRanges freed = autotrim ? new FreedRanges() : null;
    reuseLock.lock();
    try {
      lastSynced = txg;
      allocator.syncDone(txg, freed);
      checkpoint.groupSynced(txg, freed);
    } finally {
      reuseLock.unlock();
    }
    if (freed != null) {
      // Nothing is allocated but on this task, so what was just freed is still unused.
      freed.discard(devices);
    }
  }

  /** Whether devices are told what was freed, from the next group on. */
  void setAutotrim(boolean on) {
    autotrim = on;
  }

  /** Takes tiles into use before the group could run out of what is bound. */
  private void bindMetaslabs(long txg, SpaceMaps maps, SpaceReserve space) {
    long largestTile = 0;
    for (PoolConfig.Group group : normalGroups()) {
      largestTile = Math.max(largestTile, group.tileBytes());
    }
    long wanted =
        Math.max(
            FIRST_METASLABS * largestTile,
            3 * space.inFlight() + space.spaceMapBytes() + allocator.capacityBytes() / 8);
    long missing = wanted - allocator.freeBytes(PlacementClass.NORMAL);
    double parts = Math.max(1, unboundBytes());
    for (PoolConfig.Group group : normalGroups()) {
      // Each gives as large a part as it has of what is left, so that all fill up together.
      bindMetaslabs(group, (long) (missing * (unboundBytes(group) / parts)), txg, maps);
    }
    for (PoolConfig.Group group : config.groups()) {
      if (group.placement() == PlacementClass.LOG) {
        long free = allocator.freeBytes(PlacementClass.LOG);
        bindMetaslabs(group, LogStore.LARGEST_LOG_BYTES - free, txg, maps);
      }
    }
  }

  private List<PoolConfig.Group> normalGroups() {
    return config.groups().stream()
        .filter(group -> group.placement() == PlacementClass.NORMAL)
        .toList();
  }

  private void bindMetaslabs(PoolConfig.Group group, long missing, long txg, SpaceMaps maps) {
    TileMap tiles = devices.tiles();
    long unbound = tiles.unboundMetaslabs(group.id());
    if (unbound == 0 || missing <= 0) {
      return;
    }
    int count = (int) Math.min(unbound, missing / group.tileBytes() + MORE_METASLABS);
    env.probe(CodeProbe.METASLAB_BOUND);
    int before = layout.entries().size();
    layout = tiles.bind(group.id(), group.placement(), count, txg);
    layoutChanged = true;
    TileMap more = TileMap.of(config, layout);
    devices.setTiles(more);
    for (LayoutRecord.Entry entry : layout.entries().subList(before, layout.entries().size())) {
      maps.add(Tx.inSync(txg), more, entry);
    }
  }

  /** Bytes that tiles in no metaslab can still give, without those of other classes. */
  long unboundBytes() {
    long bytes = 0;
    for (PoolConfig.Group group : normalGroups()) {
      bytes += unboundBytes(group);
    }
    return bytes;
  }

  private long unboundBytes(PoolConfig.Group group) {
    return devices.tiles().unboundMetaslabs(group.id()) * group.tileBytes();
  }

  /**
   * {@inheritDoc}
   *
   * <p>A block that was live after group S is freed in S+1 at the earliest, and its sectors are
   * given out after S+3 is durable.
   */
  @Override
  public void ifNotReused(long seenTxg, Runnable repair) {
    if (readOnly) {
      return;
    }
    reuseLock.lock();
    try {
      if (lastSynced > seenTxg + 1) {
        return;
      }
      repair.run();
      for (DeviceQueue queue : devices.queues()) {
        queue.drain();
      }
    } catch (PoolException e) {
      // The reader has its data; the fault shows in the device's status and fails the next group.
      lastRepairFailure = e;
    } finally {
      reuseLock.unlock();
    }
  }

  private volatile @Nullable PoolException lastRepairFailure;

  /** Why the last attempt to repair a copy failed, or null. */
  @Nullable PoolException lastRepairFailure() {
    return lastRepairFailure;
  }

  /** The devices whose labels are written, by index. */
  List<LabelTarget> targets() {
    return targets.stream().sorted(Comparator.comparingLong(LabelTarget::guid)).toList();
  }
}
