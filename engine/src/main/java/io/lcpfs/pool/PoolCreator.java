package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.CheckpointRecord;
import io.lcpfs.format.Features;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.PoolState;
import io.lcpfs.format.Uberblock;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.ObjectSetOptions;
import io.lcpfs.txg.Tx;
import io.lcpfs.vdev.TileMap;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes a pool: labels without an uberblock, then everything else in the first transaction group.
 */
final class PoolCreator {
  private static final int DEFAULT_SECTOR_BYTES = 4096;
  private static final int FIRST_METASLABS = 4;
  private static final int MIN_TILE_SECTORS = 64;
  private static final int MIN_TILES = 16;
  private static final long FIRST_TX_BYTES = 1 << 20;

  private PoolCreator() {}

  static PoolEngine create(List<BlockDevice> devices, CreateOptions options, Env env) {
    PoolConfig config = configFor(devices, options, env);
    LayoutRecord layout = new LayoutRecord(0, config.poolGuid(), 1, List.of());
    for (PoolConfig.Group group : config.groups()) {
      layout = TileMap.of(config, layout).bind(group.id(), group.placement(), FIRST_METASLABS, 1);
    }
    SlabAllocator slabs = PoolParts.memory(options.tuning());
    boolean done = false;
    try {
      Uberblock none =
          new Uberblock(
              0,
              0,
              config.poolGuid(),
              config.forkId(),
              BlockPointer.HOLE,
              layout.generation(),
              layout.checksum(),
              config.generation(),
              config.checksum(),
              CheckpointRecord.NONE);
      PoolParts parts =
          new PoolParts(env, slabs, options.tuning(), devices, config, layout, none, 0, false);
      parts.labels.initialize(parts.targets, config, layout);
      PoolEngine pool = fill(parts, options, devices);
      done = true;
      return pool;
    } finally {
      if (!done) {
        slabs.close();
      }
    }
  }

  private static PoolConfig configFor(List<BlockDevice> devices, CreateOptions options, Env env) {
    if (devices.isEmpty()) {
      throw PoolException.refused(Errno.EINVAL, "a pool needs a device");
    }
    if (options.name().isEmpty()
        || options.name().getBytes(UTF_8).length > PoolConfig.MAX_NAME_BYTES) {
      throw PoolException.refused(Errno.EINVAL, "a pool's name has 1 to 255 bytes");
    }
    int sector = options.sectorBytes() == 0 ? DEFAULT_SECTOR_BYTES : options.sectorBytes();
    for (BlockDevice device : devices) {
      Geometry.checkDevice(
          device.name(), device.capacity(), device.blockSize(), options.smallDevices());
      sector = Math.max(sector, device.blockSize());
    }
    if (!Geometry.isBlockSize(sector)) {
      throw PoolException.refused(
          Errno.EINVAL, "sector size " + sector + ": a power of two from 512 to 65536 is needed");
    }
    List<PoolConfig.Device> members = new ArrayList<>();
    List<PoolConfig.Group> groups = new ArrayList<>();
    for (GroupSpec spec : specs(options, devices.size())) {
      long smallest = Long.MAX_VALUE;
      for (int i = 0; i < spec.devices(); i++) {
        BlockDevice device = devices.get(members.size());
        smallest = Math.min(smallest, device.capacity());
        members.add(
            new PoolConfig.Device(
                newGuid(env),
                groups.size(),
                members.size(),
                device.capacity(),
                device.blockSize(),
                clipped(device.name())));
      }
      groups.add(
          new PoolConfig.Group(
              groups.size(),
              spec.placement(),
              sector,
              tileBytes(smallest, sector),
              spec.profile()));
    }
    return new PoolConfig(
        newGuid(env),
        options.name(),
        PoolState.ACTIVE,
        1,
        newGuid(env),
        0,
        options.host().id(),
        newGuid(env),
        env.wallNanos() / 1_000_000_000L,
        Features.KNOWN,
        groups,
        members);
  }

  /** The groups, which take all devices; refused where this version does not know such. */
  private static List<GroupSpec> specs(CreateOptions options, int devices) {
    if (options.groups().isEmpty()) {
      return List.of(GroupSpec.single(PlacementClass.NORMAL, devices));
    }
    int taken = 0;
    boolean hasLog = false;
    for (GroupSpec spec : options.groups()) {
      boolean isFirst = taken == 0;
      boolean isLog = spec.placement() == PlacementClass.LOG;
      taken += spec.devices();
      if (!isKnown(spec) || hasLog || (isLog && isFirst)) {
        throw PoolException.refused(
            Errno.EINVAL,
            "groups "
                + options.groups()
                + ": some for everything are needed, then one for intent logs, if any");
      }
      hasLog = isLog;
    }
    if (taken != devices) {
      throw PoolException.refused(
          Errno.EINVAL, "groups " + options.groups() + " of " + devices + " devices");
    }
    return options.groups();
  }

  private static boolean isKnown(GroupSpec spec) {
    boolean placed =
        spec.placement() == PlacementClass.NORMAL || spec.placement() == PlacementClass.LOG;
    return placed
        && switch (spec.profile().kind()) {
          case SINGLE -> spec.devices() > 0;
          case MIRROR -> spec.devices() == spec.profile().width();
          case RAIDZ -> false;
        };
  }

  /** Large sectors want larger tiles: each space map takes sectors of its own. */
  private static long tileBytes(long smallestDevice, int sector) {
    long usual = Geometry.tileBytes(smallestDevice);
    long wanted = (long) MIN_TILE_SECTORS * sector;
    while (wanted > usual && smallestDevice / wanted < MIN_TILES) {
      wanted /= 2;
    }
    return Math.max(usual, wanted);
  }

  static long newGuid(Env env) {
    long guid = env.randomLong();
    return guid == 0 ? 1 : guid;
  }

  static String clipped(String path) {
    return path.getBytes(UTF_8).length <= PoolConfig.MAX_PATH_BYTES ? path : "";
  }

  private static PoolEngine fill(
      PoolParts parts, CreateOptions options, List<BlockDevice> devices) {
    ObjectSet meta = ObjectSet.create(parts.context, 0, ObjectSetOptions.META);
    MetaDirectory directory = new MetaDirectory(meta, parts.env);
    OpenPool pool;
    try (Tx tx = parts.txgs.begin(FIRST_TX_BYTES)) {
      directory.create(tx);
      Dnode maps = directory.createZap(tx, MetaDirectory.SPACE_MAPS);
      SpaceMaps spaceMaps = new SpaceMaps(parts.env, meta, parts.allocator, maps);
      parts.sync.connect(meta, parts.io, spaceMaps, parts.reserve);
      TileMap tiles = parts.devices.tiles();
      for (LayoutRecord.Entry entry : tiles.metaslabs()) {
        spaceMaps.add(tx, tiles, entry);
      }
      Dnode properties = directory.createZap(tx, MetaDirectory.POOL_PROPERTIES);
      Zap values = Zap.open(properties, parts.env);
      options
          .poolProperties()
          .forEach(
              (name, value) -> values.put(tx, name.getBytes(UTF_8), PropertyText.encode(value)));
      Dnode destroyed = directory.createZap(tx, MetaDirectory.DESTROYED);
      Dnode history = meta.create(tx, ObjectType.HISTORY, 4096);
      history.setBonus(tx, History.emptyBonus());
      directory.put(tx, MetaDirectory.HISTORY, history.number());
      long root = DatasetTree.createObject(parts.context, meta, tx, options.rootProperties());
      directory.put(tx, MetaDirectory.ROOT_DATASET, root);
      pool =
          new OpenPool(
              parts,
              meta,
              spaceMaps,
              root,
              destroyed,
              properties,
              history,
              devices,
              false,
              List.of());
    }
    parts.txgs.start();
    parts.txgs.waitSynced(1);
    pool.startTasks();
    return pool;
  }
}
