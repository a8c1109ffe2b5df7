package io.lcpfs.sim.engine;

import io.lcpfs.api.Pool;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.GroupSpec;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.sim.PoolShape;
import io.lcpfs.sim.SimTarget;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** The engine: pools on simulated devices, driven through the POSIX core. */
public final class EngineTarget implements SimTarget {
  /** So few that freeing a dataset takes several groups. */
  private static final int BLOCKS_FREED_AT_ONCE = 40;

  static final String POOL = "sim";
  static final int HANDLES = 3;

  private static final int CALLERS = 4;

  /** One seed of so many has a log device. */
  private static final int VARIANTS = 6;

  private static final long MIB = 1 << 20;
  private static final long MILLI = 1_000_000;

  /** A write is cut into transactions at multiples of this offset of the file. */
  private static final int WRITE_UNIT_BYTES = 1 << 20;

  private static final Integer[] CACHE_MIB = {4, 6, 8, 16};
  private static final Integer[] TXG_TIMEOUT_MILLIS = {5, 50, 500, 5_000};
  private static final String[] COMPRESSION = {"lz4", "lz4", "zstd-1", "off", "zstd-3", "lzma-0"};
  private static final String[] CHECKSUM = {"blake3", "blake3", "sha256", "fletcher4"};
  private static final String[] RECORD_SIZE = {
    "131072", "131072", "4096", "512", "16384", "1048576", "65536"
  };
  private static final String[] SYNC = {"standard", "standard", "standard", "always"};
  private static final String[] LOG_BIAS = {"latency", "latency", "throughput"};
  private static final String[] COPIES = {"1", "1", "1", "1", "2", "3"};

  @Override
  public String name() {
    return "engine";
  }

  @Override
  public List<PoolShape> shapes() {
    return List.of(
        new PoolShape("single", 1, 512, 16 * MIB, 0),
        new PoolShape("single", 1, 4096, 16 * MIB, 0),
        new PoolShape("single", 1, 4096, 24 * MIB, 0),
        new PoolShape("single", 1, 512, 20 * MIB, 0),
        new PoolShape("single", 1, 1024, 16 * MIB, 0),
        new PoolShape("single", 1, 65_536, 160 * MIB, 0));
  }

  /** Some pools have a second device: for intent logs only, or that holds the same. */
  @Override
  public PoolShape variant(PoolShape shape, SimRandom random) {
    return switch (random.nextInt(VARIANTS)) {
      case 0 -> twoDevices(shape, " with a log device", 0);
      case 1 -> twoDevices(shape, " mirrored", 1);
      default -> shape;
    };
  }

  private static PoolShape twoDevices(PoolShape shape, String what, int redundancy) {
    return new PoolShape(
        shape.name() + what, 2, shape.blockSize(), shape.deviceBytes(), redundancy);
  }

  private static List<GroupSpec> groups(PoolShape shape) {
    if (shape.devices() == 1) {
      return List.of();
    }
    return shape.redundancy() > 0
        ? List.of(GroupSpec.mirror(PlacementClass.NORMAL, 2))
        : List.of(
            GroupSpec.single(PlacementClass.NORMAL, 1), GroupSpec.single(PlacementClass.LOG, 1));
  }

  @Override
  public int writers() {
    return CALLERS;
  }

  @Override
  public int handles() {
    return HANDLES;
  }

  @Override
  public boolean fsyncCoversEarlierOperations() {
    return true;
  }

  @Override
  public long endBytes(PoolShape shape) {
    Geometry geometry = new Geometry(shape.deviceBytes(), shape.blockSize());
    return geometry.dataStart();
  }

  @Override
  public int writeUnitBytes() {
    return WRITE_UNIT_BYTES;
  }

  @Override
  public void format(Env env, List<? extends BlockDevice> devices, PoolShape shape) {
    SimEnv machine = (SimEnv) env;
    SimRandom random = machine.randomFor("format");
    TreeMap<String, String> properties = new TreeMap<>();
    properties.put("compression", random.pick(COMPRESSION));
    properties.put("checksum", random.pick(CHECKSUM));
    properties.put("recordsize", random.pick(RECORD_SIZE));
    properties.put("copies", random.pick(COPIES));
    properties.put("sync", random.pick(SYNC));
    properties.put("logbias", random.pick(LOG_BIAS));
    int sector = shape.blockSize();
    if (sector < 4096 && random.nextBoolean()) {
      sector = random.nextBoolean() ? 4096 : 512;
    }
    CreateOptions options =
        CreateOptions.named(POOL)
            .withSmallDevices(true)
            .withSectorBytes(Math.max(sector, shape.blockSize()))
            .withGroups(groups(shape))
            .withRootProperties(properties)
            .withTuning(tuning(machine, shape));
    Pool.create(new ArrayList<>(devices), options, env).close();
  }

  @Override
  public Session open(Env env, List<? extends BlockDevice> devices, PoolShape shape) {
    return open(env, devices, shape, false);
  }

  @Override
  public boolean checkpoints() {
    return true;
  }

  @Override
  public Session openCheckpoint(Env env, List<? extends BlockDevice> devices, PoolShape shape) {
    return open(env, devices, shape, true);
  }

  private static Session open(
      Env env, List<? extends BlockDevice> devices, PoolShape shape, boolean rewind) {
    SimEnv machine = (SimEnv) env;
    OpenOptions options =
        OpenOptions.standard().withTuning(tuning(machine, shape)).withRewind(rewind);
    return new EngineSession(machine, Pool.open(new ArrayList<>(devices), options, env));
  }

  /** Small budgets, so that eviction, throttling and early syncs happen within a short life. */
  private static Tuning tuning(SimEnv machine, PoolShape shape) {
    SimRandom random = machine.randomFor("tuning of " + machine.name());
    // A label of 64 blocks is read whole.
    long cache = Math.max(random.pick(CACHE_MIB) * MIB, 256L * shape.blockSize());
    return Tuning.standard()
        .withBlocksFreedAtOnce(BLOCKS_FREED_AT_ONCE)
        .withCacheBytes(cache)
        .withDirtyBytes(cache / (2 << random.nextInt(2)))
        .withTxgTimeoutNanos(random.pick(TXG_TIMEOUT_MILLIS) * MILLI)
        .withMemory(new MachineMemory(machine))
        .withPoison(true);
  }
}
