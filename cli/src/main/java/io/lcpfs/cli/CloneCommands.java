package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.dataset.DatasetName;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What {@code lcpfs fs} does with datasets that begin as a snapshot, or go back to one. */
final class CloneCommands {
  private CloneCommands() {}

  /** {@code lcpfs fs clone}. */
  @Command(
      name = "clone",
      description =
          "Make a dataset that begins as a snapshot; takes no time and, at first, no space.")
  static final class Make extends BaseCommand {
    @Option(
        names = {"-p", "--parents"},
        description = "Make missing parents of the new dataset, too.")
    boolean parents;

    @Option(names = "-o", paramLabel = "PROPERTY=VALUE", description = "Set a property.")
    List<String> properties = new ArrayList<>();

    @Parameters(index = "0", paramLabel = "DATASET@NAME", description = "The snapshot.")
    String snapshot = "";

    @Parameters(index = "1", paramLabel = "DATASET", description = "The dataset to make.")
    String target = "";

    Make(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      DatasetName.checkSnapshot(snapshot);
      DatasetName.check(target);
      String poolName = DatasetName.poolOf(snapshot);
      if (!DatasetName.poolOf(target).equals(poolName)) {
        throw Failure.usage(
            target,
            "lies in another pool than " + snapshot,
            "use 'lcpfs send' to take a snapshot to another pool");
      }
      try (Pool pool = cli.openToWrite(poolName)) {
        var values = Assignments.parseAll(properties);
        if (parents) {
          pool.snapshot(snapshot).cloneWithParents(target, values);
        } else {
          pool.snapshot(snapshot).cloneTo(target, values);
        }
        cli.remember(pool);
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs fs promote}. */
  @Command(
      name = "promote",
      description = {
        "Make a clone the owner of the snapshot that it began as, and of older ones.",
        "The dataset that had them becomes a clone, and can be destroyed."
      })
  static final class Promote extends BaseCommand {
    @Parameters(paramLabel = "DATASET", description = "The clone.")
    String name = "";

    Promote(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      DatasetName.check(name);
      try (Pool pool = cli.openToWrite(DatasetName.poolOf(name))) {
        pool.dataset(name).promote();
        cli.remember(pool);
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs fs rollback}. */
  @Command(
      name = "rollback",
      description = {
        "Make a dataset what it was when a snapshot was taken; what came after is lost.",
        "It must not be mounted."
      })
  static final class Rollback extends BaseCommand {
    @Option(
        names = {"-r", "--recursive"},
        description = "Destroy newer snapshots and bookmarks; without, there must be none.")
    boolean newer;

    @Option(
        names = {"-R"},
        description = "Destroy newer snapshots and all clones of them.")
    boolean clones;

    @Parameters(paramLabel = "DATASET@NAME", description = "The snapshot to go back to.")
    String snapshot = "";

    Rollback(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      DatasetName.checkSnapshot(snapshot);
      try (Pool pool = cli.openToWrite(DatasetName.poolOf(snapshot))) {
        var dataset = pool.dataset(DatasetName.datasetOf(snapshot));
        String name = DatasetName.snapshotOf(snapshot);
        if (clones) {
          dataset.rollbackWithClones(name);
        } else {
          dataset.rollback(name, newer);
        }
        cli.remember(pool);
      }
      return ExitCode.OK;
    }
  }
}
