package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.api.PoolDevices;
import io.lcpfs.cli.owner.Home;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.Sizes;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.fuse.MountTable;
import io.lcpfs.pool.Host;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.sim.kill.VolatileCacheDevice;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The surroundings of one command: where it prints, whose pools it knows, on which machine it is.
 */
public final class Cli implements AutoCloseable {
  private final InputStream in;
  private final PrintStream out;
  private final PrintStream err;
  private final Map<String, String> environment;
  private final Registry registry;
  private final List<String> arguments;

  /** Pools that this process has open, by name, when the command is another process's. */
  private final @Nullable Map<String, Pool> lent;

  private @Nullable RealEnv env;

  Cli(PrintStream out, PrintStream err, Map<String, String> environment, List<String> arguments) {
    this(System.in, out, err, environment, arguments, null);
  }

  Cli(
      InputStream in,
      PrintStream out,
      PrintStream err,
      Map<String, String> environment,
      List<String> arguments) {
    this(in, out, err, environment, arguments, null);
  }

  private Cli(
      InputStream in,
      PrintStream out,
      PrintStream err,
      Map<String, String> environment,
      List<String> arguments,
      @Nullable Map<String, Pool> lent) {
    this.lent = lent;
    this.in = in;
    this.out = out;
    this.err = err;
    this.environment = environment;
    this.arguments = arguments;
    this.registry = new Registry(Home.of(environment));
  }

  /** The surroundings of a command that another process asks for. */
  Cli forOthers(
      InputStream theirIn,
      PrintStream theirOut,
      PrintStream theirErr,
      List<String> words,
      Map<String, Pool> pools) {
    Map<String, String> plain = new TreeMap<>(environment);
    // Whether there is a terminal is not known of the other process.
    plain.remove("TERM");
    return new Cli(theirIn, theirOut, theirErr, plain, words, pools);
  }

  /** Whether the command is another process's. */
  boolean isForOthers() {
    return lent != null;
  }

  Map<String, String> environment() {
    return environment;
  }

  InputStream in() {
    return in;
  }

  PrintStream out() {
    return out;
  }

  PrintStream err() {
    return err;
  }

  Registry registry() {
    return registry;
  }

  List<String> arguments() {
    return arguments;
  }

  @Nullable String variable(String name) {
    return environment.get(name);
  }

  /** Whether failures show where in the program they arose. */
  boolean debug() {
    return "1".equals(environment.get("LCPFS_DEBUG"));
  }

  /** Prints a line about something that went wrong but does not end the command. */
  void warn(String line) {
    out.flush();
    err.println("lcpfs: " + line);
  }

  RealEnv env() {
    RealEnv current = env;
    if (current == null) {
      current = new RealEnv();
      env = current;
    }
    return current;
  }

  /** This machine, so that a pool is not imported on two at once. */
  Host host() {
    return Host.current();
  }

  /** Who a pool's history names. */
  String who() {
    return System.getProperty("user.name", "?") + "@" + host().name();
  }

  /**
   * What imported pools may use: half of the machine's memory at most, bounded by LCPFS_CACHE and
   * LCPFS_DIRTY.
   */
  Tuning tuning() {
    Tuning tuning = Tuning.standard();
    String cache = environment.get("LCPFS_CACHE");
    if (cache != null && !cache.isEmpty()) {
      tuning = tuning.withCacheBytes(Sizes.parse(cache));
    }
    String dirty = environment.get("LCPFS_DIRTY");
    if (dirty != null && !dirty.isEmpty()) {
      tuning = tuning.withDirtyBytes(Sizes.parse(dirty));
    }
    return tuning;
  }

  /** The registry's entry of a pool that a command names. */
  Registry.Entry known(String poolName) {
    DatasetName.checkPool(poolName);
    return registry.find(poolName).orElseThrow(() -> unknownPool(poolName));
  }

  private Failure unknownPool(String poolName) {
    List<String> names = registry.list().stream().map(Registry.Entry::name).toList();
    String known = names.isEmpty() ? "" : " (imported: " + String.join(", ", names) + ")";
    return Failure.failed(
        poolName,
        "no such pool is imported" + known,
        "find it with 'lcpfs pool import -d DIR', or make it with 'lcpfs pool create "
            + poolName
            + " DEVICE'");
  }

  /** Opens a known pool to look at it; writes nothing. */
  Pool openToRead(String poolName) {
    return open(known(poolName), true);
  }

  /** Opens a known pool to change it. */
  Pool openToWrite(String poolName) {
    Registry.Entry entry = known(poolName);
    if (entry.atCheckpoint()) {
      throw Failure.failed(
          poolName,
          "is looked at as of its checkpoint",
          "export it and import it again, with --rewind-to-checkpoint alone to go back");
    }
    if (entry.readOnly()) {
      throw Failure.failed(
          poolName,
          "is imported read-only",
          "export it and import it again without -o readonly=on");
    }
    return open(entry, false);
  }

  Pool open(Registry.Entry entry, boolean readOnly) {
    Pool known = lent == null ? null : lent.get(entry.name());
    if (known != null && known.guid() == entry.guid()) {
      if (!readOnly && known.readOnly()) {
        throw Failure.failed(
            entry.name(), "is mounted read-only", "unmount it and mount it without -o ro");
      }
      return readOnly ? known : known.lendToChange();
    }
    try {
      return PoolDevices.open(
          entry.devices(),
          OpenOptions.standard()
              .withReadOnly(readOnly)
              .withRewind(entry.atCheckpoint())
              .withPoolGuid(entry.guid())
              .withHost(host())
              .withTuning(tuning()),
          env(),
          this::asDevice);
    } catch (PoolException e) {
      if (e.errno() == Errno.EBUSY && isBusy(e)) {
        throw busy(entry.name(), e);
      }
      if (e.errno() == Errno.EBUSY || !e.error().message().contains(";")) {
        throw new Failure(ExitCode.FAILED, entry.name() + ": " + Messages.of(e), e);
      }
      throw e;
    }
  }

  /** Whether another process has a device, and not another machine the pool. */
  private static boolean isBusy(PoolException refusal) {
    return refusal.error().message().matches(".* in use by (another|this) process.*");
  }

  /** The same refusal with what helps here. */
  private static Failure busy(String poolName, PoolException refusal) {
    String what = refusal.error().message().split("; ", 2)[0];
    List<String> mounts =
        MountTable.list().stream()
            .filter(mount -> DatasetName.poolOf(mount.source()).equals(poolName))
            .map(MountTable.Entry::directory)
            .toList();
    String remedy =
        mounts.isEmpty()
            ? "wait until that ends, or mount the pool: 'lcpfs mount "
                + poolName
                + " DIR' lets commands share it; without, 'send | receive' within one pool goes"
                + " through a file"
            : "it is mounted: 'lcpfs umount " + String.join(" ", mounts) + "' lets go of it";
    return new Failure(ExitCode.FAILED, poolName + ": " + what + "; " + remedy, refusal);
  }

  /** For tests: with LCPFS_LOSE_UNFLUSHED=1 what was not flushed dies with this process. */
  private BlockDevice asDevice(BlockDevice device) {
    if (!environment.getOrDefault("LCPFS_LOSE_UNFLUSHED", "").equals("1")) {
      return device;
    }
    return new VolatileCacheDevice(device, System.nanoTime());
  }

  /** Adds the running command to a pool's history. */
  void remember(Pool pool) {
    pool.addHistory(who(), "lcpfs " + String.join(" ", arguments));
  }

  @Override
  public void close() {
    RealEnv current = env;
    if (current != null) {
      current.close();
      env = null;
    }
  }
}
