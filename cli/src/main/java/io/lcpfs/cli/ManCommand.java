package io.lcpfs.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code lcpfs man}: the manual page in roff, made from the commands themselves. */
@Command(name = "man", description = "Print the manual page: lcpfs man | man -l -")
final class ManCommand extends BaseCommand {
  ManCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    PrintStream out = out();
    CommandLine whole = CommandTree.whole(cli);
    out.println(".TH LCPFS 8 \"\" \"lcpfs " + VersionCommand.version() + "\" \"LCPFS\"");
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
    section("EXIT STATUS");
    out.println(".TP\n.B 0\nDone.\n.TP\n.B 1\nThe operation failed.\n.TP\n.B 2\nWrong usage.");
    out.println(".TP\n.B 3\nSomething is missing on this machine.");
    section("ENVIRONMENT");
    out.println(".TP\n.B LCPFS_HOME\nWhere the list of imported pools is kept (~/.lcpfs).");
    out.println(".TP\n.B LCPFS_CACHE\nMemory for cached blocks, for example 1G (256M).");
    out.println(".TP\n.B LCPFS_DIRTY\nOf that, memory for data not yet on disk (64M).");
    out.println(".TP\n.B LCPFS_DEBUG\n1 shows where in the program a failure arose.");
    section("FILES");
    out.println(".TP\n.I ~/.lcpfs/pools\nThe imported pools and the paths of their devices.");
    return ExitCode.OK;
  }

  private void section(String title) {
    out().println(".SH " + title);
  }

  private void commands(Map<String, CommandLine> commands) {
    commands.forEach(
        (name, command) -> {
          if (command.getCommandSpec().usageMessage().hidden()) {
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
