package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.api.PoolDevices;
import io.lcpfs.api.PoolInfo;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.PoolState;
import io.lcpfs.pool.OpenOptions;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs pool import}. */
@Command(
    name = "import",
    description = "Find pools and make them known here. Without POOL and -a: show what there is.")
final class PoolImport extends BaseCommand {
  @Mixin OutputOptions output = new OutputOptions();

  @Option(
      names = "-d",
      paramLabel = "DIR",
      description = "Look at the files and devices in this directory, or at this one file.")
  List<Path> places = new ArrayList<>();

  @Option(
      names = {"-a", "--all"},
      description = "Import all pools that are found.")
  boolean all;

  @Option(
      names = "-o",
      paramLabel = "readonly=on",
      description = "Import without writing anything.")
  List<String> settings = new ArrayList<>();

  @Option(
      names = {"-N", "--no-mount"},
      description = "Mount nothing.")
  boolean noMount;

  @Option(
      names = {"-f", "--force"},
      description = "Import although another machine seems to use it.")
  boolean force;

  @Option(
      names = "--rewind-to-checkpoint",
      description = {
        "Go back to the pool's checkpoint: what was done since is lost.",
        "With -o readonly=on: only look at what the pool would be."
      })
  boolean rewind;

  @Option(
      names = {"-D", "--destroyed"},
      description = "Show or import destroyed pools.")
  boolean destroyed;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "POOL",
      description = "Name or guid of the pool.")
  String wanted = "";

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "NEWNAME",
      description = "Give it another name.")
  String newName = "";

  PoolImport(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    boolean readOnly = readOnly();
    if (all && !wanted.isEmpty()) {
      throw Failure.usage(wanted, "is named although -a means all pools", "leave out one of both");
    }
    List<PoolInfo> found = found();
    if (rewind && (all || wanted.isEmpty())) {
      throw Failure.usage(
          "--rewind-to-checkpoint", "goes with one pool", "name it, and leave out -a");
    }
    if (all) {
      return importAll(found, readOnly);
    }
    if (wanted.isEmpty()) {
      return show(found);
    }
    importOne(choose(found), readOnly, newName);
    return ExitCode.OK;
  }

  /** The pools on the devices that are looked at. */
  List<PoolInfo> found() {
    return PoolDevices.scan(candidates()).stream()
        .filter(pool -> (pool.state() == PoolState.DESTROYED) == destroyed)
        .toList();
  }

  private boolean readOnly() {
    Map<String, String> values = Assignments.parseAll(settings);
    String value = values.remove("readonly");
    if (!values.isEmpty()) {
      throw Failure.usage(
          values.keySet().iterator().next(),
          "cannot be set at import",
          "use -o readonly=on, or 'lcpfs pool set' afterwards");
    }
    if (value != null && !value.equals("on") && !value.equals("off")) {
      throw Failure.usage("readonly", "'" + value + "' is not allowed", "give on or off");
    }
    return "on".equals(value);
  }

  private List<Path> candidates() {
    Set<Path> candidates = new TreeSet<>();
    for (Path place : places) {
      if (!Files.exists(place)) {
        throw Failure.failed(
            place.toString(), "no such file or directory", "check the path after -d");
      }
      if (Files.isDirectory(place)) {
        addAll(place, candidates);
      } else {
        candidates.add(place.toAbsolutePath().normalize());
      }
    }
    if (places.isEmpty()) {
      addBlockDevices(candidates);
      cli.registry().list().forEach(entry -> candidates.addAll(entry.devices()));
    }
    return List.copyOf(candidates);
  }

  private static void addAll(Path directory, Set<Path> candidates) {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (!Files.isDirectory(entry)) {
          candidates.add(entry.toAbsolutePath().normalize());
        }
      }
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, Messages.of(e), e);
    }
  }

  private static void addBlockDevices(Set<Path> candidates) {
    try {
      // Lines of major, minor, blocks, name; the first two are a heading.
      Files.readAllLines(Path.of("/proc/partitions")).stream()
          .skip(2)
          .map(line -> line.strip().split("\\s+"))
          .filter(fields -> fields.length == 4)
          .forEach(fields -> candidates.add(Path.of("/dev", fields[3])));
    } catch (IOException e) {
      throw Failure.failed(
          "/proc/partitions", "cannot be read", "name the directory to look in with -d DIR");
    }
  }

  private Integer show(List<PoolInfo> found) {
    Table table =
        new Table(
            output, "pools", List.of("NAME", "GUID", "STATE", "TXG", "HOST", "DEVICES", "PROBLEM"));
    for (PoolInfo pool : found) {
      table.row(
          pool.name(),
          Long.toUnsignedString(pool.guid()),
          state(pool),
          pool.txg(),
          pool.hostName().isEmpty() ? "-" : pool.hostName(),
          String.join(",", pool.devices().stream().map(Path::toString).toList()),
          problem(pool));
    }
    if (found.isEmpty() && !output.json && !output.noHeaders) {
      out()
          .println(
              "no pool was found"
                  + (places.isEmpty()
                      ? " on the block devices; look elsewhere with 'lcpfs pool import -d DIR'"
                      : "; look elsewhere with -d DIR"));
      return ExitCode.OK;
    }
    table.print(out());
    if (!output.json && !output.noHeaders) {
      String where = places.isEmpty() ? "" : " -d " + places.getFirst();
      out().println();
      out().println("Import one with 'lcpfs pool import" + where + " NAME'.");
    }
    return ExitCode.OK;
  }

  private String state(PoolInfo pool) {
    boolean known = cli.registry().list().stream().anyMatch(entry -> entry.guid() == pool.guid());
    return known
        ? "imported"
        : switch (pool.state()) {
          case ACTIVE -> "in use or not exported";
          case EXPORTED -> "exported";
          case DESTROYED -> "destroyed";
        };
  }

  private static String problem(PoolInfo pool) {
    if (!pool.complete()) {
      return "missing " + String.join(", ", pool.missing());
    }
    return pool.damagedLabels() == 0 ? "-" : pool.damagedLabels() + " labels damaged";
  }

  private PoolInfo choose(List<PoolInfo> found) {
    List<PoolInfo> matching =
        found.stream()
            .filter(
                pool ->
                    pool.name().equals(wanted) || Long.toUnsignedString(pool.guid()).equals(wanted))
            .toList();
    if (matching.isEmpty()) {
      if (cli.registry().find(wanted).isPresent()) {
        throw Failure.failed(
            wanted, "is imported already", "use it, for example 'lcpfs ls " + wanted + ":/'");
      }
      String seen =
          found.isEmpty()
              ? ""
              : " (found: " + String.join(", ", found.stream().map(PoolInfo::name).toList()) + ")";
      throw Failure.failed(
          wanted, "no such pool was found" + seen, "name the directory of its devices with -d DIR");
    }
    if (matching.size() > 1) {
      throw Failure.failed(
          wanted,
          "several pools have this name",
          "name one by its guid: "
              + String.join(
                  ", ", matching.stream().map(p -> Long.toUnsignedString(p.guid())).toList()));
    }
    return matching.getFirst();
  }

  private Integer importAll(List<PoolInfo> found, boolean readOnly) {
    int failed = 0;
    for (PoolInfo pool : found) {
      if (cli.registry().list().stream().anyMatch(entry -> entry.guid() == pool.guid())) {
        continue;
      }
      try {
        importOne(pool, readOnly, "");
      } catch (Failure | PoolException e) {
        cli.warn(Messages.of(e));
        failed++;
      }
    }
    return failed == 0 ? ExitCode.OK : ExitCode.FAILED;
  }

  private void importOne(PoolInfo info, boolean readOnly, String rename) {
    String name = rename.isEmpty() ? info.name() : rename;
    if (cli.registry().list().stream().anyMatch(entry -> entry.guid() == info.guid())) {
      throw Failure.failed(
          info.name(),
          "is imported already",
          "use it, for example 'lcpfs ls " + info.name() + ":/'");
    }
    if (cli.registry().find(name).isPresent()) {
      throw Registry.nameTaken(name);
    }
    if (!info.complete()) {
      throw Failure.failed(
          info.name(),
          "devices are missing: " + String.join(", ", info.missing()),
          "attach them, or name where they are with another -d DIR");
    }
    OpenOptions options =
        OpenOptions.standard()
            .withReadOnly(readOnly)
            .withPoolGuid(info.guid())
            .withNewName(readOnly ? "" : rename)
            .withForce(force)
            .withRewind(rewind)
            .withHost(cli.host())
            .withTuning(cli.tuning());
    if (readOnly && !rename.isEmpty()) {
      throw Failure.usage(
          rename,
          "a read-only import cannot rename the pool",
          "leave out the new name or readonly=on");
    }
    try (Pool pool = PoolDevices.open(info.devices(), options, cli.env())) {
      if (!readOnly) {
        cli.remember(pool);
      }
      cli.registry()
          .add(
              new Registry.Entry(
                  pool.name(), pool.guid(), readOnly, readOnly && rewind, info.devices()));
      if (!output.json) {
        out()
            .println(
                "imported "
                    + pool.name()
                    + (readOnly ? " read-only" : "")
                    + (rewind ? ", as of its checkpoint" : ""));
      }
    }
  }
}
