package io.lcpfs.cli;

import io.lcpfs.api.Checkpoint;
import io.lcpfs.api.Pool;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertySource;
import io.lcpfs.dataset.PropertyValue;
import io.lcpfs.dataset.Sizes;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.Profile;
import io.lcpfs.pool.DeviceStatus;
import io.lcpfs.pool.HistoryEvent;
import io.lcpfs.pool.PoolStatus;
import io.lcpfs.pool.VerifyReport;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Commands that look at pools and change nothing. */
final class PoolInspect {
  private PoolInspect() {}

  private static List<Registry.Entry> entries(Cli cli, List<String> names) {
    return names.isEmpty() ? cli.registry().list() : names.stream().map(cli::known).toList();
  }

  /** {@code lcpfs pool list}. */
  @Command(name = "list", description = "List the imported pools with their space.")
  static final class ListPools extends BaseCommand {
    @Mixin OutputOptions output = new OutputOptions();

    @Parameters(arity = "0..*", paramLabel = "POOL", description = "Only these.")
    List<String> names = new ArrayList<>();

    ListPools(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      Table table =
          new Table(
              output,
              "pools",
              List.of("NAME", "SIZE", "ALLOC", "FREE", "CKPOINT", "FRAG", "CAP", "HEALTH"));
      int failed = 0;
      List<Registry.Entry> entries = entries(cli, names);
      for (Registry.Entry entry : entries) {
        try (Pool pool = cli.open(entry, true)) {
          PoolStatus status = pool.status();
          table.row(
              entry.name(),
              new Table.Bytes(status.sizeBytes()),
              new Table.Bytes(status.allocatedBytes()),
              new Table.Bytes(status.freeBytes()),
              pool.checkpoints()
                  .find()
                  .<Object>map(checkpoint -> new Table.Bytes(checkpoint.usedBytes()))
                  .orElse("-"),
              new Table.Percent(status.fragmentationPercent()),
              new Table.Percent(Long.parseLong(pool.property("capacity").value())),
              status.health().name());
        } catch (PoolException | Failure e) {
          cli.warn(Messages.of(e));
          table.row(entry.name(), "-", "-", "-", "-", "-", "-", "UNAVAIL");
          failed++;
        }
      }
      if (entries.isEmpty() && !output.json && !output.noHeaders) {
        out()
            .println(
                "no pool is imported; make one with 'lcpfs pool create', or find one with"
                    + " 'lcpfs pool import -d DIR'");
        return ExitCode.OK;
      }
      table.print(out());
      return failed == 0 ? ExitCode.OK : ExitCode.FAILED;
    }
  }

  /** {@code lcpfs pool status}. */
  @Command(name = "status", description = "Show how pools and their devices are.")
  static final class Status extends BaseCommand {
    @Mixin OutputOptions output = new OutputOptions();

    @Parameters(arity = "0..*", paramLabel = "POOL", description = "Only these.")
    List<String> names = new ArrayList<>();

    Status(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      List<Object> json = new ArrayList<>();
      int failed = 0;
      List<Registry.Entry> entries = entries(cli, names);
      for (Registry.Entry entry : entries) {
        try (Pool pool = cli.open(entry, true)) {
          PoolStatus status = pool.status();
          if (output.json) {
            json.add(asJson(status, entry.readOnly(), pool.checkpoints().find()));
          } else {
            print(status, entry, pool.checkpoints().find());
          }
        } catch (PoolException | Failure e) {
          cli.warn(Messages.of(e));
          failed++;
        }
      }
      if (output.json) {
        out().println(Json.write(Map.of("pools", json)));
      } else if (entries.isEmpty()) {
        out().println("no pool is imported; find one with 'lcpfs pool import -d DIR'");
      }
      return failed == 0 ? ExitCode.OK : ExitCode.FAILED;
    }

    private void print(PoolStatus status, Registry.Entry entry, Optional<Checkpoint> checkpoint) {
      out().println("  pool: " + status.name());
      out().println(" state: " + status.health() + how(entry));
      out()
          .println(
              " space: "
                  + Sizes.print(status.allocatedBytes())
                  + " of "
                  + Sizes.print(status.sizeBytes())
                  + " in use, "
                  + Sizes.print(status.freeBytes())
                  + " free"
                  + (status.freeingBytes() == 0
                      ? ""
                      : ", " + Sizes.print(status.freeingBytes()) + " on its way back"));
      out().println("   txg: " + status.txg());
      checkpoint.ifPresent(
          kept ->
              out()
                  .println(
                      "checkpoint: of "
                          + CheckpointCommand.time(kept)
                          + ", txg "
                          + kept.txg()
                          + ", keeps "
                          + Sizes.print(kept.usedBytes())));
      out().println("config:");
      Table table =
          new Table(
              output, "devices", List.of("  NAME", "STATE", "SIZE", "READ", "WRITE", "CKSUM"));
      boolean inLogs = false;
      int group = -1;
      for (DeviceStatus device : status.devices()) {
        if (device.placement() == PlacementClass.LOG && !inLogs) {
          inLogs = true;
          table.row("logs", "", "", "", "", "");
        }
        boolean mirrored = device.profile().kind() == Profile.Kind.MIRROR;
        if (mirrored && device.group() != group) {
          table.row("  mirror-" + device.group(), "", "", "", "", "");
        }
        group = device.group();
        table.row(
            (mirrored ? "    " : "  ") + device.name(),
            device.health().name(),
            new Table.Bytes(device.sizeBytes()),
            device.readErrors(),
            device.writeErrors(),
            device.checksumErrors());
      }
      table.print(out());
      if (status.problems().isEmpty()) {
        out().println("errors: no known errors");
      } else {
        out().println("errors:");
        status.problems().forEach(problem -> out().println("  " + problem));
      }
    }

    private static String how(Registry.Entry entry) {
      return entry.atCheckpoint()
          ? " (as of its checkpoint, read-only)"
          : entry.readOnly() ? " (imported read-only)" : "";
    }

    private static Map<String, Object> asJson(
        PoolStatus status, boolean readOnly, Optional<Checkpoint> checkpoint) {
      Map<String, Object> pool = new LinkedHashMap<>();
      pool.put("name", status.name());
      pool.put("guid", Long.toUnsignedString(status.guid()));
      pool.put("health", status.health());
      pool.put("readonly", readOnly);
      pool.put("txg", status.txg());
      pool.put("version", status.version());
      pool.put("size", status.sizeBytes());
      pool.put("allocated", status.allocatedBytes());
      pool.put("free", status.freeBytes());
      pool.put("freeing", status.freeingBytes());
      checkpoint.ifPresent(kept -> pool.put("checkpoint", CheckpointCommand.asJson(kept)));
      pool.put("fragmentation", status.fragmentationPercent());
      pool.put("features", status.features());
      List<Object> devices = new ArrayList<>();
      for (DeviceStatus device : status.devices()) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("name", device.name());
        one.put("guid", Long.toUnsignedString(device.guid()));
        one.put("group", device.group());
        one.put("layout", device.profile().toString());
        one.put("class", device.placement().name().toLowerCase(Locale.ROOT));
        one.put("health", device.health());
        one.put("size", device.sizeBytes());
        one.put("allocated", device.allocatedBytes());
        one.put("read_errors", device.readErrors());
        one.put("write_errors", device.writeErrors());
        one.put("checksum_errors", device.checksumErrors());
        one.put("repaired", device.repaired());
        devices.add(one);
      }
      pool.put("devices", devices);
      pool.put("problems", status.problems());
      return pool;
    }
  }

  /** {@code lcpfs pool get}. */
  @Command(name = "get", description = "Show properties of pools.")
  static final class Get extends BaseCommand {
    @Mixin OutputOptions output = new OutputOptions();

    @Parameters(index = "0", paramLabel = "PROPERTY[,...]", description = "Names, or all.")
    String wanted = "";

    @Parameters(index = "1..*", arity = "0..*", paramLabel = "POOL", description = "Only these.")
    List<String> names = new ArrayList<>();

    Get(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      Table table = new Table(output, "properties", List.of("NAME", "PROPERTY", "VALUE", "SOURCE"));
      if (!wanted.equals("all")) {
        List.of(wanted.split(",", -1)).forEach(PropertyCatalog::pool);
      }
      for (Registry.Entry entry : entries(cli, names)) {
        try (Pool pool = cli.open(entry, true)) {
          Map<String, PropertyValue> values = new LinkedHashMap<>();
          if (wanted.equals("all")) {
            values.putAll(pool.properties());
          } else {
            for (String property : wanted.split(",", -1)) {
              values.put(property, pool.property(property));
            }
          }
          // To look at a pool it was opened read-only; what counts is how it was imported.
          values.computeIfPresent(
              "readonly",
              (property, value) ->
                  PropertyValue.of(entry.readOnly() ? "on" : "off", PropertySource.NONE));
          values.forEach(
              (property, value) ->
                  table.row(
                      pool.name(),
                      property,
                      FsCommands.shown(PropertyCatalog.pool(property), value),
                      value.sourceText()));
        }
      }
      table.print(out());
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs pool history}. */
  @Command(name = "history", description = "Show the commands that changed a pool.")
  static final class History extends BaseCommand {
    @Mixin OutputOptions output = new OutputOptions();

    @Option(
        names = {"-l", "--long"},
        description = "Show who and in which transaction group.")
    boolean detailed;

    @Parameters(arity = "0..*", paramLabel = "POOL", description = "Only these.")
    List<String> names = new ArrayList<>();

    History(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      DateTimeFormatter format =
          DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT)
              .withZone(ZoneId.systemDefault());
      Table table =
          new Table(
              output,
              "history",
              detailed
                  ? List.of("POOL", "TIME", "TXG", "WHO", "COMMAND")
                  : List.of("POOL", "TIME", "COMMAND"));
      for (Registry.Entry entry : entries(cli, names)) {
        try (Pool pool = cli.open(entry, true)) {
          for (HistoryEvent event : pool.history()) {
            long seconds = Math.floorDiv(event.wallNanos(), 1_000_000_000L);
            Object time =
                new Table.Shown(format.format(Instant.ofEpochSecond(seconds)), event.wallNanos());
            if (detailed) {
              table.row(pool.name(), time, event.txg(), event.who(), event.command());
            } else {
              table.row(pool.name(), time, event.command());
            }
          }
        }
      }
      table.print(out());
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs pool verify}. */
  @Command(
      name = "verify",
      description = "Read and check every block and every structure of a pool.")
  static final class Verify extends BaseCommand {
    private static final int SHOWN_FINDINGS = 100;

    @Option(
        names = {"-j", "--json"},
        description = "Print JSON.")
    boolean json;

    @Parameters(paramLabel = "POOL", description = "The pool.")
    String name = "";

    Verify(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      long start = cli.env().nanoTime();
      VerifyReport report;
      try (Pool pool = cli.openToRead(name)) {
        ProgressLine line = ProgressLine.onTerminal(cli);
        KernelWarmUp kernels = new KernelWarmUp(cli);
        report =
            pool.verify(
                progress -> {
                  line.show(progress);
                  kernels.worked(progress.doneBytes());
                });
        line.clear();
      }
      double seconds = (cli.env().nanoTime() - start) / 1e9;
      if (json) {
        printJson(report, seconds);
      } else {
        print(report, seconds);
      }
      return report.clean() ? ExitCode.OK : ExitCode.FAILED;
    }

    private void print(VerifyReport report, double seconds) {
      report.findings().stream()
          .limit(SHOWN_FINDINGS)
          .forEach(
              finding ->
                  out().println(finding.check() + ": " + finding.where() + ": " + finding.what()));
      if (report.findings().size() > SHOWN_FINDINGS) {
        out()
            .println(
                "... and "
                    + (report.findings().size() - SHOWN_FINDINGS)
                    + " more; 'lcpfs pool verify -j "
                    + name
                    + "' prints all");
      }
      StringBuilder counts = new StringBuilder();
      report
          .counts()
          .forEach((what, count) -> counts.append(", ").append(count).append(' ').append(what));
      String summary =
          Sizes.print(report.bytesChecked())
              + counts
              + " in "
              + String.format(Locale.ROOT, "%.1f s", seconds);
      if (report.clean()) {
        out().println(name + ": sound; checked " + summary);
      } else {
        out().flush();
        cli.warn(
            name
                + ": "
                + report.findings().size()
                + " findings ("
                + summary
                + "); restore what is named above from a copy");
      }
    }

    private void printJson(VerifyReport report, double seconds) {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("pool", name);
      object.put("clean", report.clean());
      object.put("bytes_checked", report.bytesChecked());
      object.put("seconds", seconds);
      object.put("counts", report.counts());
      List<Object> findings = new ArrayList<>();
      for (VerifyReport.Finding finding : report.findings()) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("check", finding.check());
        one.put("where", finding.where());
        one.put("what", finding.what());
        findings.add(one);
      }
      object.put("findings", findings);
      out().println(Json.write(object));
    }
  }
}
