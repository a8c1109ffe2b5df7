package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.api.PoolDevices;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lcpfs debug}: structures on disk as text. */
@Command(
    name = "debug",
    description = "Print structures on disk.",
    footer = {
      "",
      "For example: lcpfs debug label /dev/sdX; lcpfs debug uberblock tank;"
          + " lcpfs debug object tank 5"
    })
final class DebugCommand extends BaseCommand {
  @Parameters(
      index = "0",
      paramLabel = "WHAT",
      description =
          "label, uberblock, layout, config, mos, dataset, object, block, zap, spacemap"
              + " or gang")
  String what = "";

  @Parameters(
      index = "1",
      paramLabel = "POOL|DEVICE",
      description = "An imported pool; for label also a path.")
  String where = "";

  @Parameters(
      index = "2..*",
      arity = "0..*",
      paramLabel = "WHICH",
      description = "Narrows it down: a number, a dataset, an offset.")
  List<String> arguments = new ArrayList<>();

  DebugCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    if (where.indexOf('/') >= 0 || where.indexOf('.') == 0) {
      Path device = Path.of(where);
      if (!Files.exists(device)) {
        throw Failure.failed(where, "no such file or device", "check the path");
      }
      print(PoolDevices.debug(device, what, arguments));
    } else {
      try (Pool pool = cli.openToRead(where)) {
        print(pool.debug(what, arguments));
      }
    }
    return ExitCode.OK;
  }

  private void print(String text) {
    out().print(text.endsWith("\n") ? text : text + "\n");
  }
}
