package io.lcpfs.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/** One command, run in this process: what it printed and answered. */
record CliRun(int code, String out, String err) {

  /** Runs {@code lcpfs} with the registry in {@code home}. */
  static CliRun of(Path home, String... arguments) {
    return with(Map.of("LCPFS_HOME", home.toString(), "LCPFS_CACHE", "64M"), arguments);
  }

  /** Runs {@code lcpfs} in an environment. */
  static CliRun with(Map<String, String> environment, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream outText = new PrintStream(out, true, StandardCharsets.UTF_8);
    int code =
        Main.run(
            outText, new PrintStream(err, true, StandardCharsets.UTF_8), environment, arguments);
    outText.flush();
    return new CliRun(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** Splits {@code line} at blanks. */
  static CliRun line(Path home, String line) {
    return of(home, line.isEmpty() ? new String[0] : line.split(" ", -1));
  }
}
