package io.lcpfs.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine;

/**
 * All commands by name. To start quickly only the branch that the arguments name is built; the
 * whole tree is when they name none, or ask for what needs it.
 */
final class CommandTree {
  private static final Map<String, Function<Cli, BaseCommand>> TOP = new LinkedHashMap<>();
  private static final Map<String, Map<String, Function<Cli, BaseCommand>>> BELOW =
      new LinkedHashMap<>();

  static {
    TOP.put("pool", PoolCommands.Group::new);
    BELOW.put("pool", PoolCommands.all());
    TOP.put("fs", FsCommands.Group::new);
    BELOW.put("fs", FsCommands.all());
    TOP.putAll(FileCommands.all());
    TOP.putAll(StreamCommands.all());
    TOP.put("doctor", DoctorCommand::new);
    TOP.put("mount", MountCommand::new);
    TOP.put("umount", UmountCommand::new);
    TOP.put("debug", DebugCommand::new);
    TOP.put("quickstart", QuickstartCommand::new);
    TOP.put("bench", BenchCommand::new);
    TOP.put("sim", SimCommand::new);
    TOP.put("completion", CompletionCommand::new);
    TOP.put("complete-names", CompleteNamesCommand::new);
    TOP.put("man", ManCommand::new);
    TOP.put("version", VersionCommand::new);
    TOP.put("help", HelpCommand::new);
  }

  private CommandTree() {}

  /** The commands that {@code arguments} may reach. */
  static CommandLine build(Cli cli, String... arguments) {
    String first = arguments.length > 0 ? arguments[0] : "";
    Function<Cli, BaseCommand> maker = TOP.get(first);
    if (maker == null) {
      return whole(cli);
    }
    CommandLine root = root(cli);
    Map<String, Function<Cli, BaseCommand>> below = BELOW.getOrDefault(first, Map.of());
    String second = arguments.length > 1 ? arguments[1] : "";
    CommandLine branch = new CommandLine(maker.apply(cli));
    below.forEach(
        (name, make) -> {
          if (!below.containsKey(second) || name.equals(second)) {
            branch.addSubcommand(name, new CommandLine(make.apply(cli)));
          }
        });
    // The simulator reads its own options.
    branch.setUnmatchedOptionsArePositionalParams(first.equals("sim"));
    root.addSubcommand(first, branch);
    return configured(root);
  }

  /** Every command. */
  static CommandLine whole(Cli cli) {
    CommandLine root = root(cli);
    TOP.forEach(
        (name, make) -> {
          CommandLine branch = new CommandLine(make.apply(cli));
          BELOW
              .getOrDefault(name, Map.of())
              .forEach(
                  (sub, maker) -> branch.addSubcommand(sub, new CommandLine(maker.apply(cli))));
          root.addSubcommand(name, branch);
        });
    return configured(root);
  }

  /**
   * The command of these words, lcpfs itself for none.
   *
   * @throws Failure when there is no such command
   */
  static CommandLine named(Cli cli, List<String> names) {
    CommandLine at = whole(cli);
    for (String name : names) {
      CommandLine next = at.getSubcommands().get(name);
      if (next == null) {
        throw Failure.usage(
            String.join(" ", names),
            "is no command",
            "see '" + at.getCommandSpec().qualifiedName() + " --help'");
      }
      at = next;
    }
    return at;
  }

  private static CommandLine root(Cli cli) {
    return new CommandLine(new RootCommand(cli));
  }

  private static CommandLine configured(CommandLine root) {
    // No argument stands for the content of a file: an owner opens nothing that others name.
    return root.setExpandAtFiles(false)
        .setPosixClusteredShortOptionsAllowed(true)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(false)
        .setUsageHelpWidth(100);
  }
}
