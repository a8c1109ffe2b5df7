package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.dataset.PropertyCatalog;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code lcpfs fs list}. */
@Command(name = "list", description = "List datasets, snapshots and bookmarks.")
final class ListCommand extends BaseCommand {
  @Mixin OutputOptions output = new OutputOptions();
  @Mixin Selection selection = new Selection();

  @Option(
      names = "-o",
      paramLabel = "COLUMN[,...]",
      description =
          "Show these properties; name is the full name, space stands for how space is used.")
  String columns = "name,used,available,referenced,mountpoint";

  @Option(
      names = "-s",
      paramLabel = "PROPERTY",
      parameterConsumer = Keys.class,
      description = "Sort by this property; by further ones what is equal.")
  List<String> ascending = new ArrayList<>();

  @Option(
      names = "-S",
      paramLabel = "PROPERTY",
      parameterConsumer = Keys.class,
      description = "As -s, the largest first.")
  List<String> descending = new ArrayList<>();

  @Parameters(
      arity = "0..*",
      paramLabel = "DATASET[@NAME|#NAME]",
      description = "Only these; with an @ a snapshot, with a # a bookmark.")
  List<String> names = new ArrayList<>();

  private final List<Key> keys = new ArrayList<>();

  ListCommand(Cli cli) {
    super(cli);
  }

  /** What a property is that something has not got. */
  private static final String NONE = "-";

  /** A property to sort by, as it was written. */
  private record Key(String word, boolean descending) {}

  /** Keeps the order in which {@code -s} and {@code -S} were given. */
  static final class Keys implements IParameterConsumer {
    @Override
    public void consumeParameters(Stack<String> words, ArgSpec option, CommandSpec command) {
      if (words.isEmpty()) {
        throw new ParameterException(
            command.commandLine(), "Missing required parameter for option " + option.paramLabel());
      }
      boolean descending = option.equals(command.findOption("-S"));
      ListCommand list = (ListCommand) command.userObject();
      for (String word : words.pop().split(",", -1)) {
        list.keys.add(new Key(word, descending));
      }
    }
  }

  /**
   * A line of the list.
   *
   * @param values what it is sorted by, in the order of the keys
   */
  private record Row(List<String> values, Object[] cells) {}

  @Override
  public Integer call() {
    selection.check();
    List<String> shown = PropertyWords.columns(columns);
    List<String> kept = shown.stream().map(ListCommand::checked).toList();
    List<String> sorted = keys.stream().map(key -> checked(key.word)).toList();
    int exit = ExitCode.OK;
    List<Row> rows = new ArrayList<>();
    for (Map.Entry<String, List<String>> group : FsCommands.byPool(cli, names).entrySet()) {
      try (Pool pool = cli.openToRead(group.getKey())) {
        for (Listed one : selection.in(pool, group.getValue())) {
          rows.add(
              new Row(
                  sorted.stream().map(property -> value(one, property)).toList(),
                  kept.stream().map(one::cell).toArray()));
          if (!one.readable()) {
            exit = FsCommands.damaged(cli, one.name()); // the others are still listed
          }
        }
      }
    }
    rows.sort((a, b) -> compare(sorted, a.values, b.values));
    Table table =
        new Table(
            output,
            "datasets",
            shown.stream().map(column -> column.toUpperCase(Locale.ROOT)).toList());
    rows.forEach(row -> table.row(row.cells));
    table.print(out());
    return exit;
  }

  /** The full name of a column that there is. */
  private static String checked(String word) {
    String full = PropertyWords.full(word);
    return full.equals("name") ? full : PropertyCatalog.dataset(full).name();
  }

  private static String value(Listed one, String property) {
    if (property.equals("name")) {
      return one.name();
    }
    return one.readable() ? one.property(property).value() : NONE;
  }

  private int compare(List<String> properties, List<String> some, List<String> others) {
    for (int i = 0; i < properties.size(); i++) {
      String a = some.get(i);
      String b = others.get(i);
      boolean has = !a.equals(NONE);
      if (has != !b.equals(NONE)) {
        return has ? -1 : 1; // in both directions
      }
      int order = has ? compare(properties.get(i), a, b) : 0;
      if (order != 0) {
        return keys.get(i).descending ? -order : order;
      }
    }
    return 0;
  }

  private static int compare(String property, String a, String b) {
    boolean words =
        property.equals("name")
            || switch (PropertyCatalog.dataset(property).kind()) {
              case CHOICE, TEXT -> true;
              case SIZE, NUMBER, SIZE_LIMIT, COUNT_QUOTA, COUNT_LIMIT, RATIO, PERCENT, TIME ->
                  false;
            };
    return words ? a.compareTo(b) : number(a).compareTo(number(b));
  }

  /** A limit that there is none of is above all others. */
  private static BigDecimal number(String value) {
    return value.equals("none") ? BigDecimal.valueOf(Long.MAX_VALUE) : new BigDecimal(value);
  }
}
