package io.lcpfs.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Parameters;

/** {@code lcpfs man}: manual pages in roff, made from the commands themselves. */
@Command(
    name = "man",
    description = "Print the manual page of lcpfs, or of a command: lcpfs man fs send | man -l -")
final class ManCommand extends BaseCommand {
  @Parameters(
      arity = "0..*",
      paramLabel = "COMMAND",
      description = "For example: fs send; the page of lcpfs itself when not given.")
  List<String> names = new ArrayList<>();

  ManCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    CommandLine asked = CommandTree.named(cli, names);
    if (names.isEmpty()) {
      whole(asked);
    } else {
      one(asked);
    }
    return ExitCode.OK;
  }

  private void title(String name) {
    out()
        .println(
            ".TH "
                + text(name.toUpperCase(Locale.ROOT))
                + " 8 \"\" \"lcpfs "
                + VersionCommand.version()
                + "\" \"LCPFS\"");
  }

  /** The page of one command, or of a group of commands. */
  private void one(CommandLine command) {
    CommandSpec spec = command.getCommandSpec();
    String description = String.join(" ", spec.usageMessage().description());
    String page = spec.qualifiedName("-");
    title(page);
    section("NAME");
    out().println(text(page) + " \\- " + text(description.split("[.:;,] |\\.$", 2)[0]));
    section("SYNOPSIS");
    out().println(".B " + text(synopsis(spec)));
    section("DESCRIPTION");
    out().println(text(description));
    if (spec.aliases().length > 0) {
      out().println(".PP\nAlso: " + text(String.join(", ", spec.aliases())));
    }
    if (!command.getSubcommands().isEmpty()) {
      section("COMMANDS");
      command
          .getSubcommands()
          .forEach(
              (name, sub) -> {
                if (isShown(name, sub)) {
                  item(name, sub.getCommandSpec().usageMessage().description());
                }
              });
    }
    if (!spec.positionalParameters().isEmpty()) {
      section("ARGUMENTS");
      spec.positionalParameters().forEach(one -> item(one.paramLabel(), one.description()));
    }
    section("OPTIONS");
    options(spec);
    exitStatus();
    section("SEE ALSO");
    String above = names.size() > 1 ? text(spec.parent().qualifiedName("-")) + "(8), " : "";
    out().println(above + "lcpfs(8)");
  }

  /** Whether a name is a command's own, of one that users are told of. */
  private static boolean isShown(String name, CommandLine command) {
    CommandSpec spec = command.getCommandSpec();
    return !spec.usageMessage().hidden() && spec.name().equals(name);
  }

  private void exitStatus() {
    section("EXIT STATUS");
    out().println(".TP\n.B 0\nDone.\n.TP\n.B 1\nThe operation failed.\n.TP\n.B 2\nWrong usage.");
    out().println(".TP\n.B 3\nSomething is missing on this machine.");
  }

  /** The page of them all. */
  private void whole(CommandLine whole) {
    PrintStream out = out();
    title("lcpfs");
    section("NAME");
    out.println("lcpfs \\- pooled, copy\\-on\\-write, self\\-healing file system");
    section("SYNOPSIS");
    out.println(".B lcpfs\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...");
    section("DESCRIPTION");
    out.println(
        text(
            "LCPFS keeps files in pools on block devices or in files. A pool holds datasets, each a"
                + " file system with properties that its children inherit. A path in a pool is"
                + " written pool/dataset:/path; everything else is a path of the host."));
    section("COMMANDS");
    commands(whole.getSubcommands());
    exitStatus();
    section("ENVIRONMENT");
    out.println(".TP\n.B LCPFS_HOME\nWhere the list of imported pools is kept (~/.lcpfs).");
    out.println(".TP\n.B LCPFS_CACHE\nMemory for cached blocks, for example 1G (256M).");
    out.println(".TP\n.B LCPFS_DIRTY\nOf that, memory for data not yet on disk (64M).");
    out.println(".TP\n.B LCPFS_DEBUG\n1 shows where in the program a failure arose.");
    section("FILES");
    out.println(".TP\n.I ~/.lcpfs/pools\nThe imported pools and the paths of their devices.");
  }

  private void section(String title) {
    out().println(".SH " + title);
  }

  private void commands(Map<String, CommandLine> commands) {
    commands.forEach(
        (name, command) -> {
          if (!isShown(name, command)) {
            return;
          }
          if (command.getSubcommands().isEmpty()) {
            command(command.getCommandSpec());
          } else {
            commands(command.getSubcommands());
          }
        });
  }

  private void command(CommandSpec spec) {
    out().println(".SS " + text(synopsis(spec)));
    out().println(text(String.join(" ", spec.usageMessage().description())));
    for (PositionalParamSpec parameter : spec.positionalParameters()) {
      item(parameter.paramLabel(), parameter.description());
    }
    options(spec);
  }

  private void options(CommandSpec spec) {
    for (OptionSpec option : spec.options()) {
      if (!option.hidden()) {
        String value = option.arity().max() > 0 ? " " + option.paramLabel() : "";
        item(String.join(", ", option.names()) + value, option.description());
      }
    }
  }

  private static String synopsis(CommandSpec spec) {
    StringBuilder line = new StringBuilder(spec.qualifiedName());
    if (spec.options().stream().anyMatch(option -> !option.hidden() && !option.usageHelp())) {
      line.append(" [OPTION]...");
    }
    List<PositionalParamSpec> parameters = spec.positionalParameters();
    for (PositionalParamSpec parameter : parameters) {
      boolean optional = parameter.arity().min() == 0;
      String label =
          parameter.paramLabel().toUpperCase(Locale.ROOT)
              + (parameter.arity().max() > 1 && !parameter.hideParamSyntax() ? "..." : "");
      line.append(' ').append(optional ? "[" + label + "]" : label);
    }
    return line.toString();
  }

  private void item(String term, String... description) {
    out().println(".TP\n.B " + text(term));
    out().println(text(String.join(" ", description)));
  }

  /** Escapes what roff would take for its own. */
  static String text(String plain) {
    String escaped = plain.replace("\\", "\\e").replace("-", "\\-").replace("%n", "\n");
    return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
  }
}
