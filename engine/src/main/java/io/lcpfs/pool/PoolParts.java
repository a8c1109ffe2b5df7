package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.cache.Arc;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.Uberblock;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.object.BackgroundWork;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.pipeline.BlockIo;
import io.lcpfs.pipeline.TileDevices;
import io.lcpfs.txg.TxgManager;
import io.lcpfs.vdev.DeviceQueue;
import io.lcpfs.vdev.LabelIo;
import io.lcpfs.vdev.LabelTarget;
import io.lcpfs.vdev.TileMap;
import java.util.ArrayList;
import java.util.List;

/**
 * The lower floors of a pool, put together: memory and cache, devices, allocator, pipeline,
 * transaction groups, sync. The one place that knows how they fit.
 */
final class PoolParts {
  private static final int ALLOCATION_LANES = 1;
  private static final long MIN_SYNC_RESERVE_BYTES = 1 << 20;
  private static final long MAX_SYNC_RESERVE_BYTES = 64 << 20;

  final Env env;
  final SlabAllocator slabs;
  final Arc cache;
  final LabelIo labels;
  final TileDevices devices;
  final Allocator allocator;
  final PoolSync sync;
  final BlockIo io;
  final TxgManager txgs;
  final SpaceReserve reserve;
  final ObjectContext context;
  final List<LabelTarget> targets;
  final int blocksFreedAtOnce;

  /**
   * @param ordered the devices by their index in {@code config}
   * @param lastTxg no new group has this number or a lower one
   */
  PoolParts(
      Env env,
      SlabAllocator slabs,
      Tuning tuning,
      List<BlockDevice> ordered,
      PoolConfig config,
      LayoutRecord layout,
      Uberblock committed,
      long lastTxg,
      boolean readOnly) {
    this.env = env;
    this.blocksFreedAtOnce = tuning.blocksFreedAtOnce();
    this.slabs = slabs;
    this.cache = new Arc(slabs, tuning.cacheBytes() - syncReserve(tuning), env);
    this.labels = new LabelIo(env, slabs);
    List<DeviceQueue> queues = new ArrayList<>();
    this.targets = new ArrayList<>();
    for (PoolConfig.Device device : config.devices()) {
      DeviceQueue queue = new DeviceQueue(env, slabs, ordered.get(device.index()), ordered.size());
      queues.add(queue);
      targets.add(new LabelTarget(device.guid(), queue, device.geometry()));
    }
    this.devices = new TileDevices(queues, TileMap.of(config, layout));
    this.allocator = new Allocator(config.group(0).sectorBytes(), ALLOCATION_LANES);
    this.sync =
        new PoolSync(
            env, cache, allocator, devices, labels, targets, config, layout, committed, lastTxg,
            readOnly);
    this.io = new BlockIo(env, slabs, cache, allocator, devices, sync);
    this.txgs =
        new TxgManager(
            env, sync, config.name(), lastTxg, tuning.dirtyBytes(), tuning.txgTimeoutNanos());
    this.reserve = new SpaceReserve(env, allocator, sync::unboundBytes, smallestTile(config), txgs);
    this.context = new ObjectContext(env, slabs, cache, io, txgs, reserve, new BackgroundWork());
  }

  private static long smallestTile(PoolConfig config) {
    return config.groups().stream()
        .filter(group -> group.placement() == PlacementClass.NORMAL)
        .mapToLong(PoolConfig.Group::tileBytes)
        .min()
        .orElseThrow(() -> PoolException.corrupt("config.groups", "none takes everything"));
  }

  /** How much of the budget only the sync task may use. */
  static long syncReserve(Tuning tuning) {
    return Math.clamp(tuning.cacheBytes() / 8, MIN_SYNC_RESERVE_BYTES, MAX_SYNC_RESERVE_BYTES);
  }

  /** The memory of a pool with this tuning. */
  static SlabAllocator memory(Tuning tuning) {
    return new SlabAllocator(
        tuning.memory(), tuning.cacheBytes(), syncReserve(tuning), tuning.poison(), tuning.gate());
  }
}
