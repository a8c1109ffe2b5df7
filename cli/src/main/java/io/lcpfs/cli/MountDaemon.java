package io.lcpfs.cli;

import io.lcpfs.fuse.FuseMount;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Mounting in the background: the same program, started again for each pool with --foreground. It
 * tells by a line when it serves; what it says before is for the user, and what it has to say later
 * goes to a file beside the registry. Of several, each asks before every mount, so that a mount
 * point inside another comes after that, whatever pools they are of.
 */
final class MountDaemon implements AutoCloseable {
  /** What a server in the background says when others may go on, and how many mounts failed. */
  private static final String READY = "lcpfs-mount-ready ";

  /** What it says before it mounts on the directory named behind; it then waits for a line. */
  private static final String NEXT = "lcpfs-mount-next ";

  /** What the JVM says, before any of our code runs, when the vector kernels are loaded. */
  private static final String JVM_NOTICE = "WARNING: Using incubator modules";

  private final Cli cli;
  private final Path log;
  private final Process process;
  private final BufferedReader answers;

  /** Where it wants to mount; null when it does not ask any more. */
  private @Nullable String next;

  /** Its exit code when it is not for others to wait. */
  private int code = ExitCode.OK;

  private MountDaemon(Cli cli, String poolName, List<String> arguments) throws IOException {
    this.cli = cli;
    Files.createDirectories(cli.registry().home());
    log = file(poolName, "log");
    if (Files.exists(log)) {
      // What a mount that was killed had to say is wanted when it is mounted again.
      Files.move(log, file(poolName, "log.1"), StandardCopyOption.REPLACE_EXISTING);
    }
    List<String> command = Relaunch.command();
    command.addAll(arguments);
    command.addAll(
        List.of("--foreground", "--background-of", Long.toString(ProcessHandle.current().pid())));
    process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  private Path file(String poolName, String kind) {
    return cli.registry().home().resolve("mount-" + poolName + "." + kind);
  }

  /**
   * Serves pools in the background, a process for each, and returns when they do.
   *
   * @param arguments of the command that serves a pool
   * @return the highest of their exit codes
   */
  static int start(Cli cli, List<String> poolNames, Function<String, List<String>> arguments)
      throws IOException {
    List<MountDaemon> daemons = new ArrayList<>();
    try {
      for (String name : poolNames) {
        daemons.add(new MountDaemon(cli, name, arguments.apply(name)));
      }
      for (MountDaemon daemon : daemons) {
        daemon.listen();
      }
      Optional<MountDaemon> first = first(daemons);
      while (first.isPresent()) {
        first.get().go();
        first.get().listen();
        first = first(daemons);
      }
      return daemons.stream().mapToInt(daemon -> daemon.code).max().orElse(ExitCode.OK);
    } finally {
      for (MountDaemon daemon : daemons) {
        daemon.close();
      }
    }
  }

  /** Whose turn it is: each asks for its own mount points in order. */
  private static Optional<MountDaemon> first(List<MountDaemon> daemons) {
    return daemons.stream()
        .filter(daemon -> daemon.next != null)
        .min(Comparator.comparing(daemon -> Path.of(String.valueOf(daemon.next))));
  }

  /** Passes on what it says until it asks, serves or ends. */
  private void listen() throws IOException {
    next = null;
    String line = answers.readLine();
    while (line != null && !line.startsWith(READY) && !line.startsWith(NEXT)) {
      cli.err().println(line);
      line = answers.readLine();
    }
    if (line == null) {
      code = ended();
    } else if (line.startsWith(NEXT)) {
      next = line.substring(NEXT.length());
    } else {
      code = line.equals(READY + 0) ? ExitCode.OK : ExitCode.FAILED;
    }
  }

  private void go() {
    try {
      OutputStream orders = process.getOutputStream();
      orders.write('\n');
      orders.flush();
    } catch (IOException e) {
      process.destroy(); // it is ending; what it says is read next
    }
  }

  private int ended() throws IOException {
    int exit;
    try {
      exit = process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      exit = ExitCode.FAILED;
    }
    Files.readString(log)
        .lines()
        .filter(text -> !text.startsWith(JVM_NOTICE))
        .forEach(cli.err()::println);
    return exit == ExitCode.OK ? ExitCode.FAILED : exit;
  }

  /** Leaves it to itself; one that still waits for its turn gives up. */
  @Override
  public void close() throws IOException {
    try (OutputStream orders = process.getOutputStream()) {
      answers.close();
    }
  }

  // ---- what the process in the background does

  /** Waits until it may mount on {@code directory}. */
  static void awaitTurn(Cli cli, Path directory) throws IOException {
    // A line is one; what is ordered by it need not be exact.
    cli.out().println(NEXT + directory.toString().replace('\n', ' '));
    cli.out().flush();
    if (cli.in().read() != '\n') {
      throw Failure.failed(
          directory.toString(),
          "nothing is mounted there, since the command was ended",
          "repeat it");
    }
  }

  /** Says that it serves, and becomes independent of the terminal. */
  static void ready(Cli cli, int failures) {
    FuseMount.leaveTerminal();
    cli.out().println(READY + failures);
    cli.out().flush();
  }
}
