package io.lcpfs.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lcpfs help [COMMAND...]}. */
@Command(name = "help", description = "Show the help of a command.")
final class HelpCommand extends BaseCommand {
  @Parameters(paramLabel = "COMMAND", arity = "0..*", description = "For example: pool create")
  List<String> names = new ArrayList<>();

  HelpCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    CommandTree.named(cli, names).usage(out());
    return ExitCode.OK;
  }
}
