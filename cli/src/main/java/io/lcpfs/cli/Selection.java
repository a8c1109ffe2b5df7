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
import picocli.CommandLine.Option;

/** Which datasets, snapshots and bookmarks a command shows. */
final class Selection {
  private static final String FILESYSTEM = "filesystem";
  private static final String SNAPSHOT = "snapshot";
  private static final String BOOKMARK = "bookmark";

  /** The words of {@code -t}, and what each means. */
  static final Map<String, List<String>> TYPES = new LinkedHashMap<>();

  static {
    TYPES.put(FILESYSTEM, List.of(FILESYSTEM));
    TYPES.put("fs", List.of(FILESYSTEM));
    TYPES.put(SNAPSHOT, List.of(SNAPSHOT));
    TYPES.put("snap", List.of(SNAPSHOT));
    TYPES.put(BOOKMARK, List.of(BOOKMARK));
    TYPES.put("all", List.of(FILESYSTEM, SNAPSHOT, BOOKMARK));
  }

  @Option(
      names = {"-r", "--recursive"},
      description = "With those below the named ones; of a snapshot, those of its name.")
  boolean recursive;

  @Option(
      names = {"-d", "--depth"},
      paramLabel = "DEPTH",
      description =
          "As -r, but not more than DEPTH levels below; snapshots and bookmarks count as one level"
              + " below their dataset.")
  int depth = Integer.MAX_VALUE;

  @Option(
      names = {"-t", "--type"},
      paramLabel = "TYPE[,...]",
      description =
          "What is shown of datasets: filesystem or fs, snapshot or snap, bookmark, all; filesystem"
              + " when not given.")
  String type = "";

  /** Checks what can be without a pool. */
  void check() {
    types();
    if (depth < 0) {
      throw Failure.usage("-d", depth + " is no depth", "give 0 for the named ones alone, or more");
    }
  }

  private Set<String> types() {
    if (type.isEmpty()) {
      return Set.of(FILESYSTEM);
    }
    Set<String> types = new LinkedHashSet<>();
    for (String one : type.split(",", -1)) {
      List<String> known = TYPES.get(one);
      if (known == null) {
        throw Failure.usage(one, "is no type", "write " + String.join(", ", TYPES.keySet()));
      }
      types.addAll(known);
    }
    return types;
  }

  /** Whether only what is named itself is meant. */
  boolean alone() {
    return !recursive && depth == Integer.MAX_VALUE;
  }

  /** What is named in a pool, each dataset before what is of it; all when nothing is named. */
  List<Listed> in(Pool pool, List<String> names) {
    List<Listed> found = new ArrayList<>();
    if (names.isEmpty()) {
      addAll(found, pool.datasets(), pool.name());
    }
    for (String name : names) {
      if (DatasetName.isSnapshot(name)) {
        refuseUnless(SNAPSHOT, name);
        for (Snapshot one : SnapshotCommands.named(pool, name, !alone())) {
          if (level(DatasetName.datasetOf(name), one.dataset()) <= depth) {
            found.add(Listed.of(one));
          }
        }
      } else if (DatasetName.isBookmark(name)) {
        refuseUnless(BOOKMARK, name);
        Dataset of = pool.dataset(DatasetName.datasetOf(name));
        found.add(Listed.of(BookmarkCommands.find(of, name)));
      } else {
        addAll(found, FsCommands.datasets(pool, List.of(name), !alone()), name);
      }
    }
    return found;
  }

  private void refuseUnless(String kind, String name) {
    if (!type.isEmpty() && !types().contains(kind)) {
      throw Failure.usage(
          name, "is a " + kind + ", and -t leaves those out", "add " + kind + " to -t");
    }
  }

  /** How many levels a dataset is below another. */
  private static int level(String base, Dataset dataset) {
    return (int) dataset.name().substring(base.length()).chars().filter(c -> c == '/').count();
  }

  private void addAll(List<Listed> found, List<Dataset> datasets, String base) {
    Set<String> types = types();
    for (Dataset dataset : datasets) {
      int level = level(base, dataset);
      if (level > depth) {
        continue;
      }
      Listed itself = Listed.of(dataset);
      if (!itself.readable() || types.contains(FILESYSTEM)) {
        found.add(itself);
      }
      if (itself.readable() && level < depth) {
        if (types.contains(SNAPSHOT)) {
          dataset.snapshots().forEach(one -> found.add(Listed.of(one)));
        }
        if (types.contains(BOOKMARK)) {
          dataset.bookmarks().forEach(one -> found.add(Listed.of(one)));
        }
      }
    }
  }
}
