package io.lcpfs.cli;

import io.lcpfs.error.PoolException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * {@code lcpfs complete-names}: what the script of {@code lcpfs completion} asks while one types.
 */
@Command(
    name = "complete-names",
    hidden = true,
    description = "Print what the last word of a command line may become, one a line.")
final class CompleteNamesCommand extends BaseCommand {
  @Parameters(paramLabel = "LINE", description = "The line up to the cursor, lcpfs and all.")
  String line = "";

  CompleteNamesCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    try {
      new Completion(cli, line).candidates().forEach(out()::println);
      return ExitCode.OK;
    } catch (PoolException | Failure e) {
      // A message would come into the middle of the line that is being typed.
      if (cli.debug()) {
        cli.warn(Messages.of(e));
      }
      return ExitCode.FAILED;
    }
  }
}
