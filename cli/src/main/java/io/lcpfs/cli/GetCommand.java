package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertySource;
import io.lcpfs.dataset.PropertyValue;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs fs get}. */
@Command(name = "get", description = "Show properties of datasets, snapshots and bookmarks.")
final class GetCommand extends BaseCommand {
  static final List<String> COLUMNS = List.of("name", "property", "value", "source");

  /** The words of {@code -s}. */
  static final Map<String, PropertySource> SOURCES = new TreeMap<>();

  static {
    for (PropertySource source : PropertySource.values()) {
      SOURCES.put(source.name().toLowerCase(Locale.ROOT), source);
    }
  }

  @Mixin OutputOptions output = new OutputOptions();
  @Mixin Selection selection = new Selection();

  @Option(
      names = "-o",
      paramLabel = "FIELD[,...]",
      description = "Show only these columns: name, property, value, source.")
  String columns = String.join(",", COLUMNS);

  @Option(
      names = {"-s", "--source"},
      paramLabel = "SOURCE[,...]",
      description =
          "Only values that come from there: local, received, inherited, default, or none for what"
              + " is computed.")
  String sources = "";

  @Parameters(index = "0", paramLabel = "PROPERTY[,...]", description = "Names, or all.")
  String wanted = "";

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "DATASET[@NAME|#NAME]",
      description = "Only these; with an @ a snapshot, with a # a bookmark.")
  List<String> names = new ArrayList<>();

  /** Takes what becomes a line. */
  @FunctionalInterface
  interface PropertyRow {
    void add(String name, String property, PropertyValue value);
  }

  GetCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    selection.check();
    List<String> shown = shown();
    Set<PropertySource> from = from();
    List<String> properties = new ArrayList<>();
    if (!wanted.equals("all")) {
      for (String word : wanted.split(",", -1)) {
        properties.add(PropertyCatalog.dataset(PropertyWords.full(word)).name());
      }
    }
    Table table =
        new Table(
            output,
            "properties",
            shown.stream().map(column -> column.toUpperCase(Locale.ROOT)).toList());
    PropertyRow rows =
        (name, property, value) -> {
          if (from.contains(value.source())) {
            table.row(shown.stream().map(column -> cell(column, name, property, value)).toArray());
          }
        };
    int exit = ExitCode.OK;
    for (Map.Entry<String, List<String>> group : FsCommands.byPool(cli, names).entrySet()) {
      try (Pool pool = cli.openToRead(group.getKey())) {
        List<String> there = new ArrayList<>(group.getValue());
        there.removeIf(name -> StreamCommands.tellUnborn(pool, name, wanted, rows));
        if (there.isEmpty() && !group.getValue().isEmpty()) {
          continue;
        }
        for (Listed one : selection.in(pool, there)) {
          if (!one.readable()) {
            exit = FsCommands.damaged(cli, one.name());
            continue;
          }
          values(one, properties)
              .forEach((property, value) -> rows.add(one.name(), property, value));
          if (!DatasetName.isSnapshot(one.name()) && !DatasetName.isBookmark(one.name())) {
            boolean alone = selection.alone() && !names.isEmpty();
            StreamCommands.tellPartial(pool.dataset(one.name()), wanted, alone, rows);
          }
        }
      }
    }
    table.print(out());
    return exit;
  }

  private Map<String, PropertyValue> values(Listed one, List<String> properties) {
    if (wanted.equals("all")) {
      return one.all().get();
    }
    Map<String, PropertyValue> values = new LinkedHashMap<>();
    properties.forEach(property -> values.put(property, one.property(property)));
    return values;
  }

  private static Object cell(String column, String name, String property, PropertyValue value) {
    return switch (column) {
      case "name" -> name;
      case "property" -> property;
      case "value" -> FsCommands.shown(PropertyCatalog.dataset(property), value);
      case "source" -> value.sourceText();
      default -> throw new AssertionError("column " + column);
    };
  }

  private List<String> shown() {
    if (columns.equals("all")) {
      return COLUMNS;
    }
    List<String> shown = List.of(columns.split(",", -1));
    for (String column : shown) {
      if (!COLUMNS.contains(column)) {
        throw Failure.usage(
            "-o", "'" + column + "' is no column", "write some of " + String.join(",", COLUMNS));
      }
    }
    return shown;
  }

  private Set<PropertySource> from() {
    if (sources.isEmpty()) {
      return EnumSet.allOf(PropertySource.class);
    }
    Set<PropertySource> from = EnumSet.noneOf(PropertySource.class);
    for (String word : sources.split(",", -1)) {
      PropertySource source = SOURCES.get(word);
      if (source == null) {
        throw Failure.usage(
            "-s",
            "'" + word + "' is no source",
            "write some of " + String.join(",", SOURCES.keySet()));
      }
      from.add(source);
    }
    return from;
  }
}
