package io.lcpfs.cli;

import java.util.Locale;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lcpfs completion bash|zsh}: a script for the shell to read. */
@Command(
    name = "completion",
    description = "Print a completion script: source <(lcpfs completion bash)")
final class CompletionCommand extends BaseCommand {
  /** Shells whose completion can be printed. */
  enum Shell {
    BASH,
    ZSH
  }

  @Parameters(paramLabel = "SHELL", description = "bash or zsh")
  Shell shell = Shell.BASH;

  CompletionCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    String script = AutoComplete.bash("lcpfs", CommandTree.whole(cli));
    // The script works in zsh through its emulation of bash's completion, which it loads itself.
    String heading = "# " + shell.name().toLowerCase(Locale.ROOT) + " completion for lcpfs\n";
    out().print(shell == Shell.ZSH ? "#compdef lcpfs\n" + heading + script : script);
    return ExitCode.OK;
  }
}
