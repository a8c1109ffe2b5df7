package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertyCatalog.Property;
import io.lcpfs.dataset.PropertyValue;
import io.lcpfs.error.PoolException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs fs ...}: datasets. */
final class FsCommands {
  private FsCommands() {}

  @Command(
      name = "fs",
      synopsisSubcommandLabel = "ACTION",
      description = "Make, list and change datasets.")
  static final class Group extends GroupCommand {
    Group(Cli cli) {
      super(cli);
    }
  }

  static Map<String, Function<Cli, BaseCommand>> all() {
    Map<String, Function<Cli, BaseCommand>> all = new LinkedHashMap<>();
    all.put("create", Create::new);
    all.put("list", ListDatasets::new);
    all.put("get", Get::new);
    all.put("set", SetProperty::new);
    all.put("inherit", Inherit::new);
    all.put("userspace", OwnerCommands.Users::new);
    all.put("groupspace", OwnerCommands.Groups::new);
    all.put("projectspace", OwnerCommands.Projects::new);
    all.put("project", ProjectCommand::new);
    all.put("snapshot", SnapshotCommands.Take::new);
    all.put("rollback", CloneCommands.Rollback::new);
    all.put("clone", CloneCommands.Make::new);
    all.put("promote", CloneCommands.Promote::new);
    all.put("bookmark", BookmarkCommands.Make::new);
    all.put("hold", HoldCommands.Hold::new);
    all.put("holds", HoldCommands.Holds::new);
    all.put("release", HoldCommands.Release::new);
    all.put("diff", DiffCommand::new);
    all.put("rewrite", RewriteCommand::new);
    all.put("rename", Rename::new);
    all.put("destroy", Destroy::new);
    all.putAll(StreamCommands.all());
    return all;
  }

  /** A property's value as a table cell. */
  static Table.Shown shown(Property property, PropertyValue value) {
    String exact = PropertyCatalog.print(property, value.value(), true);
    return new Table.Shown(PropertyCatalog.print(property, value.value(), false), exact);
  }

  /** A value as a cell of a list, where sizes are numbers to compare. */
  static Object cell(Property property, PropertyValue value) {
    return property.kind() == PropertyCatalog.Kind.SIZE && !value.value().equals("-")
        ? new Table.Bytes(Long.parseLong(value.value()))
        : shown(property, value);
  }

  /** Takes a line of {@code lcpfs fs get}. */
  interface PropertyRow {
    void add(String name, String property, PropertyValue value);
  }

  /** The types of a word of {@code -t}. */
  static List<String> types(String word) {
    List<String> known = List.of("filesystem", "snapshot", "bookmark");
    if (word.equals("all")) {
      return known;
    }
    List<String> types = List.of(word.split(",", -1));
    for (String one : types) {
      if (!known.contains(one)) {
        throw Failure.usage(one, "is no type", "write filesystem, snapshot, bookmark or all");
      }
    }
    return types;
  }

  private static String poolOf(String dataset) {
    DatasetName.check(dataset);
    return DatasetName.poolOf(dataset);
  }

  /** The pool of a dataset, a snapshot or a bookmark. */
  private static String poolOfAny(String name) {
    if (DatasetName.isSnapshot(name)) {
      DatasetName.checkSnapshot(name);
    } else if (DatasetName.isBookmark(name)) {
      DatasetName.checkBookmark(name);
    } else {
      DatasetName.check(name);
    }
    return DatasetName.poolOf(name);
  }

  /** The named datasets, with those below them when {@code recursive}; all when none is named. */
  static List<Dataset> datasets(Pool pool, List<String> names, boolean recursive) {
    if (names.isEmpty()) {
      return pool.datasets();
    }
    List<Dataset> result = new ArrayList<>();
    for (String name : names) {
      pool.dataset(name);
      result.addAll(
          pool.datasets().stream()
              .filter(
                  one ->
                      one.name().equals(name) || (recursive && one.name().startsWith(name + "/")))
              .toList());
    }
    return result;
  }

  /** Tells of a dataset of which nothing but the name can be read. */
  static int damaged(Cli cli, Dataset dataset) {
    cli.warn(dataset.name() + ": is damaged; see 'lcpfs pool verify'");
    return ExitCode.FAILED;
  }

  /** Names grouped by pool; every imported pool without names when none is given. */
  private static Map<String, List<String>> byPool(Cli cli, List<String> names) {
    Map<String, List<String>> result = new LinkedHashMap<>();
    if (names.isEmpty()) {
      cli.registry().list().forEach(entry -> result.put(entry.name(), List.of()));
    }
    for (String name : names) {
      result.computeIfAbsent(poolOfAny(name), pool -> new ArrayList<>()).add(name);
    }
    return result;
  }

  /** {@code lcpfs fs create}. */
  @Command(name = "create", description = "Make a dataset.")
  static final class Create extends BaseCommand {
    @Option(
        names = {"-p", "--parents"},
        description = "Make missing parents too, and be content when it exists.")
    boolean parents;

    @Option(names = "-o", paramLabel = "PROPERTY=VALUE", description = "Set a property.")
    List<String> properties = new ArrayList<>();

    @Parameters(paramLabel = "DATASET", description = "For example tank/home")
    String name = "";

    Create(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      Map<String, String> values = Assignments.parseAll(properties);
      try (Pool pool = cli.openToWrite(poolOf(name))) {
        Ownership.giveRoot(pool.createDataset(name, values, parents).fileSystem());
        cli.remember(pool);
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs fs list}. */
  @Command(name = "list", description = "List datasets.")
  static final class ListDatasets extends BaseCommand {
    @Mixin OutputOptions output = new OutputOptions();

    @Option(
        names = {"-r", "--recursive"},
        description = "With those below the named ones.")
    boolean recursive;

    @Option(
        names = "-o",
        paramLabel = "COLUMN[,...]",
        description = "Show these properties; name is the dataset's name.")
    String columns = "name,used,available,referenced,mountpoint";

    @Option(names = "-s", paramLabel = "PROPERTY", description = "Sort by this property.")
    String sortBy = "";

    @Option(
        names = {"-t", "--type"},
        paramLabel = "TYPE",
        description = "filesystem, snapshot, bookmark or all; filesystem when not given.")
    String type = "filesystem";

    @Parameters(arity = "0..*", paramLabel = "DATASET", description = "Only these.")
    List<String> names = new ArrayList<>();

    ListDatasets(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      List<String> types = types(type);
      List<String> shown = List.of(columns.split(",", -1));
      shown.stream().filter(column -> !column.equals("name")).forEach(PropertyCatalog::dataset);
      if (!sortBy.isEmpty() && !sortBy.equals("name")) {
        PropertyCatalog.dataset(sortBy);
      }
      Table table =
          new Table(
              output,
              "datasets",
              shown.stream().map(column -> column.toUpperCase(Locale.ROOT)).toList());
      int exit = ExitCode.OK;
      for (Map.Entry<String, List<String>> group : byPool(cli, names).entrySet()) {
        try (Pool pool = cli.openToRead(group.getKey())) {
          List<Dataset> datasets = new ArrayList<>(datasets(pool, group.getValue(), recursive));
          if (!sortBy.isEmpty() && !sortBy.equals("name")) {
            datasets.sort(Comparator.comparing(this::sortKey));
          }
          for (Dataset dataset : datasets) {
            if (dataset.isReadable()) {
              if (types.contains("filesystem")) {
                table.row(shown.stream().map(column -> cell(dataset, column)).toArray());
              }
              if (types.contains("snapshot")) {
                for (Snapshot snapshot : dataset.snapshots()) {
                  table.row(
                      shown.stream()
                          .map(column -> SnapshotCommands.cell(snapshot, column))
                          .toArray());
                }
              }
              if (types.contains("bookmark")) {
                BookmarkCommands.rows(table, dataset, shown);
              }
            } else {
              // The others are still listed.
              table.row(
                  shown.stream()
                      .map(column -> column.equals("name") ? dataset.name() : "-")
                      .toArray());
              exit = damaged(cli, dataset);
            }
          }
        }
      }
      table.print(out());
      return exit;
    }

    private String sortKey(Dataset dataset) {
      if (!dataset.isReadable()) {
        return "";
      }
      String value = dataset.property(sortBy).value();
      // Numbers sort by size: pad them to the length of the longest.
      return value.matches("[0-9]+") ? "0".repeat(Math.max(0, 20 - value.length())) + value : value;
    }

    private static Object cell(Dataset dataset, String column) {
      if (column.equals("name")) {
        return dataset.name();
      }
      return FsCommands.cell(PropertyCatalog.dataset(column), dataset.property(column));
    }
  }

  /** {@code lcpfs fs get}. */
  @Command(name = "get", description = "Show properties of datasets, snapshots and bookmarks.")
  static final class Get extends BaseCommand {
    @Mixin OutputOptions output = new OutputOptions();

    @Option(
        names = {"-r", "--recursive"},
        description = "With those below the named ones.")
    boolean recursive;

    @Option(
        names = {"-t", "--type"},
        paramLabel = "TYPE",
        description =
            "What is shown of the named datasets: filesystem, snapshot, bookmark or all; filesystem"
                + " when not given.")
    String type = "filesystem";

    @Parameters(index = "0", paramLabel = "PROPERTY[,...]", description = "Names, or all.")
    String wanted = "";

    @Parameters(
        index = "1..*",
        arity = "0..*",
        paramLabel = "DATASET[@NAME|#NAME]",
        description = "Only these; with an @ a snapshot, with a # a bookmark.")
    List<String> names = new ArrayList<>();

    Get(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      Table table = new Table(output, "properties", List.of("NAME", "PROPERTY", "VALUE", "SOURCE"));
      if (!wanted.equals("all")) {
        List.of(wanted.split(",", -1)).stream()
            .map(OwnerNames::property)
            .forEach(PropertyCatalog::dataset);
      }
      List<String> types = types(type);
      PropertyRow rows =
          (name, property, value) ->
              table.row(
                  name,
                  property,
                  shown(PropertyCatalog.dataset(property), value),
                  value.sourceText());
      for (Map.Entry<String, List<String>> group : byPool(cli, names).entrySet()) {
        try (Pool pool = cli.openToRead(group.getKey())) {
          if (group.getValue().isEmpty()) {
            show(pool.datasets(), types, rows);
          }
          for (String name : group.getValue()) {
            if (DatasetName.isSnapshot(name)) {
              SnapshotCommands.named(pool, name, recursive)
                  .forEach(one -> SnapshotCommands.properties(one, wanted, rows));
            } else if (DatasetName.isBookmark(name)) {
              BookmarkCommands.properties(pool, name, wanted, rows);
            } else {
              show(datasets(pool, List.of(name), recursive), types, rows);
            }
          }
        }
      }
      table.print(out());
      return ExitCode.OK;
    }

    private void show(List<Dataset> datasets, List<String> types, PropertyRow rows) {
      for (Dataset dataset : datasets) {
        if (types.contains("filesystem")) {
          values(dataset).forEach((property, value) -> rows.add(dataset.name(), property, value));
        }
        if (types.contains("snapshot")) {
          dataset.snapshots().forEach(one -> SnapshotCommands.properties(one, wanted, rows));
        }
        if (types.contains("bookmark")) {
          dataset.bookmarks().forEach(one -> BookmarkCommands.properties(one, wanted, rows));
        }
      }
    }

    private Map<String, PropertyValue> values(Dataset dataset) {
      if (wanted.equals("all")) {
        return dataset.properties();
      }
      Map<String, PropertyValue> values = new LinkedHashMap<>();
      for (String property : wanted.split(",", -1)) {
        String kept = OwnerNames.property(property);
        values.put(kept, dataset.property(kept));
      }
      return values;
    }
  }

  /** {@code lcpfs fs set}. */
  @Command(name = "set", description = "Set properties of datasets.")
  static final class SetProperty extends BaseCommand {
    @Parameters(
        arity = "2..*",
        paramLabel = "PROPERTY=VALUE... DATASET...",
        description = "For example compression=zstd tank/home")
    List<String> words = new ArrayList<>();

    SetProperty(Cli cli) {
      super(cli);
    }

    /** How many words come before the first dataset, whose name has no '='. */
    private int assignments() {
      int count = 0;
      while (count < words.size() && words.get(count).indexOf('=') > 0) {
        count++;
      }
      return Math.max(1, count); // a first word that sets nothing is told of
    }

    @Override
    public Integer call() {
      List<String> names = words.subList(assignments(), words.size());
      Map<String, String> values = new LinkedHashMap<>();
      Assignments.parseAll(words.subList(0, assignments()))
          .forEach((property, value) -> values.put(OwnerNames.property(property), value));
      if (names.isEmpty()) {
        throw Failure.usage(words.getLast(), "names no dataset", "write the dataset behind it");
      }
      names.forEach(DatasetName::check);
      int exit = ExitCode.OK;
      for (Map.Entry<String, List<String>> group : byPool(cli, names).entrySet()) {
        try (Pool pool = cli.openToWrite(group.getKey())) {
          for (String name : group.getValue()) {
            exit = set(pool, name, values) ? exit : ExitCode.FAILED;
          }
          cli.remember(pool);
        }
      }
      return exit;
    }

    /** Of several, the others are set also where one refuses. */
    private boolean set(Pool pool, String name, Map<String, String> values) {
      try {
        pool.dataset(name).setProperties(values);
        return true;
      } catch (PoolException e) {
        if (words.size() - assignments() == 1) {
          throw e;
        }
        cli.warn(Messages.of(e));
        return false;
      }
    }
  }

  /** {@code lcpfs fs inherit}. */
  @Command(
      name = "inherit",
      description = "Remove a dataset's own value, so that the parent's or the default counts.")
  static final class Inherit extends BaseCommand {
    @Option(
        names = {"-r", "--recursive"},
        description = "Of all datasets below it too.")
    boolean recursive;

    @Parameters(index = "0", paramLabel = "PROPERTY", description = "The property.")
    String property = "";

    @Parameters(
        index = "1..*",
        arity = "1..*",
        paramLabel = "DATASET",
        description = "The datasets.")
    List<String> names = new ArrayList<>();

    Inherit(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      for (Map.Entry<String, List<String>> group : byPool(cli, names).entrySet()) {
        try (Pool pool = cli.openToWrite(group.getKey())) {
          String kept = OwnerNames.property(property);
          datasets(pool, group.getValue(), recursive).forEach(one -> one.inherit(kept));
          cli.remember(pool);
        }
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs fs rename}. */
  @Command(
      name = "rename",
      description = "Give a dataset another name in the same pool, or a snapshot another name.")
  static final class Rename extends BaseCommand {
    @Parameters(index = "0", paramLabel = "DATASET[@NAME]", description = "Its name now.")
    String from = "";

    @Parameters(index = "1", paramLabel = "NEWNAME", description = "Its new full name.")
    String to = "";

    Rename(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      if (DatasetName.isSnapshot(from)) {
        return SnapshotCommands.rename(cli, from, to);
      }
      String poolName = poolOf(from);
      if (!poolName.equals(poolOf(to))) {
        throw Failure.failed(
            to, "lies in another pool than " + from, "copy the files with 'lcpfs cp -r' instead");
      }
      try (Pool pool = cli.openToWrite(poolName)) {
        pool.renameDataset(from, to);
        cli.remember(pool);
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs fs destroy}. */
  @Command(
      name = "destroy",
      description = "Destroy a dataset with everything in it, snapshots, or a bookmark.")
  static final class Destroy extends BaseCommand {
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
        description = "Only say which snapshots would go.")
    boolean dryRun;

    @Option(
        names = {"-v", "--verbose"},
        description = "Say which snapshots go.")
    boolean verbose;

    @Parameters(
        paramLabel = "DATASET[@NAME[%NAME][,...]|#NAME]",
        description =
            "The dataset; with an @, its snapshots of these names and ranges; with a #, a"
                + " bookmark.")
    String name = "";

    Destroy(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      if (DatasetName.isSnapshot(name)) {
        return SnapshotCommands.destroy(
            cli, name, new SnapshotCommands.Destroyed(recursive, clones, defer, dryRun, verbose));
      }
      if (dryRun || defer) {
        throw Failure.usage(
            dryRun ? "-n" : "-d", "works with snapshots only", "write DATASET@NAME");
      }
      if (DatasetName.isBookmark(name)) {
        return BookmarkCommands.destroy(cli, name);
      }
      try (Pool pool = cli.openToWrite(poolOf(name))) {
        if (clones) {
          pool.destroyWithClones(name);
        } else {
          pool.destroyDataset(name, recursive);
        }
        cli.remember(pool);
      }
      return ExitCode.OK;
    }
  }
}
