package io.lcpfs.cli;

import io.lcpfs.api.Bookmark;
import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertySource;
import io.lcpfs.dataset.PropertyValue;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** What {@code lcpfs fs} does with bookmarks. */
final class BookmarkCommands {
  private BookmarkCommands() {}

  /** {@code lcpfs fs bookmark}. */
  @Command(
      name = "bookmark",
      description = "Keep in mind when a snapshot was taken, to send what changes after it.")
  static final class Make extends BaseCommand {
    @Parameters(
        index = "0",
        paramLabel = "DATASET@NAME",
        description = "The snapshot, or DATASET#NAME for another bookmark.")
    String from = "";

    @Parameters(index = "1", paramLabel = "DATASET#NAME", description = "The bookmark; or #NAME.")
    String to = "";

    Make(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      boolean ofBookmark = DatasetName.isBookmark(from);
      if (ofBookmark) {
        DatasetName.checkBookmark(from);
      } else {
        DatasetName.checkSnapshot(from);
      }
      String dataset = DatasetName.datasetOf(from);
      String full = to.startsWith("#") ? dataset + to : to;
      DatasetName.checkBookmark(full);
      if (!DatasetName.datasetOf(full).equals(dataset)) {
        throw Failure.usage(
            to, "is no bookmark of " + dataset, "write its name as " + dataset + "#NAME");
      }
      try (Pool pool = cli.openToWrite(DatasetName.poolOf(dataset))) {
        Dataset of = pool.dataset(dataset);
        if (ofBookmark) {
          of.createBookmark(find(of, from), DatasetName.bookmarkOf(full));
        } else {
          of.createBookmark(pool.snapshot(from), DatasetName.bookmarkOf(full));
        }
        cli.remember(pool);
      }
      return ExitCode.OK;
    }
  }

  /** The bookmark of a full name. */
  static Bookmark find(Dataset dataset, String fullName) {
    return dataset.bookmarks().stream()
        .filter(one -> one.name().equals(fullName))
        .findFirst()
        .orElseThrow(
            () ->
                Failure.failed(
                    fullName,
                    "no such bookmark",
                    "see 'lcpfs fs list -t bookmark " + dataset.name() + "'"));
  }

  /** Ends a bookmark. */
  static int destroy(Cli cli, String name) {
    DatasetName.checkBookmark(name);
    try (Pool pool = cli.openToWrite(DatasetName.poolOf(name))) {
      Dataset dataset = pool.dataset(DatasetName.datasetOf(name));
      dataset.destroyBookmark(find(dataset, name).shortName());
      cli.remember(pool);
    }
    return ExitCode.OK;
  }

  private static final List<String> NATIVE = List.of("type", "creation", "guid", "createtxg");

  /** A property of a bookmark; {@code -} where it has none. */
  static PropertyValue property(Bookmark bookmark, String name) {
    String value =
        switch (name) {
          case "type" -> "bookmark";
          case "creation" -> Long.toString(bookmark.creationSeconds());
          case "guid" -> Long.toUnsignedString(bookmark.guid());
          case "createtxg" -> Long.toString(bookmark.creationTxg());
          default -> "-";
        };
    return PropertyValue.of(value, PropertySource.NONE);
  }

  /** All properties that a bookmark has. */
  static Map<String, PropertyValue> properties(Bookmark bookmark) {
    Map<String, PropertyValue> values = new LinkedHashMap<>();
    NATIVE.forEach(name -> values.put(name, property(bookmark, name)));
    return values;
  }
}
