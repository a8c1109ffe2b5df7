package io.lcpfs.vdev;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.env.Task;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.CheckpointRecord;
import io.lcpfs.format.Dva;
import io.lcpfs.format.Features;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.PoolState;
import io.lcpfs.format.Profile;
import io.lcpfs.format.Uberblock;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.memory.SystemMemorySource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/** Devices and records for tests of labels; every job runs at once on the caller's thread. */
final class LabelWorld implements Env, AutoCloseable {
  static final long POOL = 0x7001;

  final Map<CodeProbe, Integer> probes = new EnumMap<>(CodeProbe.class);
  final SlabAllocator slabs = new SlabAllocator(new SystemMemorySource(), 32 << 20, 0, true);
  final LabelIo labels = new LabelIo(this, slabs);
  final List<LoggingDevice> devices = new ArrayList<>();
  final List<LabelTarget> targets = new ArrayList<>();
  boolean noFlush;

  LabelWorld(int count, long capacity, int blockBytes) {
    for (int i = 0; i < count; i++) {
      LoggingDevice device = new LoggingDevice(capacity, blockBytes);
      devices.add(device);
      targets.add(target(device, i));
    }
  }

  LabelTarget target(LoggingDevice device, int index) {
    return new LabelTarget(
        100 + index,
        new DeviceQueue(this, slabs, device),
        new Geometry(device.capacity(), device.blockSize()));
  }

  PoolConfig config() {
    List<PoolConfig.Device> list = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      list.add(
          new PoolConfig.Device(
              100 + i, 0, i, devices.get(i).capacity(), devices.get(i).blockSize(), "/dev/" + i));
    }
    return new PoolConfig(
        POOL,
        "tank",
        PoolState.ACTIVE,
        1,
        11,
        0,
        5,
        6,
        1_700_000_000L,
        Features.KNOWN,
        List.of(new PoolConfig.Group(0, PlacementClass.NORMAL, 4096, 1 << 20, Profile.SINGLE)),
        list);
  }

  static LayoutRecord layout() {
    return new LayoutRecord(1, POOL, 1, List.of());
  }

  /** A root that tells txgs apart. */
  static BlockPointer root(long txg) {
    return BlockPointer.stored(
        new long[] {Dva.of(1, txg * 4096), 0, 0},
        4096,
        4096,
        CompressionType.OFF,
        ChecksumType.BLAKE3,
        ObjectType.OBJECT_SET,
        0,
        txg,
        1,
        new long[] {txg, 2, 3, 4});
  }

  static Uberblock uberblock(long txg, PoolConfig config, LayoutRecord layout) {
    return new Uberblock(
        txg,
        txg * 1000,
        POOL,
        config.forkId(),
        root(txg),
        layout.generation(),
        layout.checksum(),
        config.generation(),
        config.checksum(),
        CheckpointRecord.NONE);
  }

  List<LabelScan> scans() {
    return devices.stream().map(labels::scan).toList();
  }

  LabelChoice choose() {
    return labels.chooseBest(scans(), POOL, Long.MAX_VALUE);
  }

  @Override
  public void probe(CodeProbe probe) {
    probes.merge(probe, 1, Integer::sum);
  }

  @Override
  public boolean planted(PlantedBug bug) {
    return noFlush && bug == PlantedBug.NO_FLUSH_BEFORE_UBERBLOCK;
  }

  @Override
  public long nanoTime() {
    return 0;
  }

  @Override
  public long wallNanos() {
    return 42;
  }

  @Override
  public void sleep(long nanos) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long randomLong() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Task<Void> fork(String name, Runnable body) {
    throw new UnsupportedOperationException();
  }

  /** A job that has ended. */
  private record Done<T>(Supplier<T> outcome) implements Task<T> {
    @Override
    public T join() {
      return outcome.get();
    }

    @Override
    public boolean isDone() {
      return true;
    }
  }

  @Override
  public <T> Task<T> onDevice(Callable<T> job) {
    try {
      T result = job.call();
      return new Done<>(() -> result);
    } catch (RuntimeException e) {
      return new Done<>(
          () -> {
            throw e;
          });
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public <T> Task<T> onCpu(Callable<T> job) {
    return onDevice(job);
  }

  @Override
  public int cpus() {
    return 1;
  }

  @Override
  public void close() {
    slabs.close();
  }
}
