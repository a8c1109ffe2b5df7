package io.lcpfs.pool;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Features;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.PoolState;
import io.lcpfs.format.Profile;
import io.lcpfs.format.Uberblock;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.GroupReadback;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.ObjectSetOptions;
import io.lcpfs.vdev.LabelChoice;
import io.lcpfs.vdev.LabelIo;
import io.lcpfs.vdev.LabelScan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Imports a pool: labels, uberblock, layout, the pool's own objects; then, if writable, a new fork.
 */
final class PoolImporter {
  /**
   * How many groups back an import goes by itself when the newest state cannot be read: what those
   * need has not been reused (a sector freed in T is reused only after T+2 is durable).
   */
  private static final int MAX_GROUPS_BACK = 2;

  private final List<BlockDevice> devices;
  private final OpenOptions options;
  private final Env env;
  private final List<LabelScan> scans = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();

  private PoolImporter(List<BlockDevice> devices, OpenOptions options, Env env) {
    this.devices = devices;
    this.options = options;
    this.env = env;
  }

  static PoolEngine open(List<BlockDevice> devices, OpenOptions options, Env env) {
    return new PoolImporter(devices, options, env).run();
  }

  private PoolEngine run() {
    try (SlabAllocator memory = PoolParts.memory(options.tuning())) {
      LabelIo labels = new LabelIo(env, memory);
      devices.forEach(device -> scans.add(labels.scan(device)));
    }
    scans.forEach(scan -> problems.addAll(scan.problems()));
    long guid = poolGuid();
    LabelChoice newest = LabelIo.choose(env, scans, guid, Long.MAX_VALUE);
    checkImportable(newest.config());
    return options.rewind() ? rewind(newest) : load(guid, newest);
  }

  /** Goes back to the checkpoint or, read-only, looks at it. */
  private PoolEngine rewind(LabelChoice newest) {
    Rewind rewind = new Rewind(newest);
    problems.addAll(newest.problems());
    if (!options.readOnly()) {
      noteWhatIsLeft(rewind, newest);
    }
    LabelChoice target = rewind.target(options.readOnly());
    SlabAllocator memory = PoolParts.memory(options.tuning());
    boolean done = false;
    try {
      OpenPool pool = load(target, memory, rewind.txg());
      done = true;
      if (options.readOnly()) {
        return pool;
      }
      pool.parts()
          .sync
          .beginWith(txg -> rewind.begin(pool.parts(), pool.meta(), pool.spaceMaps(), txg));
      return makeWritable(pool.parts(), newest, pool);
    } finally {
      if (!done) {
        memory.close();
      }
    }
  }

  private void noteWhatIsLeft(Rewind rewind, LabelChoice newest) {
    SlabAllocator memory = PoolParts.memory(options.tuning());
    boolean done = false;
    try {
      OpenPool left = load(newest, memory, Long.MAX_VALUE);
      done = true;
      rewind.leave(left.parts());
      left.abandon();
    } catch (PoolException e) {
      if (!lost(e)) {
        throw e;
      }
      // A reason to go back, maybe; and nobody can return to what is lost.
      problems.add("txg " + newest.uberblock().txg() + " is left for good: " + e.error().message());
    } finally {
      if (!done) {
        memory.close();
      }
    }
  }

  private PoolEngine load(long guid, LabelChoice newest) {
    LabelChoice choice = newest;
    PoolException firstFailure = null;
    while (true) {
      problems.addAll(choice.problems());
      SlabAllocator memory = PoolParts.memory(options.tuning());
      boolean done = false;
      try {
        OpenPool pool = load(choice, memory, Long.MAX_VALUE);
        done = true;
        return options.readOnly() ? pool : makeWritable(pool.parts(), choice, pool);
      } catch (PoolException e) {
        if (done || !lost(e)) {
          throw e;
        }
        firstFailure = firstFailure == null ? e : firstFailure;
        long older = choice.uberblock().txg() - 1;
        if (newest.uberblock().txg() - older > MAX_GROUPS_BACK) {
          throw firstFailure;
        }
        problems.add("txg " + choice.uberblock().txg() + " is passed over: " + e.error().message());
        choice = olderChoice(guid, older, firstFailure);
        env.probe(CodeProbe.UBERBLOCK_FALLBACK);
      } finally {
        if (!done) {
          memory.close();
        }
      }
    }
  }

  /** Whether a group is proved to be incomplete; a device that did not answer proves nothing. */
  private static boolean lost(PoolException e) {
    return e.errno() == Errno.EIO && !(e.error() instanceof PoolError.DeviceFailed);
  }

  private LabelChoice olderChoice(long guid, long maxTxg, PoolException firstFailure) {
    try {
      return LabelIo.choose(env, scans, guid, maxTxg);
    } catch (PoolException none) {
      throw firstFailure;
    }
  }

  private long poolGuid() {
    // By the newest uberblock of each device: a label's configuration may be one that a crash kept
    // from
    // being committed.
    List<Long> guids =
        scans.stream()
            .map(
                scan ->
                    scan.labels().stream()
                        .flatMap(label -> label.uberblocks().stream())
                        .max(Comparator.comparingLong(Uberblock::txg)))
            .flatMap(Optional::stream)
            .map(Uberblock::poolGuid)
            .distinct()
            .toList();
    if (options.poolGuid() != 0) {
      if (!guids.contains(options.poolGuid())) {
        throw PoolException.refused(
            Errno.ENODEV,
            "no pool with guid " + Long.toUnsignedString(options.poolGuid()) + " on " + names());
      }
      return options.poolGuid();
    }
    if (guids.isEmpty()) {
      throw PoolException.refused(
          Errno.ENODEV,
          "no pool on "
              + names()
              + (problems.isEmpty() ? "" : " (" + String.join("; ", problems) + ")"));
    }
    if (guids.size() > 1) {
      throw PoolException.refused(
          Errno.EINVAL, "devices of different pools: " + names() + "; say which by its guid");
    }
    return guids.getFirst();
  }

  private String names() {
    return String.join(", ", devices.stream().map(BlockDevice::name).toList());
  }

  private void checkImportable(PoolConfig config) {
    Features.check(config.features(), options.readOnly());
    if (options.force()) {
      return;
    }
    if (config.state() == PoolState.DESTROYED) {
      throw PoolException.refused(
          Errno.ENODEV,
          "pool " + config.name() + " was destroyed; import it with -f to get it back");
    }
    long host = options.host().id();
    if (config.state() == PoolState.ACTIVE
        && config.hostId() != 0
        && host != 0
        && config.hostId() != host
        && !options.readOnly()) {
      throw PoolException.refused(
          Errno.EBUSY,
          "pool "
              + config.name()
              + " is in use by another host; export it there, or import it with -f if that host"
              + " is gone");
    }
  }

  private List<BlockDevice> inOrder(PoolConfig config) {
    TreeMap<Long, BlockDevice> byGuid = new TreeMap<>();
    for (int i = 0; i < devices.size(); i++) {
      if (scans.get(i).head(config.poolGuid()).isPresent()) {
        byGuid.put(scans.get(i).deviceGuid(), devices.get(i));
      }
    }
    List<BlockDevice> ordered = new ArrayList<>();
    for (PoolConfig.Device device : config.devices()) {
      BlockDevice found = byGuid.get(device.guid());
      if (found == null) {
        throw PoolException.refused(
            Errno.ENODEV,
            "pool "
                + config.name()
                + " lacks the device "
                + (device.pathHint().isEmpty()
                    ? Long.toUnsignedString(device.guid())
                    : device.pathHint())
                + "; give it too");
      }
      if (found.capacity() < device.capacityBytes() || found.blockSize() != device.blockBytes()) {
        throw PoolException.refused(
            Errno.EIO,
            found.name()
                + " is smaller than pool "
                + config.name()
                + " remembers it; restore its size");
      }
      ordered.add(found);
    }
    return ordered;
  }

  /** Refuses layouts that this version cannot use, although a label may describe them. */
  private static void checkShape(PoolConfig config, LayoutRecord layout) {
    List<PoolConfig.Group> groups = config.groups();
    for (int i = 0; i < groups.size(); i++) {
      PoolConfig.Group group = groups.get(i);
      boolean mayBeLog = i > 0 && i == groups.size() - 1;
      if (group.id() != i
          || (group.placement() != PlacementClass.NORMAL
              && !(mayBeLog && group.placement() == PlacementClass.LOG))
          || group.sectorBytes() != groups.getFirst().sectorBytes()
          || group.profile().kind() == Profile.Kind.RAIDZ) {
        throw unsupported(config, "groups " + groups);
      }
    }
    for (int i = 0; i < config.devices().size(); i++) {
      if (config.devices().get(i).index() != i) {
        throw unsupported(config, "devices that are not numbered from 0 on");
      }
    }
    boolean hasRoom = false;
    for (LayoutRecord.Entry entry : layout.entries()) {
      if (!entry.profile().equals(config.group(entry.group()).profile())
          || entry.placement() != config.group(entry.group()).placement()) {
        throw unsupported(
            config,
            "metaslab "
                + entry.id()
                + " of profile "
                + entry.profile()
                + " and class "
                + entry.placement());
      }
      hasRoom |= entry.placement() == PlacementClass.NORMAL;
    }
    if (config.devices().isEmpty() || !hasRoom) {
      throw PoolException.corrupt("layout.entry_count", layout.entries().size());
    }
  }

  private static PoolException unsupported(PoolConfig config, String what) {
    return PoolException.refused(
        Errno.EOPNOTSUPP,
        "pool "
            + config.name()
            + " has "
            + what
            + ", which this version does not know; import it with a newer lcpfs");
  }

  /**
   * @param knownTxg metaslabs bound later may lack a space map
   */
  private OpenPool load(LabelChoice choice, SlabAllocator slabs, long knownTxg) {
    PoolConfig config = choice.config();
    checkShape(config, choice.layout());
    List<BlockDevice> ordered = inOrder(config);
    PoolParts parts =
        new PoolParts(
            env,
            slabs,
            options.tuning(),
            ordered,
            config,
            choice.layout(),
            choice.uberblock(),
            choice.highestTxg(),
            options.readOnly());
    boolean done = false;
    try {
      OpenPool pool = load(choice, parts, ordered, knownTxg);
      done = true;
      return pool;
    } finally {
      if (!done) {
        parts.context.background().close(); // read-ahead, in memory that is about to go
      }
    }
  }

  private OpenPool load(
      LabelChoice choice, PoolParts parts, List<BlockDevice> ordered, long knownTxg) {
    // What a checkpoint deferred has long been free; groups go on behind the newest.
    long txg = knownTxg == Long.MAX_VALUE ? choice.uberblock().txg() : choice.highestTxg();
    ObjectSet meta =
        ObjectSet.open(
            parts.context, 0, choice.uberblock().root(), options.readOnly(), ObjectSetOptions.META);
    MetaDirectory directory = new MetaDirectory(meta, env);
    SpaceMaps spaceMaps =
        new SpaceMaps(
            env, meta, parts.allocator, directory.hold(MetaDirectory.SPACE_MAPS, ObjectType.ZAP));
    spaceMaps.load(parts.devices.tiles(), txg, knownTxg);
    parts.sync.connect(meta, parts.io, spaceMaps, parts.reserve);
    readBackNewest(parts, choice.uberblock());
    long root;
    try (Dnode dataset = directory.hold(MetaDirectory.ROOT_DATASET, ObjectType.DATASET)) {
      root = dataset.number();
    }
    OpenPool pool =
        new OpenPool(
            parts,
            meta,
            spaceMaps,
            root,
            directory.hold(MetaDirectory.DESTROYED, ObjectType.ZAP),
            directory.hold(MetaDirectory.POOL_PROPERTIES, ObjectType.ZAP),
            directory.hold(MetaDirectory.HISTORY, ObjectType.HISTORY),
            ordered,
            options.readOnly(),
            problems);
    return pool;
  }

  /** Finds out whether the newest group is there before anything is written on top of it. */
  private static void readBackNewest(PoolParts parts, Uberblock uberblock) {
    GroupReadback readback = new GroupReadback(parts.context, uberblock.txg());
    CommittedView view = new CommittedView(parts.context, uberblock.root());
    readback.objectSet(
        uberblock.root(),
        (number, dnode) -> {
          if (dnode.type() == ObjectType.DATASET) {
            readback.objectSet(view.dataset(number).objectSet(), (object, inDataset) -> {});
          }
        });
  }

  private PoolEngine makeWritable(PoolParts parts, LabelChoice choice, OpenPool pool) {
    boolean done = false;
    try {
      beginFork(parts, choice);
      pool.startTasks();
      done = true;
      return pool;
    } finally {
      if (!done) {
        pool.abandon();
      }
    }
  }

  private void beginFork(PoolParts parts, LabelChoice choice) {
    if (!choice.fellBack()) {
      for (int i = 0; i < parts.targets.size(); i++) {
        BlockDevice device = parts.targets.get(i).queue().device();
        LabelScan scan = scans.get(devices.indexOf(device));
        problems.addAll(
            parts.labels.repair(parts.targets.get(i), scan, choice, false).stream()
                .map(line -> "repaired " + line)
                .toList());
      }
    }
    long bootId = PoolCreator.newGuid(env);
    parts.sync.changeConfig(
        config -> {
          PoolConfig forked =
              config.withFork(PoolCreator.newGuid(env), options.host().id(), bootId);
          return options.newName().isEmpty() ? forked : forked.withName(options.newName());
        });
    parts.txgs.start();
    parts.txgs.waitSynced(parts.txgs.openTxg());
  }
}
