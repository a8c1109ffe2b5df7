package io.lcpfs.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.PoolInfo;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertyCatalog.Property;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * What the last word of a command line may become: names of what is in pools, of properties and of
 * their values. The labels of parameters say what each takes. Commands and options, which never
 * change, are in the script itself.
 */
final class Completion {
  private final Cli cli;

  /** The words after {@code lcpfs} and before the last. */
  private final List<String> before;

  /** The last word, as far as it was typed. */
  private final String word;

  Completion(Cli cli, String line) {
    this.cli = cli;
    List<String> words = new ArrayList<>(List.of(line.strip().split("\\s+")));
    if (line.isEmpty() || Character.isWhitespace(line.charAt(line.length() - 1))) {
      words.add("");
    }
    this.word = words.getLast();
    this.before = words.subList(Math.min(1, words.size() - 1), words.size() - 1);
  }

  /** Whole words that begin with what was typed, in order. */
  Collection<String> candidates() {
    CommandLine at = CommandTree.build(cli, before.toArray(String[]::new));
    OptionSpec open = null;
    int positional = 0;
    for (String one : before) {
      CommandLine sub = at.getSubcommands().get(one);
      if (open != null) {
        open = null;
      } else if (sub != null && positional == 0) {
        at = sub;
      } else if (one.startsWith("-")) {
        open = waiting(at.getCommandSpec(), one);
      } else {
        positional++;
      }
    }
    if (!at.getSubcommands().isEmpty()) {
      return List.of();
    }
    String label = open == null ? label(at.getCommandSpec(), positional) : open.paramLabel();
    Set<String> found = new TreeSet<>();
    of(label, at.getCommandSpec().qualifiedName(), positional)
        .filter(one -> one.startsWith(word))
        .forEach(found::add);
    return found;
  }

  /** The option that takes the next word, if some does; several may share one dash. */
  private static @Nullable OptionSpec waiting(CommandSpec command, String word) {
    OptionSpec option = command.findOption(word);
    if (option == null && !word.startsWith("--")) {
      option = command.findOption("-" + word.charAt(word.length() - 1));
    }
    return option == null || option.arity().max() == 0 ? null : option;
  }

  private static String label(CommandSpec command, int positional) {
    for (PositionalParamSpec parameter : command.positionalParameters()) {
      if (parameter.index().contains(positional)) {
        return parameter.paramLabel();
      }
    }
    return "";
  }

  private Stream<String> of(String label, String command, int positional) {
    boolean ofPool = command.startsWith("lcpfs pool ");
    return switch (label) {
      case "TYPE[,...]" -> listed(Selection.TYPES.keySet().stream());
      case "SOURCE[,...]" -> listed(GetCommand.SOURCES.keySet().stream());
      case "FIELD[,...]" -> listed(GetCommand.COLUMNS.stream());
      case "COLUMN[,...]" -> listed(Stream.concat(Stream.of("name", "space"), names(ofPool)));
      case "PROPERTY[,...]" -> listed(Stream.concat(Stream.of("all"), names(ofPool)));
      case "PROPERTY" -> names(ofPool);
      case "PROPERTY=VALUE" -> assignments(ofPool);
      case "PROPERTY=VALUE... DATASET..." ->
          positional == 0 || word.indexOf('=') > 0
              ? assignments(ofPool)
              : Stream.concat(assignments(ofPool), datasets(false));
      case "readonly=on" -> Stream.of(label);
      case "POOL", "POOL|DEVICE" -> command.endsWith(" import") ? importable() : pools();
      case "SNAPSHOT", "DATASET@NAME" -> datasets(true);
      case "PATH", "SOURCE... DESTINATION", "LINK" -> paths();
      default -> label.contains("DATASET") ? datasets(false) : Stream.empty();
    };
  }

  /** The last of some words between commas. */
  private Stream<String> listed(Stream<String> words) {
    String head = word.substring(0, word.lastIndexOf(',') + 1);
    return words.map(one -> head + one);
  }

  private static Collection<Property> properties(boolean ofPool) {
    return ofPool ? PropertyCatalog.poolProperties() : PropertyCatalog.datasetProperties();
  }

  private static Stream<String> names(boolean ofPool) {
    return properties(ofPool).stream().map(Property::name);
  }

  private Stream<String> assignments(boolean ofPool) {
    int equals = word.indexOf('=');
    return properties(ofPool).stream()
        .filter(Property::settable)
        .flatMap(
            property ->
                equals < 0
                    ? Stream.of(property.name() + "=")
                    : property.choices().stream().map(value -> property.name() + "=" + value));
  }

  private Stream<String> pools() {
    return cli.registry().list().stream().map(Registry.Entry::name);
  }

  /** Pools on the devices where an import would look, that are not imported. */
  private Stream<String> importable() {
    PoolImport command = new PoolImport(cli);
    for (int i = 0; i + 1 < before.size(); i++) {
      if (before.get(i).equals("-d")) {
        command.places.add(Path.of(before.get(i + 1)));
      }
    }
    List<String> known = pools().toList();
    return command.found().stream().map(PoolInfo::name).filter(name -> !known.contains(name));
  }

  /** Datasets; once an @ or a # is typed, what there is of that dataset. */
  private Stream<String> datasets(boolean snapshotWanted) {
    if (DatasetName.isSnapshot(word)) {
      return list("snapshot", DatasetName.datasetOf(word));
    }
    if (DatasetName.isBookmark(word)) {
      return list("bookmark", DatasetName.datasetOf(word));
    }
    List<String> meant;
    if (word.indexOf('/') >= 0) {
      meant = List.of(DatasetName.poolOf(word));
    } else {
      meant = pools().filter(name -> name.startsWith(word)).toList();
    }
    // Of several pools only the names: none is opened as long as it may be another.
    Stream<String> found =
        meant.size() == 1 ? list("filesystem", "-r", meant.getFirst()) : meant.stream();
    return snapshotWanted ? found.map(name -> name + "@") : found;
  }

  /** Where files are: in datasets, unless a path of the host is being typed. */
  private Stream<String> paths() {
    return word.isEmpty() || word.indexOf(':') >= 0
        ? Stream.empty()
        : datasets(false).map(name -> name + ":/");
  }

  /** What {@code lcpfs fs list} prints; it asks the owner of a pool that is open elsewhere. */
  private Stream<String> list(String type, String... names) {
    String pool = DatasetName.poolOf(names[names.length - 1]);
    if (cli.registry().find(pool).isEmpty()) {
      return Stream.empty();
    }
    List<String> words = new ArrayList<>(List.of("fs", "list", "-H", "-o", "name", "-t", type));
    words.addAll(List.of(names));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (PrintStream out = new PrintStream(bytes, false, UTF_8);
        PrintStream err = new PrintStream(OutputStream.nullOutputStream(), false, UTF_8);
        Cli inner = new Cli(InputStream.nullInputStream(), out, err, cli.environment(), words)) {
      int code = Main.execute(inner, words.toArray(String[]::new));
      if (code != ExitCode.OK) {
        throw Failure.failed(
            pool, "cannot be listed", "run 'lcpfs " + String.join(" ", words) + "'");
      }
    }
    return bytes.toString(UTF_8).lines();
  }
}
