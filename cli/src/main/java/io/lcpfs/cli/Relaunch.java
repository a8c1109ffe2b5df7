package io.lcpfs.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How this very program is started in another process. */
final class Relaunch {
  private Relaunch() {}

  /** The command up to the main class: the same JVM, options and class path. */
  static List<String> command() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String argument : ProcessHandle.current().info().arguments().orElse(new String[0])) {
      if (argument.equals(Main.class.getName())) {
        break;
      }
      // The launcher's detour of standard error ends with this process.
      if (!argument.startsWith("-Dlcpfs.stderr=")) {
        command.add(argument);
      }
    }
    if (!command.contains("-cp") && !command.contains("-jar")) {
      command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    }
    command.add(Main.class.getName());
    return command;
  }
}
