package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.DestroyPlan;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.Sizes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code lcpfs fs destroy}: what is to go is looked for and found allowed before anything goes,
 * also for {@code -n}.
 */
@Command(
    name = "destroy",
    description = {
      "Destroy datasets with everything in them, snapshots, or a bookmark.",
      "What is refused has destroyed nothing."
    })
final class DestroyCommand extends BaseCommand {
  @Mixin OutputOptions output = new OutputOptions();

  @Option(
      names = {"-r", "--recursive"},
      description = "With its snapshots and all datasets below it; of snapshots, theirs too.")
  boolean recursive;

  @Option(
      names = {"-R"},
      description = "As -r, and with all clones of the snapshots, wherever they are.")
  boolean clones;

  @Option(
      names = {"-d", "--defer"},
      description = "Snapshots that are held or have clones go when nothing keeps them.")
  boolean defer;

  @Option(
      names = {"-n", "--dry-run"},
      description = "Only say what would go, and how much would be free by it where that is known.")
  boolean dryRun;

  @Option(
      names = {"-v", "--verbose"},
      description = "Say what went; -H, -p and -j print that as those of -n.")
  boolean verbose;

  @Parameters(
      arity = "1..*",
      paramLabel = "DATASET[@NAME[%NAME][,...]|#NAME]",
      description =
          "Datasets; with an @, their snapshots of these names and ranges, all or none; with a #, a"
              + " bookmark.")
  List<String> words = new ArrayList<>();

  DestroyCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    String first = words.getFirst();
    boolean snapshots = DatasetName.isSnapshot(first);
    boolean bookmarks = DatasetName.isBookmark(first);
    for (String word : words) {
      refuseAnother(first, word);
    }
    if (defer && !snapshots) {
      throw Failure.usage("-d", "works with snapshots only", "write DATASET@NAME");
    }
    if (bookmarks) {
      if (dryRun || words.size() > 1) {
        throw Failure.usage(
            first, "is a bookmark, which is destroyed alone and without -n", "name one bookmark");
      }
      return BookmarkCommands.destroy(cli, first);
    }
    String poolName = DatasetName.poolOf(DatasetName.datasetOf(first));
    try (Pool pool = dryRun ? cli.openToRead(poolName) : cli.openToWrite(poolName)) {
      DestroyPlan plan =
          snapshots
              ? pool.destruction().snapshots(snapshots(pool), clones, defer)
              : pool.destruction().datasets(words, recursive, clones);
      Told told = dryRun || verbose ? Told.of(plan) : null;
      if (!dryRun) {
        plan.run();
        cli.remember(pool);
      }
      if (told != null) {
        print(told);
      }
    }
    return ExitCode.OK;
  }

  /** Refuses a word of another kind or pool than the first. */
  private static void refuseAnother(String first, String word) {
    DatasetName.check(DatasetName.datasetOf(word));
    if (DatasetName.isSnapshot(word) != DatasetName.isSnapshot(first)
        || DatasetName.isBookmark(word) != DatasetName.isBookmark(first)) {
      throw Failure.usage(
          word, "is of another kind than " + first, "destroy it with a command of its own");
    }
    if (!DatasetName.poolOf(word).equals(DatasetName.poolOf(first))) {
      throw Failure.usage(
          word, "lies in another pool than " + first, "destroy it with a command of its own");
    }
  }

  /** Full names of the snapshots that the words select. */
  private List<String> snapshots(Pool pool) {
    List<String> names = new ArrayList<>();
    for (String word : words) {
      String dataset = DatasetName.datasetOf(word);
      Set<String> unknown = null;
      for (Dataset one : FsCommands.datasets(pool, List.of(dataset), recursive || clones)) {
        Set<String> missing = new LinkedHashSet<>();
        select(one, word, missing).forEach(name -> names.add(one.name() + "@" + name));
        unknown = unknown == null ? missing : retained(unknown, missing);
      }
      if (unknown != null && !unknown.isEmpty()) {
        throw Failure.failed(
            dataset + "@" + unknown.iterator().next(),
            "no such snapshot",
            "see 'lcpfs fs list -t snapshot " + dataset + "'");
      }
    }
    return names;
  }

  private static Set<String> retained(Set<String> some, Set<String> others) {
    return some.stream()
        .filter(others::contains)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /**
   * The names that the part of {@code word} after the @ selects of a dataset's snapshots, oldest
   * first: names and ranges {@code FIRST%LAST}, either end of which may be left out, separated by
   * commas. Those that do not exist go to {@code missing}.
   */
  private static List<String> select(Dataset dataset, String word, Set<String> missing) {
    List<String> known = dataset.snapshots().stream().map(Snapshot::shortName).toList();
    Set<String> chosen = new LinkedHashSet<>();
    for (String part : DatasetName.snapshotOf(word).split(",", -1)) {
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
      if (from > to && to >= 0) {
        throw Failure.failed(
            dataset.name() + "@" + part,
            "is a range in the wrong order, as " + last + " is older than " + first,
            "write the older one first: " + last + "%" + first);
      }
      for (int i = from; from >= 0 && i <= to; i++) {
        chosen.add(known.get(i));
      }
    }
    return known.stream().filter(chosen::contains).toList();
  }

  /** What goes, as it was before it went. */
  private record Told(List<String> destroyed, List<String> deferred, OptionalLong reclaimed) {
    static Told of(DestroyPlan plan) {
      return new Told(plan.destroyed(), plan.deferred(), plan.reclaimedBytes());
    }
  }

  private void print(Told told) {
    if (output.json) {
      Map<String, Object> all = new LinkedHashMap<>();
      all.put("destroy", told.destroyed);
      all.put("defer", told.deferred);
      told.reclaimed.ifPresent(bytes -> all.put("reclaim", bytes));
      out().println(Json.write(all));
      return;
    }
    told.destroyed.forEach(name -> print("destroy", "destroyed", name));
    told.deferred.forEach(name -> print("defer", "deferred", name));
    told.reclaimed.ifPresent(
        bytes ->
            print(
                "reclaim", "reclaimed", output.exact ? Long.toString(bytes) : Sizes.print(bytes)));
  }

  private void print(String verb, String done, String what) {
    out()
        .println(
            output.noHeaders ? verb + "\t" + what : (dryRun ? "would " + verb : done) + " " + what);
  }
}
