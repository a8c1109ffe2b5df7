package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertyCatalog.Property;
import io.lcpfs.dataset.PropertyValue;
import io.lcpfs.error.PoolException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine.Command;
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
    all.put("list", ListCommand::new);
    all.put("get", GetCommand::new);
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
    all.put("destroy", DestroyCommand::new);
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
  static int damaged(Cli cli, String name) {
    cli.warn(name + ": is damaged; see 'lcpfs pool verify'");
    return ExitCode.FAILED;
  }

  /** Names grouped by pool; every imported pool without names when none is given. */
  static Map<String, List<String>> byPool(Cli cli, List<String> names) {
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

  /** {@code lcpfs fs set}. */
  @Command(name = "set", description = "Set properties of datasets.")
  static final class SetProperty extends BaseCommand {
    @Parameters(
        arity = "2..*",
        paramLabel = "PROPERTY=VALUE... DATASET...",
        hideParamSyntax = true,
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
          .forEach((property, value) -> values.put(PropertyWords.full(property), value));
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

    @Option(
        names = {"-S", "--received"},
        description = "So that the value that 'lcpfs receive' brought counts, if there is one.")
    boolean received;

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
          String kept = PropertyWords.full(property);
          for (Dataset one : datasets(pool, group.getValue(), recursive)) {
            if (received) {
              one.inheritReceived(kept);
            } else {
              one.inherit(kept);
            }
          }
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
    @Option(
        names = {"-p", "--parents"},
        description = "Of a dataset: make missing parents of its new place, too.")
    boolean parents;

    @Option(
        names = {"-r", "--recursive"},
        description =
            "Of a snapshot: those of this name of all datasets below it, too; all or none.")
    boolean recursive;

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
        if (parents) {
          throw Failure.usage("-p", "works with datasets only", "leave it out");
        }
        return SnapshotCommands.rename(cli, from, to, recursive);
      }
      if (recursive) {
        throw Failure.usage(
            "-r",
            "works with snapshots only",
            "leave it out: what lies below a dataset always goes with it");
      }
      String poolName = poolOf(from);
      if (!poolName.equals(poolOf(to))) {
        throw Failure.failed(
            to, "lies in another pool than " + from, "copy the files with 'lcpfs cp -r' instead");
      }
      try (Pool pool = cli.openToWrite(poolName)) {
        pool.renameDataset(from, to, parents);
        cli.remember(pool);
      }
      return ExitCode.OK;
    }
  }
}
