package io.lcpfs.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lcpfs version}. */
@Command(name = "version", description = "Show the version of this program and of Java.")
final class VersionCommand extends BaseCommand {
  @Option(
      names = {"-j", "--json"},
      description = "Print JSON.")
  boolean json;

  VersionCommand(Cli cli) {
    super(cli);
  }

  /** As in the jar's manifest; "unpackaged" when run from class folders. */
  static String version() {
    String version = VersionCommand.class.getPackage().getImplementationVersion();
    return version == null ? "unpackaged" : version;
  }

  @Override
  public Integer call() {
    if (json) {
      Map<String, Object> values = new LinkedHashMap<>();
      values.put("version", version());
      values.put("java", Runtime.version().toString());
      out().println(Json.write(values));
    } else {
      out().println("lcpfs " + version() + " (Java " + Runtime.version() + ")");
    }
    return ExitCode.OK;
  }
}
