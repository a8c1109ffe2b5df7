package io.lcpfs.pool;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.memory.SystemMemorySource;
import io.lcpfs.vdev.DeviceQueue;
import io.lcpfs.vdev.LabelIo;
import io.lcpfs.vdev.LabelScan;
import java.util.List;
import java.util.Optional;

/** Makes and imports pools, and reads labels without importing. */
public final class PoolEngines {
  private static final long LABEL_MEMORY_BYTES = 64L << 20;

  private PoolEngines() {}

  /**
   * Writes a new pool on {@code devices}, whatever they held, and imports it. The pool owns the
   * devices from then on and closes them; on failure they are left open.
   */
  public static PoolEngine create(List<BlockDevice> devices, CreateOptions options, Env env) {
    return PoolCreator.create(devices, options, env);
  }

  /**
   * Imports the pool whose devices are given: labels, uberblock, layout, claim. The pool owns the
   * devices from then on and closes them; on failure they are left open.
   *
   * @throws io.lcpfs.error.PoolException EBUSY when another host holds it and there is no force;
   *     ENODEV when a device is missing; EIO when nothing intact is left; EOPNOTSUPP for features
   *     that this version lacks
   */
  public static PoolEngine open(List<BlockDevice> devices, OpenOptions options, Env env) {
    return PoolImporter.open(devices, options, env);
  }

  private static SlabAllocator labelMemory() {
    return new SlabAllocator(new SystemMemorySource(), LABEL_MEMORY_BYTES, 0, false);
  }

  /** What the labels of one device say; empty when there is none of ours. Writes nothing. */
  public static Optional<LabelInfo> readLabel(BlockDevice device) {
    try (SlabAllocator slabs = labelMemory()) {
      return info(LabelIo.scanHere(device, slabs));
    }
  }

  private static Optional<LabelInfo> info(LabelScan scan) {
    return scan.newest()
        .map(
            label -> {
              PoolConfig config = label.config();
              long txg = scan.head(config.poolGuid()).map(u -> u.txg()).orElse(0L);
              int intact = (int) scan.labels().stream().filter(l -> l.record() != null).count();
              return new LabelInfo(
                  config.name(),
                  config.poolGuid(),
                  label.deviceGuid(),
                  config.state(),
                  txg,
                  PoolConfig.VERSION,
                  config.groups().isEmpty() ? 0 : config.groups().getFirst().sectorBytes(),
                  config.hostId(),
                  "",
                  config.devices().stream().map(PoolConfig.Device::guid).toList(),
                  config.devices().stream().map(PoolConfig.Device::pathHint).toList(),
                  intact);
            });
  }

  /** Overwrites all labels of a device that belongs to no imported pool. */
  public static void clearLabels(BlockDevice device, Env env) {
    try (SlabAllocator slabs = labelMemory()) {
      LabelIo labels = new LabelIo(env, slabs);
      Geometry geometry = labels.scan(device).geometry();
      if (geometry == null) {
        throw PoolException.refused(Errno.EINVAL, device.name() + " is too small for labels");
      }
      DeviceQueue queue = new DeviceQueue(env, slabs, device);
      labels.clear(queue, geometry);
      queue.flush();
    }
  }

  /** {@link PoolEngine#debug} for what can be printed from one device without importing: label. */
  public static String debugDevice(BlockDevice device, String what, List<String> arguments) {
    try (SlabAllocator slabs = labelMemory()) {
      return PoolDebug.device(LabelIo.scanHere(device, slabs), what, arguments);
    }
  }
}
