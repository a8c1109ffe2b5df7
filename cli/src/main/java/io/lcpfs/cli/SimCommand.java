package io.lcpfs.cli;

import io.lcpfs.sim.SimMain;
import io.lcpfs.sim.engine.EngineTarget;
import io.lcpfs.sim.kill.KillTrials;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs sim}: the simulator, on the engine as it is. */
@Command(
    name = "sim",
    description = "Run the engine through simulated crashes and faults, by seed.",
    footer = {
      "",
      "Options of the simulation: --seeds N, --first S, --operations N, --scripts N, --states N,",
      "--workers N, --plant BUG, --replay SEED, --script SEED; see docs/TESTING.md.",
      "With --kill N real processes are killed with SIGKILL at random moments instead."
    })
final class SimCommand extends BaseCommand {
  @Option(
      names = "--kill",
      paramLabel = "N",
      description = "Kill N real processes that write to a pool in a file.")
  int kills;

  @Option(names = "--volatile", description = "With --kill: unflushed writes die with the process.")
  boolean losesUnflushed;

  @Parameters(arity = "0..*", paramLabel = "OPTION", description = "Options of the simulation.")
  List<String> arguments = new ArrayList<>();

  SimCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (kills == 0) {
      return SimMain.run(new EngineTarget(), arguments.toArray(String[]::new), out(), cli.err());
    }
    List<String> violations = KillTrials.run(kills, losesUnflushed, System.nanoTime(), out());
    violations.forEach(out()::println);
    return violations.isEmpty() ? ExitCode.OK : ExitCode.FAILED;
  }
}
