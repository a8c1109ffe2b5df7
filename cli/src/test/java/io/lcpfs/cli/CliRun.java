package io.lcpfs.cli;

import io.lcpfs.format.NameText;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
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
    PrintStream outText = new PrintStream(out, true, NameText.CHARSET);
    int code =
        Main.run(outText, new PrintStream(err, true, NameText.CHARSET), environment, arguments);
    outText.flush();
    return new CliRun(code, NameText.decode(out.toByteArray()), NameText.decode(err.toByteArray()));
  }

  /** Splits {@code line} at blanks. */
  static CliRun line(Path home, String line) {
    return of(home, line.isEmpty() ? new String[0] : line.split(" ", -1));
  }
}
