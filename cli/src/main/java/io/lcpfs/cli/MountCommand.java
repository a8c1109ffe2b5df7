package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.OwnerClient;
import io.lcpfs.cli.owner.OwnerServer;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.PoolException;
import io.lcpfs.fuse.FuseMount;
import io.lcpfs.fuse.MountOptions;
import io.lcpfs.fuse.MountTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs mount}: datasets in the host's tree. */
@Command(
    name = "mount",
    description =
        "Mount a dataset, with those below it, on a directory; without arguments, list what is"
            + " mounted. Needs /dev/fuse, and root or the package fuse3.",
    footer = {
      "",
      "For example: lcpfs mount tank/home /mnt    lcpfs mount -o ro,allow_other tank /mnt",
      "Options of -o: ro, allow_other, suid, dev, noexec, noatime, noacl, writeback, threads=N."
    })
final class MountCommand extends BaseCommand {
  /** What a server in the background says when others may go on. */
  static final String READY = "lcpfs-mount-ready";

  private static final int CLOSING_SECONDS = 120;

  @Option(
      names = {"-a", "--all"},
      description = "Mount all datasets with a mount point; of the named pools only, if any.")
  boolean all;

  @Option(
      names = {"-f", "--foreground"},
      description = "Serve from this process until it is unmounted or stopped.")
  boolean foreground;

  @Option(names = "-o", paramLabel = "OPTION[,...]", description = "As in fstab(5), see below.")
  List<String> options = new ArrayList<>();

  @Option(names = "--background-of", hidden = true, description = "Used by itself.")
  long backgroundOf;

  @Parameters(
      arity = "0..*",
      paramLabel = "DATASET [DIR]",
      description = "DIR is the dataset's mountpoint unless it is given.")
  List<String> words = new ArrayList<>();

  MountCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (all) {
      return mountAll();
    }
    if (words.isEmpty()) {
      return list();
    }
    if (words.size() > 2) {
      throw Failure.usage(words.get(2), "is one word too many", "give DATASET and DIR");
    }
    String name = words.getFirst();
    DatasetName.check(name);
    parsed(name);
    refuseTwice(DatasetName.poolOf(name));
    if (!foreground) {
      return MountDaemon.start(cli, DatasetName.poolOf(name));
    }
    try (Pool pool = open(DatasetName.poolOf(name))) {
      Dataset dataset = pool.dataset(name);
      Path directory = words.size() > 1 ? Path.of(words.get(1)) : mountPoint(dataset);
      serve(List.of(pool), List.of(MountPlan.of(pool, dataset, directory)));
    }
    return ExitCode.OK;
  }

  private Integer list() {
    for (MountTable.Entry entry : MountTable.list()) {
      out().println(entry.source() + " on " + entry.directory());
    }
    return ExitCode.OK;
  }

  private static Path mountPoint(Dataset dataset) {
    String place = dataset.property("mountpoint").value();
    if (!place.startsWith("/")) {
      throw Failure.failed(
          dataset.name(),
          "has no mount point (mountpoint=" + place + ")",
          "name a directory, or set one with 'lcpfs fs set mountpoint=/DIR "
              + dataset.name()
              + "'");
    }
    return Path.of(place);
  }

  private MountOptions parsed(String source) {
    MountOptions result = MountOptions.of(source);
    for (String list : options) {
      result = result.with(list);
    }
    return result;
  }

  private Pool open(String poolName) {
    boolean readOnly = parsed(poolName).readOnly() || cli.known(poolName).readOnly();
    return readOnly ? cli.openToRead(poolName) : cli.openToWrite(poolName);
  }

  /** One process serves all mounts of a pool. */
  private void refuseTwice(String poolName) {
    Optional<OwnerClient> owner =
        OwnerClient.connect(cli.environment(), cli.known(poolName).guid());
    if (owner.isEmpty()) {
      return;
    }
    owner.get().close();
    List<String> places =
        MountTable.list().stream()
            .filter(entry -> DatasetName.poolOf(entry.source()).equals(poolName))
            .map(entry -> entry.source() + " on " + entry.directory())
            .toList();
    throw Failure.failed(
        poolName,
        places.isEmpty()
            ? "is open in another process"
            : "is mounted already (" + String.join(", ", places) + ")",
        "one process serves a pool: unmount that first, then mount a dataset above all those that"
            + " are wanted, or those with mount points by 'lcpfs mount -a "
            + poolName
            + "'");
  }

  private Integer mountAll() throws IOException, InterruptedException {
    parsed("");
    List<String> names = new ArrayList<>(words);
    if (names.isEmpty()) {
      cli.registry().list().forEach(entry -> names.add(entry.name()));
    }
    if (!foreground) {
      int code = ExitCode.OK;
      for (String name : names) {
        refuseTwice(name);
        code = Math.max(code, MountDaemon.start(cli, name));
      }
      return code;
    }
    List<Pool> pools = new ArrayList<>();
    try {
      List<MountPlan> plans = new ArrayList<>();
      for (String name : names) {
        refuseTwice(name);
        Pool pool = open(name);
        pools.add(pool);
        plans.addAll(MountPlan.all(pool));
      }
      for (MountPlan plan : plans) {
        Files.createDirectories(plan.directory());
      }
      serve(pools, plans);
    } finally {
      pools.reversed().forEach(Pool::close);
    }
    return ExitCode.OK;
  }

  /** Mounts, and returns when all is unmounted and the pools are closed. */
  private void serve(List<Pool> pools, List<MountPlan> plans) throws InterruptedException {
    boolean background = backgroundOf != 0;
    List<FuseMount> mounts = new ArrayList<>();
    CountDownLatch stop = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    try {
      for (MountPlan plan : plans) {
        mounts.add(mount(plan));
      }
      // A signal unmounts; the process then ends when the pools are closed.
      Runtime.getRuntime()
          .addShutdownHook(
              Thread.ofPlatform()
                  .unstarted(
                      () -> {
                        mounts.reversed().forEach(FuseMount::close);
                        stop.countDown();
                        awaitClosed(closed);
                      }));
      Set<String> mounted = new HashSet<>();
      plans.forEach(plan -> mounted.addAll(plan.names()));
      try (OwnerServer owner = Owners.serve(cli, pools, mounted::contains)) {
        pools.forEach(pool -> tellProblems(pool, background));
        if (background) {
          MountDaemon.ready(cli, pools);
        } else {
          mounts.forEach(mount -> out().println("Mounted on " + mount.directory()));
          out().flush();
        }
        new KernelWarmUp(cli).now();
        Thread.ofPlatform().daemon(true).start(() -> awaitAll(mounts, stop));
        stop.await();
      }
    } finally {
      mounts.reversed().forEach(FuseMount::close);
      try {
        pools.reversed().forEach(Pool::close);
      } finally {
        closed.countDown();
      }
    }
  }

  /** What was found when the pool and its datasets were opened: above all changes that are lost. */
  private void tellProblems(Pool pool, boolean background) {
    for (String problem : pool.status().problems()) {
      String line = pool.name() + ": " + problem;
      if (background) {
        out().println("lcpfs: " + line); // who started this one passes it on
      } else {
        cli.warn(line);
      }
    }
  }

  private static void awaitAll(List<FuseMount> mounts, CountDownLatch stop) {
    try {
      for (FuseMount mount : mounts) {
        mount.awaitUnmounted();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    stop.countDown();
  }

  private void awaitClosed(CountDownLatch closed) {
    try {
      if (!closed.await(CLOSING_SECONDS, TimeUnit.SECONDS)) {
        cli.warn("closing the pool takes too long; what was synced is safe");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private FuseMount mount(MountPlan plan) {
    Dataset dataset = plan.dataset();
    MountOptions wanted = MountOptions.of(dataset.name());
    wanted =
        wanted
            .withReadOnly(dataset.pool().readOnly() || isOn(dataset, "readonly"))
            .withExec(isOn(dataset, "exec"))
            .withAtime(isOn(dataset, "atime"));
    for (String list : options) {
      wanted = wanted.with(list);
    }
    if (wanted.setuid() && !isOn(dataset, "setuid")) {
      wanted = wanted.withSetuid(false);
    }
    try {
      return FuseMount.mount(
          plan.datasets(),
          plan.directory(),
          wanted,
          line -> cli.warn(dataset.name() + ": " + line));
    } catch (PoolException e) {
      throw new Failure(ExitCode.FAILED, dataset.name() + " on " + Messages.of(e), e);
    }
  }

  private static boolean isOn(Dataset dataset, String property) {
    return dataset.property(property).value().equals("on");
  }
}
