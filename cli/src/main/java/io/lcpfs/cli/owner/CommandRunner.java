package io.lcpfs.cli.owner;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;

/** Runs a command in the owner's process, with its pools. */
public interface CommandRunner {

  /** The exit code; throws nothing. */
  int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err);
}
