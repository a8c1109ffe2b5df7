package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.fuse.FuseMount;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Mounting in the background: the same program, started again with --foreground, which tells by a
 * line when it serves; what it says before is for the user. Beside the registry are its pid and
 * what it had to say later.
 */
final class MountDaemon {
  /** What the JVM says, before any of our code runs, when the vector kernels are loaded. */
  private static final String JVM_NOTICE = "WARNING: Using incubator modules";

  private MountDaemon() {}

  private static Path file(Cli cli, String poolName, String kind) {
    return cli.registry().home().resolve("mount-" + poolName + "." + kind);
  }

  /** Starts the running command again in the background; answers its exit code. */
  static int start(Cli cli, String poolName) throws IOException {
    Files.createDirectories(cli.registry().home());
    Path log = file(cli, poolName, "log");
    if (Files.exists(log)) {
      // What a mount that was killed had to say is wanted when it is mounted again.
      Files.move(log, file(cli, poolName, "log.1"), StandardCopyOption.REPLACE_EXISTING);
    }
    List<String> command = Relaunch.command();
    command.addAll(cli.arguments());
    command.addAll(
        List.of("--foreground", "--background-of", Long.toString(ProcessHandle.current().pid())));
    if (cli.arguments().contains("-a") || cli.arguments().contains("--all")) {
      command.removeIf(cli.registry().list().stream().map(Registry.Entry::name).toList()::contains);
      command.add(poolName);
    }
    Process process =
        new ProcessBuilder(command)
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectError(log.toFile())
            .start();
    try (BufferedReader answers =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line = answers.readLine();
      while (line != null && !line.equals(MountCommand.READY)) {
        cli.err().println(line);
        line = answers.readLine();
      }
      if (line != null) {
        return ExitCode.OK;
      }
    }
    int code;
    try {
      code = process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      code = ExitCode.FAILED;
    }
    Files.readString(log)
        .lines()
        .filter(text -> !text.startsWith(JVM_NOTICE))
        .forEach(cli.err()::println);
    return code == ExitCode.OK ? ExitCode.FAILED : code;
  }

  /** Says that it serves, and becomes independent of the terminal. */
  static void ready(Cli cli, List<Pool> pools) {
    FuseMount.leaveTerminal();
    ProcessHandle self = ProcessHandle.current();
    for (Pool pool : pools) {
      try {
        Files.writeString(file(cli, pool.name(), "pid"), self.pid() + " " + started(self) + "\n");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    cli.out().println(MountCommand.READY);
    cli.out().flush();
  }

  private static long started(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  /** The process that serves mounts of a pool in the background, if it runs. */
  static Optional<ProcessHandle> find(Cli cli, String poolName) {
    List<String> words = new ArrayList<>();
    try {
      words.addAll(List.of(Files.readString(file(cli, poolName, "pid")).strip().split(" ")));
    } catch (IOException e) {
      return Optional.empty(); // nothing was mounted from here
    }
    if (words.size() != 2 || !words.stream().allMatch(word -> word.matches("[0-9]{1,18}"))) {
      return Optional.empty();
    }
    long start = Long.parseLong(words.get(1));
    return ProcessHandle.of(Long.parseLong(words.getFirst()))
        .filter(process -> started(process) == start);
  }
}
