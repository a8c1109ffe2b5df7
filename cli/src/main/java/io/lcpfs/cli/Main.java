package io.lcpfs.cli;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** The entry point of the command {@code lcpfs}. */
public final class Main {
  private static final int BUFFER_BYTES = 64 << 10;

  private Main() {}

  public static void main(String[] arguments) {
    LauncherStderr.restore();
    // Names are UTF-8 or bytes whatever the locale says.
    PrintStream out =
        new PrintStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), BUFFER_BYTES),
            false,
            NameText.CHARSET);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, NameText.CHARSET);
    int code = run(out, err, System.getenv(), RawArguments.of(arguments));
    out.flush();
    if (out.checkError() && code == ExitCode.OK) {
      err.println(
          "lcpfs: standard output: cannot be written; check the pipe or the disk behind it");
      code = ExitCode.FAILED;
    }
    Runtime.getRuntime().exit(code);
  }

  /** Runs one command and answers its exit code. Prints failures; throws nothing. */
  static int run(
      PrintStream out, PrintStream err, Map<String, String> environment, String... arguments) {
    return run(System.in, out, err, environment, arguments);
  }

  /** As {@link #run(PrintStream, PrintStream, Map, String...)}, with another standard input. */
  static int run(
      InputStream in,
      PrintStream out,
      PrintStream err,
      Map<String, String> environment,
      String... arguments) {
    try (Cli cli = new Cli(in, out, err, environment, List.of(arguments))) {
      return execute(cli, arguments);
    }
  }

  /** Runs a command where its pools are open: in another process, or here. */
  static int execute(Cli cli, String... arguments) {
    OptionalInt elsewhere;
    try {
      elsewhere = Owners.run(cli, arguments);
    } catch (PoolException | Failure e) {
      return fail(cli, e);
    }
    return elsewhere.isPresent() ? elsewhere.getAsInt() : executeHere(cli, arguments);
  }

  static int executeHere(Cli cli, String... arguments) {
    CommandLine commandLine = CommandTree.build(cli, arguments);
    commandLine.setOut(new PrintWriter(cli.out(), true, NameText.CHARSET));
    commandLine.setErr(new PrintWriter(cli.err(), true, NameText.CHARSET));
    commandLine.setExecutionExceptionHandler((problem, where, parsed) -> fail(cli, problem));
    commandLine.setParameterExceptionHandler((problem, given) -> misuse(cli, problem));
    try {
      return commandLine.execute(arguments);
    } catch (OutOfMemoryError | StackOverflowError | AssertionError e) {
      return fail(cli, e);
    }
  }

  private static int fail(Cli cli, Throwable problem) {
    cli.warn(Messages.of(problem));
    if (cli.debug()) {
      problem.printStackTrace(cli.err());
    }
    return problem instanceof Failure failure ? failure.exitCode() : ExitCode.FAILED;
  }

  private static int misuse(Cli cli, ParameterException problem) {
    CommandLine command = problem.getCommandLine();
    String subject = command.getCommandSpec().qualifiedName();
    String what =
        String.valueOf(problem.getMessage()).lines().findFirst().orElse("wrong arguments").strip();
    if (problem instanceof CommandLine.UnmatchedArgumentException unmatched) {
      List<String> suggestions = unmatched.getSuggestions();
      if (!suggestions.isEmpty()) {
        what += " (did you mean '" + suggestions.getFirst() + "'?)";
      }
    }
    cli.warn(
        subject.replaceFirst("^lcpfs ", "")
            + ": "
            + Character.toLowerCase(what.charAt(0))
            + what.substring(1)
            + "; see '"
            + subject
            + " --help'");
    return ExitCode.USAGE;
  }
}
