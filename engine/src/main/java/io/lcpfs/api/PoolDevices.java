package io.lcpfs.api;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.DirectIo;
import io.lcpfs.device.FileDevice;
import io.lcpfs.device.ForeignSignature;
import io.lcpfs.device.OpenMode;
import io.lcpfs.env.Env;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.PoolState;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.LabelInfo;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.PoolEngines;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** Pools by the paths of their devices: files and block special files. */
public final class PoolDevices {
  /** Devices are opened with blocks of this size unless the pool's sectors are smaller. */
  private static final int USUAL_BLOCK_BYTES = 4096;

  private static final int PROBE_BLOCK_BYTES = 512;

  private PoolDevices() {}

  /**
   * Refuses devices that a new pool must not take: missing, not a file or block device, carrying a
   * pool that was not destroyed, or something of another software.
   *
   * @param force take what carries data that is not in use now
   * @throws PoolException ENOENT, EINVAL, EBUSY, EEXIST
   */
  public static void checkFree(Collection<Path> paths, boolean force) {
    for (Path path : paths) {
      requireDevice(path);
      try (FileDevice device = probe(path)) {
        Optional<LabelInfo> label = PoolEngines.readLabel(device);
        if (force) {
          continue;
        }
        if (label.isPresent() && label.get().state() != PoolState.DESTROYED) {
          String state = label.get().state() == PoolState.EXPORTED ? "exported pool" : "pool";
          throw refused(
              Errno.EEXIST,
              path
                  + ": belongs to "
                  + state
                  + " "
                  + label.get().poolName()
                  + "; import that, or add -f to overwrite it");
        }
        Optional<String> foreign =
            label.isPresent() ? Optional.empty() : ForeignSignature.detect(device);
        if (foreign.isPresent()) {
          throw refused(
              Errno.EEXIST,
              path
                  + ": holds a "
                  + foreign.get()
                  + "; choose another device, or add -f to overwrite");
        }
      }
    }
  }

  private static void requireDevice(Path path) {
    if (!Files.exists(path)) {
      throw refused(
          Errno.ENOENT,
          path + ": no such device; name an existing one, or make a file of it with --size SIZE");
    }
    if (Files.isDirectory(path)) {
      throw refused(Errno.EISDIR, path + ": is a directory; name a file or a block device");
    }
    if (!Files.isReadable(path)) {
      throw refused(Errno.EACCES, path + ": may not be read; ask its owner for access");
    }
  }

  private static FileDevice probe(Path path) {
    return FileDevice.open(path, OpenMode.PROBE, PROBE_BLOCK_BYTES, DirectIo.OFF);
  }

  /**
   * Opens devices for {@link Pool#create}: claimed for writing, none else may have them.
   *
   * @param sectorBytes the pool's allocation unit; 0 for the usual
   * @throws PoolException EBUSY when one is in use; EROFS; EACCES; then none is left open
   */
  public static List<BlockDevice> openNew(List<Path> paths, int sectorBytes) {
    int blockBytes =
        sectorBytes == 0 ? USUAL_BLOCK_BYTES : Math.min(sectorBytes, USUAL_BLOCK_BYTES);
    List<BlockDevice> opened = new ArrayList<>();
    try {
      for (Path path : paths) {
        opened.add(FileDevice.open(path, OpenMode.READ_WRITE, blockBytes, DirectIo.AUTO));
      }
      return opened;
    } catch (RuntimeException | Error e) {
      closeAll(opened);
      throw e;
    }
  }

  /**
   * Opens devices of an existing pool for {@link Pool#open}.
   *
   * @param poolGuid the pool that they must belong to; 0 for any
   * @throws PoolException ENOENT when one is missing; ENODEV when one has no label of the pool;
   *     EBUSY when one is in use; then none is left open
   */
  public static List<BlockDevice> openExisting(List<Path> paths, long poolGuid, boolean readOnly) {
    List<BlockDevice> opened = new ArrayList<>();
    try {
      for (Path path : paths) {
        opened.add(
            FileDevice.open(
                path,
                readOnly ? OpenMode.READ_ONLY : OpenMode.READ_WRITE,
                Math.min(USUAL_BLOCK_BYTES, sectorBytes(path, poolGuid)),
                DirectIo.AUTO));
      }
      return opened;
    } catch (RuntimeException | Error e) {
      closeAll(opened);
      throw e;
    }
  }

  private static int sectorBytes(Path path, long poolGuid) {
    if (!Files.exists(path)) {
      throw refused(
          Errno.ENOENT,
          path
              + ": is missing; attach it, or find it elsewhere with"
              + " 'lcpfs pool import -d DIR'");
    }
    requireDevice(path);
    try (FileDevice device = probe(path)) {
      LabelInfo label =
          PoolEngines.readLabel(device)
              .orElseThrow(
                  () ->
                      refused(
                          Errno.ENODEV,
                          path
                              + ": carries no pool label; look with 'lcpfs debug label "
                              + path
                              + "'"));
      if (poolGuid != 0 && label.poolGuid() != poolGuid) {
        throw refused(
            Errno.ENODEV,
            path
                + ": belongs to pool "
                + label.poolName()
                + " now; find the right device with 'lcpfs pool import -d DIR'");
      }
      return label.sectorBytes();
    }
  }

  private static void closeAll(List<BlockDevice> devices) {
    devices.forEach(BlockDevice::close);
  }

  /**
   * Checks what {@link #create} would: options, that no device is named twice, {@link #checkFree}.
   * Changes nothing.
   */
  public static void check(CreateOptions options, List<Path> paths) {
    Pool.checked(options);
    requireDistinct(paths);
    checkFree(paths, options.force());
  }

  /** {@link Pool#create} on paths, after {@link #checkFree}. */
  public static Pool create(List<Path> paths, CreateOptions options, Env env) {
    check(options, paths);
    List<BlockDevice> devices = openNew(paths, options.sectorBytes());
    try {
      return Pool.create(devices, options, env);
    } catch (RuntimeException | Error e) {
      closeAll(devices);
      throw e;
    }
  }

  private static void requireDistinct(List<Path> paths) {
    Set<Path> seen = new HashSet<>();
    for (Path path : paths) {
      if (!seen.add(path.toAbsolutePath().normalize())) {
        throw refused(Errno.EINVAL, path + ": is named twice; name each device once");
      }
    }
  }

  /** {@link Pool#open} on paths. */
  public static Pool open(List<Path> paths, OpenOptions options, Env env) {
    return open(paths, options, env, device -> device);
  }

  /**
   * As {@link #open(List, OpenOptions, Env)}.
   *
   * @param around what the pool uses instead of each device, and closes
   */
  public static Pool open(
      List<Path> paths, OpenOptions options, Env env, UnaryOperator<BlockDevice> around) {
    List<BlockDevice> devices = openExisting(paths, options.poolGuid(), options.readOnly());
    devices.replaceAll(around);
    try {
      return Pool.open(devices, options, env);
    } catch (RuntimeException | Error e) {
      closeAll(devices);
      throw e;
    }
  }

  /**
   * Looks for pools among files and block devices; what cannot be read or has no label is passed
   * over. Writes nothing and needs no claim.
   *
   * @return sorted by name, then guid
   */
  public static List<PoolInfo> scan(Collection<Path> candidates) {
    Map<Long, Map<Long, Found>> pools = new TreeMap<>();
    for (Path path : candidates) {
      Optional<LabelInfo> label = labelOf(path);
      if (label.isPresent()) {
        Found found = new Found(path, label.get());
        pools
            .computeIfAbsent(found.label.poolGuid(), guid -> new TreeMap<>())
            .merge(
                found.label.deviceGuid(), found, (a, b) -> a.label.txg() >= b.label.txg() ? a : b);
      }
    }
    return pools.values().stream()
        .map(devices -> describe(devices.values()))
        .sorted(Comparator.comparing(PoolInfo::name).thenComparingLong(PoolInfo::guid))
        .toList();
  }

  private record Found(Path path, LabelInfo label) {}

  private static Optional<LabelInfo> labelOf(Path path) {
    try (FileDevice device = probe(path)) {
      return PoolEngines.readLabel(device);
    } catch (PoolException e) {
      // What cannot be opened or read is no device of a pool that could be imported now.
      return Optional.empty();
    }
  }

  private static PoolInfo describe(Collection<Found> devices) {
    LabelInfo newest =
        devices.stream()
            .map(Found::label)
            .max(Comparator.comparingLong(LabelInfo::txg))
            .orElseThrow();
    Map<Long, Path> present = new HashMap<>();
    devices.forEach(found -> present.put(found.label.deviceGuid(), found.path));
    List<Path> paths = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    for (int i = 0; i < newest.devices().size(); i++) {
      Path path = present.get(newest.devices().get(i));
      if (path != null) {
        paths.add(path);
      } else {
        missing.add(newest.deviceNames().get(i));
      }
    }
    int damaged = devices.stream().mapToInt(found -> 4 - found.label.intactLabels()).sum();
    return new PoolInfo(
        newest.poolName(),
        newest.poolGuid(),
        newest.state(),
        newest.txg(),
        newest.hostName(),
        paths,
        missing,
        damaged);
  }

  /**
   * Wipes the labels of a device.
   *
   * @param force also when it belongs to a pool that was neither exported nor destroyed
   * @throws PoolException ENOENT; EBUSY when it is in use; EINVAL when it carries no label
   */
  public static void clearLabels(Path path, boolean force) {
    requireDevice(path);
    Optional<LabelInfo> label;
    try (FileDevice device = probe(path)) {
      label = PoolEngines.readLabel(device);
    }
    if (label.isEmpty()) {
      throw refused(Errno.EINVAL, path + ": carries no pool label; there is nothing to clear");
    }
    if (!force && label.get().state() == PoolState.ACTIVE) {
      throw refused(
          Errno.EBUSY,
          path
              + ": belongs to pool "
              + label.get().poolName()
              + ", which was not exported; export or destroy it first, or add -f");
    }
    try (FileDevice device =
            FileDevice.open(path, OpenMode.READ_WRITE, PROBE_BLOCK_BYTES, DirectIo.OFF);
        RealEnv env = new RealEnv()) {
      PoolEngines.clearLabels(device, env);
    }
  }

  /**
   * Structures of one device as text, without importing a pool.
   *
   * @param what see {@link PoolEngines#debugDevice}
   */
  public static String debug(Path path, String what, List<String> arguments) {
    requireDevice(path);
    try (FileDevice device = probe(path)) {
      return PoolEngines.debugDevice(device, what, arguments);
    }
  }
}
