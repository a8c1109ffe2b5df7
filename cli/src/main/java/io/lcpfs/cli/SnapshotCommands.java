package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.dataset.DatasetName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What {@code lcpfs fs} does with snapshots. */
final class SnapshotCommands {
  private SnapshotCommands() {}

  /** {@code lcpfs fs snapshot}. */
  @Command(
      name = "snapshot",
      description = "Keep datasets as they are now; takes no time and, at first, no space.")
  static final class Take extends BaseCommand {
    @Option(
        names = {"-r", "--recursive"},
        description = "Of all datasets below it too, at the same moment.")
    boolean recursive;

    @Parameters(
        arity = "1..*",
        paramLabel = "DATASET@NAME",
        description = "For example tank/home@monday")
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
          group.getValue().forEach(name -> pool.createSnapshots(name, recursive));
          cli.remember(pool);
        }
      }
      return ExitCode.OK;
    }
  }

  /**
   * What the user asked for beside the snapshots.
   *
   * @param recursive the same of all datasets below it, where there are such snapshots
   * @param clones and all clones of them
   * @param defer those that something keeps go when it does
   * @param dryRun print the names and change nothing
   * @param verbose print the names
   */
  record Destroyed(
      boolean recursive, boolean clones, boolean defer, boolean dryRun, boolean verbose) {}

  /**
   * Destroys what {@code DATASET@SPEC} names: SPEC is names and ranges {@code FIRST%LAST}, either
   * end of which may be left out, separated by commas.
   *
   * @param how what else the user asked for
   */
  static int destroy(Cli cli, String word, Destroyed how) {
    String dataset = DatasetName.datasetOf(word);
    DatasetName.check(dataset);
    String spec = DatasetName.snapshotOf(word);
    String poolName = DatasetName.poolOf(dataset);
    try (Pool pool = how.dryRun ? cli.openToRead(poolName) : cli.openToWrite(poolName)) {
      Map<Dataset, List<String>> doomed = new LinkedHashMap<>();
      Set<String> unknown = null;
      for (Dataset one : FsCommands.datasets(pool, List.of(dataset), how.recursive || how.clones)) {
        Set<String> missing = new LinkedHashSet<>();
        List<Snapshot> snapshots = one.snapshots();
        List<String> names = select(snapshots, spec, word, missing);
        if (!how.defer) {
          snapshots.stream()
              .filter(snapshot -> names.contains(snapshot.shortName()))
              .forEach(HoldCommands::refuseHeld);
        }
        unknown = unknown == null ? missing : retained(unknown, missing);
        if (!names.isEmpty()) {
          doomed.put(one, names);
        }
      }
      if (unknown != null && !unknown.isEmpty()) {
        throw Failure.failed(
            dataset + "@" + unknown.iterator().next(),
            "no such snapshot",
            "see 'lcpfs fs list -t snapshot " + dataset + "'");
      }
      for (Map.Entry<Dataset, List<String>> entry : doomed.entrySet()) {
        if (how.dryRun || how.verbose) {
          String what = how.dryRun ? "would destroy " : "destroys ";
          entry
              .getValue()
              .forEach(name -> cli.out().println(what + entry.getKey().name() + "@" + name));
        }
        if (how.dryRun) {
          continue;
        }
        if (how.clones) {
          entry.getKey().destroySnapshotsWithClones(entry.getValue());
        } else if (how.defer) {
          entry.getKey().destroySnapshotsLater(entry.getValue());
        } else {
          entry.getKey().destroySnapshots(entry.getValue());
        }
      }
      if (!how.dryRun) {
        cli.remember(pool);
      }
    }
    return ExitCode.OK;
  }

  private static Set<String> retained(Set<String> some, Set<String> others) {
    return some.stream()
        .filter(others::contains)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /**
   * The names that {@code spec} selects, oldest first; those that do not exist go to {@code
   * missing}.
   */
  private static List<String> select(
      List<Snapshot> snapshots, String spec, String word, Set<String> missing) {
    List<String> known = snapshots.stream().map(Snapshot::shortName).toList();
    Set<String> chosen = new LinkedHashSet<>();
    for (String part : spec.split(",", -1)) {
      int percent = part.indexOf('%');
      if (part.isEmpty()) {
        throw Failure.usage(word, "has an empty name", "write it as DATASET@NAME or DATASET@A%B,C");
      }
      String first = percent < 0 ? part : part.substring(0, percent);
      String last = percent < 0 ? part : part.substring(percent + 1);
      int from = first.isEmpty() ? 0 : known.indexOf(first);
      int to = last.isEmpty() ? known.size() - 1 : known.indexOf(last);
      if (from < 0) {
        missing.add(first);
      }
      if (to < 0 && !last.isEmpty()) {
        missing.add(last);
      }
      for (int i = from; from >= 0 && i <= to; i++) {
        chosen.add(known.get(i));
      }
    }
    return known.stream().filter(chosen::contains).toList();
  }

  /** Renames {@code from}, a snapshot, to {@code to}: a full name, or what begins with an @. */
  static int rename(Cli cli, String from, String to) {
    DatasetName.checkSnapshot(from);
    String dataset = DatasetName.datasetOf(from);
    String full = to.startsWith("@") ? dataset + to : to;
    DatasetName.checkSnapshot(full);
    if (!DatasetName.datasetOf(full).equals(dataset)) {
      throw Failure.usage(
          to, "is no snapshot of " + dataset, "write the new name as " + dataset + "@NAME");
    }
    try (Pool pool = cli.openToWrite(DatasetName.poolOf(dataset))) {
      pool.snapshot(from).rename(DatasetName.snapshotOf(full));
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
