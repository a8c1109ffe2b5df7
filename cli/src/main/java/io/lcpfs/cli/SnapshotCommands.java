package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.dataset.DatasetName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What {@code lcpfs fs} does with snapshots. */
final class SnapshotCommands {
  private SnapshotCommands() {}

  /** {@code lcpfs fs snapshot}. */
  @Command(
      name = "snapshot",
      aliases = "snap",
      description = "Keep datasets as they are now; takes no time and, at first, no space.")
  static final class Take extends BaseCommand {
    @Option(
        names = {"-r", "--recursive"},
        description = "Of all datasets below it too, at the same moment.")
    boolean recursive;

    @Parameters(
        arity = "1..*",
        paramLabel = "DATASET@NAME",
        description = "For example tank/home@monday; several of a pool are taken all or none.")
    List<String> names = new ArrayList<>();

    Take(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      names.forEach(DatasetName::checkSnapshot);
      Map<String, List<String>> byPool = new LinkedHashMap<>();
      for (String name : names) {
        byPool.computeIfAbsent(DatasetName.poolOf(name), pool -> new ArrayList<>()).add(name);
      }
      for (Map.Entry<String, List<String>> group : byPool.entrySet()) {
        try (Pool pool = cli.openToWrite(group.getKey())) {
          pool.createSnapshots(group.getValue(), recursive);
          cli.remember(pool);
        }
      }
      return ExitCode.OK;
    }
  }

  /**
   * Renames {@code from}, a snapshot, to {@code to}: a full name, or what begins with an @.
   *
   * @param recursive those of its name of all datasets below, too
   */
  static int rename(Cli cli, String from, String to, boolean recursive) {
    DatasetName.checkSnapshot(from);
    String dataset = DatasetName.datasetOf(from);
    String full = to.startsWith("@") ? dataset + to : to;
    DatasetName.checkSnapshot(full);
    if (!DatasetName.datasetOf(full).equals(dataset)) {
      throw Failure.usage(
          to, "is no snapshot of " + dataset, "write the new name as " + dataset + "@NAME");
    }
    try (Pool pool = cli.openToWrite(DatasetName.poolOf(dataset))) {
      if (recursive) {
        pool.dataset(dataset)
            .renameSnapshotsBelow(DatasetName.snapshotOf(from), DatasetName.snapshotOf(full));
      } else {
        pool.snapshot(from).rename(DatasetName.snapshotOf(full));
      }
      cli.remember(pool);
    }
    return ExitCode.OK;
  }

  /** The snapshots that a word names: one or, with {@code below}, one of each dataset below too. */
  static List<Snapshot> named(Pool pool, String word, boolean below) {
    DatasetName.checkSnapshot(word);
    return below
        ? pool.dataset(DatasetName.datasetOf(word)).snapshotsBelow(DatasetName.snapshotOf(word))
        : List.of(pool.snapshot(word));
  }
}
