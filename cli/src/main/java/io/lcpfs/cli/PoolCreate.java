package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.api.PoolDevices;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.Sizes;
import io.lcpfs.device.FileDevice;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.GroupSpec;
import io.lcpfs.pool.PoolStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs pool create}. */
@Command(name = "create", description = "Make a pool on a block device or in a file.")
final class PoolCreate extends BaseCommand {
  private static final int MIN_ASHIFT = 9;
  private static final int MAX_ASHIFT = 16;

  @Option(
      names = {"-n", "--dry-run"},
      description = "Check everything, but change nothing.")
  boolean dryRun;

  @Option(
      names = {"-f", "--force"},
      description = "Take a device although it carries another pool or file system.")
  boolean force;

  @Option(
      names = "-o",
      paramLabel = "PROPERTY=VALUE",
      description = "Set a pool property; ashift=9 to 16 sets the sector size 2^ashift.")
  List<String> poolProperties = new ArrayList<>();

  @Option(
      names = "-O",
      paramLabel = "PROPERTY=VALUE",
      description = "Set a property of the root dataset, for example compression=zstd.")
  List<String> rootProperties = new ArrayList<>();

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      description = "Make devices that do not exist as files of this size, for example 10G.")
  String size = "";

  @Option(
      names = "--preallocate",
      description = "Take the space for such files now: slower to make, faster to use.")
  boolean preallocate;

  @Parameters(index = "0", paramLabel = "POOL", description = "Name of the new pool.")
  String name = "";

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "[LAYOUT] DEVICE...",
      description = {
        "Files or block devices, side by side, or those after 'mirror', which hold the same;",
        "several mirrors are used side by side. After 'log' a fast device, or a mirror, for what",
        "fsync has to write at once. For example: a, or mirror a b mirror c d log mirror e f"
      })
  List<String> words = new ArrayList<>();

  PoolCreate(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    DatasetName.checkPool(name);
    PoolLayout layout = PoolLayout.parse(words, force);
    List<Path> devices = layout.devices();
    CreateOptions options = options(layout.groups());
    long fileBytes = size.isEmpty() ? 0 : Sizes.parse(size);
    List<Path> missing = devices.stream().filter(device -> !Files.exists(device)).toList();
    if (cli.registry().find(name).isPresent()) {
      throw Registry.nameTaken(name);
    }
    for (Path device : devices) {
      if (devices.indexOf(device) != devices.lastIndexOf(device)) {
        throw Failure.usage(device.toString(), "is named twice", "name each device once");
      }
    }
    List<Path> present = new ArrayList<>(devices);
    if (!size.isEmpty()) {
      present.removeAll(missing);
      missing.forEach(PoolCreate::requireParent);
    }
    PoolDevices.check(options, present);
    if (dryRun) {
      out()
          .println(
              "would make pool "
                  + name
                  + " on "
                  + String.join(", ", devices.stream().map(Path::toString).toList())
                  + "; nothing was changed");
      return ExitCode.OK;
    }
    List<Path> made = new ArrayList<>();
    try {
      if (!size.isEmpty()) {
        for (Path path : missing) {
          FileDevice.create(path, fileBytes, preallocate);
          made.add(path);
        }
      }
      create(devices, options);
    } catch (RuntimeException | Error e) {
      made.forEach(this::discard);
      throw e;
    }
    return ExitCode.OK;
  }

  private void create(List<Path> devices, CreateOptions options) {
    try (Pool pool = PoolDevices.create(devices, options, cli.env())) {
      Ownership.giveRoot(pool.dataset(name).fileSystem());
      cli.remember(pool);
      PoolStatus status = pool.status();
      cli.registry().put(new Registry.Entry(name, status.guid(), false, devices));
      out()
          .println(
              "made pool "
                  + name
                  + ", "
                  + Sizes.print(status.sizeBytes())
                  + "; put files in with 'lcpfs cp -r DIR "
                  + name
                  + ":/'");
    }
  }

  private void discard(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      cli.warn(Messages.of(e));
    }
  }

  private static void requireParent(Path path) {
    Path parent = path.toAbsolutePath().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw Failure.failed(
          path.toString(),
          "its directory does not exist",
          "make it with 'mkdir -p " + parent + "'");
    }
    if (!Files.isWritable(parent)) {
      throw Failure.failed(
          path.toString(),
          "its directory may not be written",
          "choose another place or change its permissions");
    }
  }

  private CreateOptions options(List<GroupSpec> groups) {
    Map<String, String> values = Assignments.parseAll(poolProperties);
    String ashift = values.remove("ashift");
    int sectorBytes = 0;
    if (ashift != null) {
      if (!ashift.matches("[0-9]{1,2}")
          || Integer.parseInt(ashift) < MIN_ASHIFT
          || Integer.parseInt(ashift) > MAX_ASHIFT) {
        throw Failure.usage("ashift", "'" + ashift + "' is not allowed", "give 9 to 16");
      }
      sectorBytes = 1 << Integer.parseInt(ashift);
    }
    try {
      return CreateOptions.named(name)
          .withForce(force)
          .withSectorBytes(sectorBytes)
          .withGroups(groups)
          .withPoolProperties(values)
          .withRootProperties(Assignments.parseAll(rootProperties))
          .withHost(cli.host())
          .withTuning(cli.tuning());
    } catch (PoolException e) {
      throw new Failure(ExitCode.USAGE, Messages.of(e), e);
    }
  }
}
