package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertySource;
import io.lcpfs.dataset.PropertyValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Holds, which keep snapshots from being destroyed. */
final class HoldCommands {
  private HoldCommands() {}

  /** Names of snapshots by pool. */
  private static Map<String, List<String>> byPool(List<String> names) {
    names.forEach(DatasetName::checkSnapshot);
    Map<String, List<String>> byPool = new LinkedHashMap<>();
    for (String name : names) {
      byPool.computeIfAbsent(DatasetName.poolOf(name), pool -> new ArrayList<>()).add(name);
    }
    return byPool;
  }

  /** The snapshots of these names, and with {@code recursive} those of the datasets below. */
  private static List<Snapshot> snapshots(Pool pool, List<String> names, boolean recursive) {
    List<Snapshot> found = new ArrayList<>();
    for (String name : names) {
      List<Snapshot> below =
          recursive
              ? pool.dataset(DatasetName.datasetOf(name))
                  .snapshotsBelow(DatasetName.snapshotOf(name))
              : List.of();
      found.addAll(below.isEmpty() ? List.of(pool.snapshot(name)) : below);
    }
    return found;
  }

  /** What sets or ends a tag on snapshots. */
  abstract static class Tagging extends BaseCommand {
    @Parameters(index = "0", paramLabel = "TAG", description = "Says whose hold it is.")
    String tag = "";

    @Parameters(
        index = "1..*",
        arity = "1..*",
        paramLabel = "DATASET@NAME",
        description = "The snapshots.")
    List<String> names = new ArrayList<>();

    Tagging(Cli cli) {
      super(cli);
    }

    /** Whether the snapshots of these names of all datasets below are meant, too. */
    abstract boolean recursive();

    abstract void tag(List<Snapshot> snapshots);

    @Override
    public Integer call() {
      for (Map.Entry<String, List<String>> group : byPool(names).entrySet()) {
        try (Pool pool = cli.openToWrite(group.getKey())) {
          tag(snapshots(pool, group.getValue(), recursive()));
          cli.remember(pool);
        }
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs fs hold}. */
  @Command(
      name = "hold",
      description = "Keep snapshots from being destroyed until the hold is released.")
  static final class Hold extends Tagging {
    @Option(
        names = {"-r", "--recursive"},
        description = "Those of this name of all datasets below it, too: all or none.")
    boolean recursive;

    Hold(Cli cli) {
      super(cli);
    }

    @Override
    boolean recursive() {
      return recursive;
    }

    @Override
    void tag(List<Snapshot> snapshots) {
      Snapshot.hold(snapshots, tag);
    }
  }

  /** {@code lcpfs fs release}. */
  @Command(
      name = "release",
      description = "Release holds; what was to be destroyed after the last one is.")
  static final class Release extends Tagging {
    @Option(
        names = {"-r", "--recursive"},
        description =
            "Those of this name of all datasets below it, too, where they have the hold; at least"
                + " one must.")
    boolean recursive;

    Release(Cli cli) {
      super(cli);
    }

    @Override
    boolean recursive() {
      return recursive;
    }

    @Override
    void tag(List<Snapshot> snapshots) {
      List<Snapshot> held = snapshots.stream().filter(one -> one.holds().containsKey(tag)).toList();
      // Below the named ones some may not have it; one that was named has to.
      Snapshot.release(recursive && !held.isEmpty() ? held : snapshots, tag);
    }
  }

  /** {@code lcpfs fs holds}. */
  @Command(name = "holds", description = "List what holds snapshots.")
  static final class Holds extends BaseCommand {
    @Mixin OutputOptions output = new OutputOptions();

    @Option(
        names = {"-r", "--recursive"},
        description = "Those of this name of all datasets below it, too.")
    boolean recursive;

    @Parameters(arity = "1..*", paramLabel = "DATASET@NAME", description = "The snapshots.")
    List<String> names = new ArrayList<>();

    Holds(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      Table table = new Table(output, "holds", List.of("NAME", "TAG", "TIMESTAMP"));
      for (Map.Entry<String, List<String>> group : byPool(names).entrySet()) {
        try (Pool pool = cli.openToRead(group.getKey())) {
          for (Snapshot snapshot : snapshots(pool, group.getValue(), recursive)) {
            snapshot
                .holds()
                .forEach((tag, seconds) -> table.row(snapshot.name(), tag, time(seconds)));
          }
        }
      }
      table.print(out());
      return ExitCode.OK;
    }

    private static Table.Shown time(long seconds) {
      return FsCommands.shown(
          PropertyCatalog.dataset("creation"),
          PropertyValue.of(Long.toString(seconds), PropertySource.NONE));
    }
  }
}
