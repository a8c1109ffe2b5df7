package io.lcpfs.cli;

import picocli.CommandLine.Option;

/** How a listing is printed. */
final class OutputOptions {
  @Option(
      names = {"-j", "--json"},
      description = "Print JSON, with exact numbers.")
  boolean json;

  @Option(
      names = {"-H", "--no-headers"},
      description = "Print no headers and separate columns by one tab, for scripts.")
  boolean noHeaders;

  @Option(
      names = {"-p", "--exact"},
      description = "Print exact numbers instead of rounded ones.")
  boolean exact;

  /** Aligned columns without their titles; set by commands, not by users. */
  boolean withoutTitles;
}
