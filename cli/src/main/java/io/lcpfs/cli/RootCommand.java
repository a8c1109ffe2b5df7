package io.lcpfs.cli;

import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lcpfs} alone: what there is, and what to do next. */
@Command(
    name = "lcpfs",
    synopsisSubcommandLabel = "COMMAND",
    description = "A pooled, copy-on-write, self-healing file system in a JVM.",
    footer = {
      "",
      "Paths in pools are written pool/dataset:/path. Exit codes: 0 done, 1 failed, "
          + "2 wrong usage, 3 something is missing on this machine."
    })
final class RootCommand extends BaseCommand {
  @Option(
      names = {"-V", "--version"},
      description = "Show the version.")
  boolean version;

  RootCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    if (version) {
      return new VersionCommand(cli).call();
    }
    out()
        .println(
            "LCPFS "
                + VersionCommand.version()
                + ": a pooled, copy-on-write, self-healing file system");
    out().println();
    List<Registry.Entry> pools = cli.registry().list();
    if (pools.isEmpty()) {
      teachFirstSteps();
    } else {
      teachNextSteps(pools);
    }
    out().println();
    out().println("All commands: lcpfs --help      One in detail: lcpfs pool create --help");
    return ExitCode.OK;
  }

  private void teachFirstSteps() {
    out().println("No pool is imported yet.");
    out().println();
    step("lcpfs quickstart", "try everything on a file, then clean up");
    step("lcpfs pool create tank --size 10G /path/to/file", "make a pool in a new file");
    step("lcpfs pool create tank /dev/sdX", "make a pool on a disk");
    step("lcpfs pool import -d DIR", "find pools made before");
  }

  private void teachNextSteps(List<Registry.Entry> pools) {
    String name = pools.getFirst().name();
    out()
        .println(
            "Imported: " + String.join(", ", pools.stream().map(Registry.Entry::name).toList()));
    out().println();
    step("lcpfs pool status " + name, "how it is");
    step("lcpfs cp -r DIR " + name + ":/", "copy a directory into it");
    step("lcpfs ls -l " + name + ":/", "see what is in it");
    step("lcpfs fs create " + name + "/home", "make a dataset with properties of its own");
    step("lcpfs pool verify " + name, "check every block");
    step("lcpfs pool export " + name, "let go of it, to take it elsewhere");
  }

  private void step(String command, String why) {
    out().println("  " + command + " ".repeat(Math.max(2, 50 - command.length())) + why);
  }
}
