package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.OwnerClient;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.PoolException;
import io.lcpfs.fuse.FuseMount;
import io.lcpfs.fuse.MountOptions;
import io.lcpfs.fuse.MountOptions.Switch;
import io.lcpfs.fuse.MountTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
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
      "Options of -o: ro, allow_other, suid, dev, noexec, noatime, strictatime, sync, nosymfollow,",
      "noacl, writeback, threads=N; remount with ro, rw, noexec, nosuid, nodev or nosymfollow",
      "changes what is mounted, for root: lcpfs mount -o remount,ro /mnt"
    })
final class MountCommand extends BaseCommand {
  @Option(
      names = {"-a", "--all"},
      description =
          "Mount all datasets with a mount point that are not mounted; of the named pools only, if"
              + " any. One that fails does not keep the others back.")
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

  /** Pools and mounts that failed while others go on. */
  private int failures;

  MountCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (parsed("").has(Switch.REMOUNT)) {
      return remount();
    }
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
    String poolName = DatasetName.poolOf(name);
    refuseTwice(poolName);
    if (words.size() > 1) {
      Path _ = Path.of(words.get(1)); // refused here, not by the process in the background
    }
    if (!foreground) {
      return MountDaemon.start(cli, List.of(poolName), pool -> again(words));
    }
    try (MountServer server = new MountServer(cli, backgroundOf != 0)) {
      Pool pool = open(poolName);
      server.add(pool);
      Dataset dataset = pool.dataset(name);
      Path directory = words.size() > 1 ? Path.of(words.get(1)) : mountPoint(dataset);
      MountPlan plan = MountPlan.of(pool, dataset, directory);
      server.mount(plan, optionsOf(plan));
      server.serve(0);
    }
    return ExitCode.OK;
  }

  /** This command about other things. */
  private List<String> again(List<String> about) {
    List<String> arguments = new ArrayList<>(List.of("mount"));
    if (all) {
      arguments.add("--all");
    }
    options.forEach(list -> arguments.addAll(List.of("-o", list)));
    arguments.addAll(about);
    return arguments;
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
    return withWords(MountOptions.of(source));
  }

  private MountOptions withWords(MountOptions before) {
    MountOptions result = before;
    for (String list : options) {
      result = result.with(list);
    }
    return result;
  }

  private Pool open(String poolName) {
    boolean readOnly = parsed(poolName).readOnly() || cli.known(poolName).readOnly();
    return readOnly ? cli.openToRead(poolName) : cli.openToWrite(poolName);
  }

  /** How a plan is mounted: by what is asked for, and as far as the properties allow it. */
  private MountOptions optionsOf(MountPlan plan) {
    Dataset dataset = plan.dataset();
    MountOptions wanted =
        withWords(
            MountOptions.of(dataset.name())
                .with(Switch.READ_ONLY, dataset.pool().readOnly() || isOn(dataset, "readonly"))
                .with(Switch.EXEC, isOn(dataset, "exec"))
                .with(Switch.ATIME, isOn(dataset, "atime")));
    // One mount shows them all: what one of them forbids, none of them honours.
    List<Dataset> shown = new ArrayList<>(plan.below());
    shown.add(dataset);
    return wanted
        .with(Switch.SETUID, wanted.setuid() && shown.stream().allMatch(one -> isOn(one, "setuid")))
        .with(
            Switch.DEVICES,
            wanted.devices() && shown.stream().allMatch(one -> isOn(one, "devices")));
  }

  private static boolean isOn(Dataset dataset, String property) {
    return dataset.property(property).value().equals("on");
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

  // ---- all that have a mount point

  private Integer mountAll() throws IOException, InterruptedException {
    List<String> names = new ArrayList<>(words);
    if (names.isEmpty()) {
      cli.registry().list().forEach(entry -> names.add(entry.name()));
    }
    if (foreground) {
      return serveAll(names);
    }
    List<String> closed = new ArrayList<>();
    for (String name : names) {
      try {
        if (!isServed(name, cli::warn)) {
          closed.add(name);
        }
      } catch (PoolException | Failure e) {
        failed(Messages.of(e), cli::warn);
      }
    }
    int code = MountDaemon.start(cli, closed, name -> again(List.of(name)));
    return failures == 0 ? code : Math.max(code, ExitCode.FAILED);
  }

  private void failed(String line, Consumer<String> tell) {
    failures++;
    tell.accept(line);
  }

  /** Whether another process has a pool open; tells what of it is not mounted then. */
  private boolean isServed(String poolName, Consumer<String> tell) {
    Optional<OwnerClient> owner =
        OwnerClient.connect(cli.environment(), cli.known(poolName).guid());
    if (owner.isEmpty()) {
      return false;
    }
    try (OwnerClient client = owner.get()) {
      for (String dataset : MountPlan.notMounted(client, poolName)) {
        failed(
            dataset
                + ": is not mounted, and the process that serves other mounts of its pool cannot"
                + " take it; unmount those, then 'lcpfs mount -a "
                + poolName
                + "'",
            tell);
      }
    }
    return true;
  }

  private Integer serveAll(List<String> names) throws IOException, InterruptedException {
    boolean background = backgroundOf != 0;
    try (MountServer server = new MountServer(cli, background)) {
      List<MountPlan> plans = new ArrayList<>();
      for (String name : names) {
        try {
          if (!isServed(name, server::tell)) {
            Pool pool = open(name);
            server.add(pool);
            plans.addAll(MountPlan.all(pool));
          }
        } catch (PoolException | Failure e) {
          failed(Messages.of(e), server::tell);
        }
      }
      // What is inside another mount, of whatever pool, comes after that.
      plans.sort(Comparator.comparing(MountPlan::directory));
      for (MountPlan plan : plans) {
        if (background) {
          MountDaemon.awaitTurn(cli, plan.directory());
        }
        try {
          mountOne(server, plan);
        } catch (PoolException | Failure | IOException e) {
          failed(Messages.of(e), server::tell);
        }
      }
      if (failures > 0 && !server.hasMounts()) {
        return ExitCode.FAILED;
      }
      server.serve(failures);
    }
    return ExitCode.OK;
  }

  private void mountOne(MountServer server, MountPlan plan) throws IOException {
    Optional<MountTable.Entry> before = MountTable.on(real(plan.directory()));
    if (before.isPresent() && !before.get().isDead()) {
      throw Failure.failed(
          plan.dataset() + " on " + plan.directory(),
          before.get().source() + " is mounted there",
          "unmount that, or set another mountpoint");
    }
    if (before.isEmpty()) {
      Files.createDirectories(plan.directory());
    }
    server.mount(plan, optionsOf(plan));
  }

  private static Path real(Path directory) {
    try {
      return directory.toRealPath();
    } catch (IOException e) {
      return directory; // still to be made, or the place of a mount whose server is dead
    }
  }

  // ---- what is mounted

  private Integer remount() {
    if (all || words.isEmpty() || words.size() > 2) {
      throw Failure.usage("remount", "changes one mount", "give DATASET or DIR, or both");
    }
    String last = words.getLast();
    Path directory = Path.of(last).toAbsolutePath().normalize();
    List<MountTable.Entry> found =
        MountTable.list().stream()
            .filter(
                one ->
                    one.directory().equals(directory.toString())
                        || (words.size() == 1 && one.source().equals(last)))
            .filter(one -> words.size() == 1 || one.source().equals(words.getFirst()))
            .toList();
    if (found.isEmpty()) {
      throw Failure.failed(
          String.join(" on ", words), "is not mounted", "'lcpfs mount' shows what is");
    }
    for (MountTable.Entry entry : found) {
      boolean poolReadOnly =
          MountRecord.read(cli, DatasetName.poolOf(entry.source()))
              .filter(one -> one.has(entry) && one.readOnly())
              .isPresent();
      if (poolReadOnly && !withWords(MountOptions.of("").with(Switch.READ_ONLY, true)).readOnly()) {
        throw Failure.failed(
            entry.source(), "its pool is open read-only", "unmount it and mount it without -o ro");
      }
      FuseMount.remount(Path.of(entry.directory()), String.join(",", options));
    }
    return ExitCode.OK;
  }
}
