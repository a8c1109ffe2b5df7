package io.lcpfs.cli;

import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What every command has: its surroundings and its help. */
abstract class BaseCommand implements Callable<Integer> {
  protected final Cli cli;

  /** Set by the parser; until then an empty one. */
  @Spec CommandSpec spec = CommandSpec.create();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  boolean help;

  BaseCommand(Cli cli) {
    this.cli = cli;
  }

  /** Does the work. An exception becomes a line and exit code 1, see {@link Messages}. */
  @Override
  public abstract Integer call() throws Exception;

  protected PrintStream out() {
    return cli.out();
  }
}
