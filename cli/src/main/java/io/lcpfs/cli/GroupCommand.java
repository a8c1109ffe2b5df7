package io.lcpfs.cli;

import picocli.CommandLine.Command;

/** A command that only groups others: alone it shows what there is. */
@Command
abstract class GroupCommand extends BaseCommand {
  GroupCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    cli.err()
        .println(
            "lcpfs: "
                + spec.qualifiedName().replaceFirst("^lcpfs ", "")
                + ": names no action; choose one of "
                + String.join(", ", spec.subcommands().keySet())
                + ", or see '"
                + spec.qualifiedName()
                + " --help'");
    return ExitCode.USAGE;
  }
}
