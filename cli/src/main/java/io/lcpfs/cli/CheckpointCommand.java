package io.lcpfs.cli;

import io.lcpfs.api.Checkpoint;
import io.lcpfs.api.Pool;
import io.lcpfs.dataset.Sizes;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs pool checkpoint}. */
@Command(
    name = "checkpoint",
    description = {
      "Keep a whole pool as it is now, to go back to: all datasets, snapshots and properties.",
      "Go back with 'lcpfs pool import --rewind-to-checkpoint' after an export."
    })
final class CheckpointCommand extends BaseCommand {
  @Option(
      names = {"-d", "--discard"},
      description = "Give the checkpoint up, and free what only it had.")
  boolean discard;

  @Option(
      names = {"-w", "--wait"},
      description = "With -d: return when the space is free; which is always so.")
  boolean waiting;

  @Option(
      names = {"-j", "--json"},
      description = "Print JSON.")
  boolean json;

  @Parameters(paramLabel = "POOL", description = "The pool.")
  String name = "";

  CheckpointCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    if (waiting && !discard) {
      throw Failure.usage("-w", "waits for the end of a checkpoint", "add -d, or leave it out");
    }
    try (Pool pool = cli.openToWrite(name)) {
      if (discard) {
        long freed = pool.checkpoints().discard();
        cli.remember(pool);
        if (json) {
          Map<String, Object> object = new LinkedHashMap<>();
          object.put("pool", name);
          object.put("freed", freed);
          out().println(Json.write(object));
        } else {
          out().println(name + ": discarded the checkpoint, " + Sizes.print(freed) + " free by it");
        }
      } else {
        Checkpoint taken = pool.checkpoints().take();
        cli.remember(pool);
        if (json) {
          Map<String, Object> object = new LinkedHashMap<>();
          object.put("pool", name);
          object.put("checkpoint", asJson(taken));
          out().println(Json.write(object));
        } else {
          out().println(name + ": checkpoint of " + time(taken) + ", txg " + taken.txg());
        }
      }
    }
    return ExitCode.OK;
  }

  static String time(Checkpoint checkpoint) {
    return FileText.minutes(checkpoint.creation().getEpochSecond());
  }

  static Map<String, Object> asJson(Checkpoint checkpoint) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("txg", checkpoint.txg());
    object.put("creation", checkpoint.creation().getEpochSecond());
    object.put("used", checkpoint.usedBytes());
    return object;
  }
}
