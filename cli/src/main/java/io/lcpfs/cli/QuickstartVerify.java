package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.PoolDevices;
import io.lcpfs.cli.tree.PoolDirectory;
import io.lcpfs.cli.tree.TreeDigest;
import io.lcpfs.dataset.Sizes;
import io.lcpfs.format.NameText;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.VerifyReport;
import io.lcpfs.posix.PosixFileSystem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/** The second half of the quickstart, in a process that knows nothing but the pool's file. */
final class QuickstartVerify {
  private static final int WORKERS = 2;

  private final Cli cli;

  QuickstartVerify(Cli cli) {
    this.cli = cli;
  }

  /** A line of the manifest. */
  static String line(String path, String entry) {
    HexFormat hex = HexFormat.of();
    return hex.formatHex(path.getBytes(StandardCharsets.ISO_8859_1))
        + " "
        + hex.formatHex(entry.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static SortedMap<String, String> read(Path manifest) throws IOException {
    SortedMap<String, String> entries = new TreeMap<>();
    HexFormat hex = HexFormat.of();
    for (String line : Files.readAllLines(manifest)) {
      String[] fields = line.split(" ", 2);
      entries.put(
          new String(hex.parseHex(fields[0]), StandardCharsets.ISO_8859_1),
          new String(hex.parseHex(fields[1]), StandardCharsets.ISO_8859_1));
    }
    return entries;
  }

  /** Imports, compares and verifies; 0 only when all agreed. */
  int run(Path work) throws IOException {
    SortedMap<String, String> expected = read(QuickstartCommand.manifest(work));
    long start = cli.env().nanoTime();
    OpenOptions options = OpenOptions.standard().withHost(cli.host()).withTuning(cli.tuning());
    try (Pool pool = PoolDevices.open(List.of(QuickstartCommand.image(work)), options, cli.env())) {
      say(
          String.format(
              Locale.ROOT,
              "  imported in %.1f s by process %d",
              (cli.env().nanoTime() - start) / 1e9,
              ProcessHandle.current().pid()));
      boolean same = compare(pool, expected);
      boolean sound = verify(pool);
      sizes(pool);
      pool.export();
      return same && sound ? ExitCode.OK : ExitCode.FAILED;
    }
  }

  private void say(String line) {
    cli.out().println(line);
    cli.out().flush();
  }

  private boolean compare(Pool pool, SortedMap<String, String> expected) {
    Dataset root = pool.dataset(pool.name());
    PosixFileSystem files = root.fileSystem();
    long start = cli.env().nanoTime();
    TreeDigest found =
        TreeDigest.of(
            new PoolDirectory(files, root.guid(), files.rootInode(), pool.name() + ":/"), WORKERS);
    long nanos = cli.env().nanoTime() - start;
    List<String> differences = differences(expected, found.entries());
    differences.stream().limit(QuickstartCommand.shownDifferences()).forEach(cli::warn);
    say("Read back and hashed: " + QuickstartCommand.rate(found.bytes(), nanos));
    if (!differences.isEmpty()) {
      cli.warn(pool.name() + ": " + differences.size() + " entries differ; report this");
      return false;
    }
    say(
        "  the same: SHA-256 of "
            + found.files()
            + " files, modes and times, "
            + found.directories()
            + " directories, targets of "
            + found.links()
            + " links");
    return true;
  }

  /** What is not as it should be, a line each. */
  static List<String> differences(
      SortedMap<String, String> expected, SortedMap<String, String> found) {
    List<String> lines = new ArrayList<>();
    expected.forEach(
        (path, entry) -> {
          String other = found.get(path);
          if (other == null) {
            lines.add(shown(path) + ": is missing; expected " + entry);
          } else if (!other.equals(entry)) {
            lines.add(shown(path) + ": is " + other + "; expected " + entry);
          }
        });
    found.forEach(
        (path, entry) -> {
          if (!expected.containsKey(path)) {
            lines.add(shown(path) + ": was never copied; found " + entry);
          }
        });
    return lines;
  }

  private static String shown(String path) {
    return NameText.decode(path.getBytes(StandardCharsets.ISO_8859_1));
  }

  private boolean verify(Pool pool) {
    long start = cli.env().nanoTime();
    VerifyReport report = pool.verify(progress -> {});
    boolean sound = QuickstartCommand.report(cli, report);
    say(
        "Verified: "
            + (sound ? "sound" : report.findings().size() + " findings")
            + ", "
            + QuickstartCommand.rate(report.bytesChecked(), cli.env().nanoTime() - start));
    return sound;
  }

  private void sizes(Pool pool) {
    Dataset root = pool.dataset(pool.name());
    say(
        String.format(
            Locale.ROOT,
            "Stored: %s of data in %s on disk, ratio %.2f",
            Sizes.print(root.logicalBytes()),
            Sizes.print(root.usedBytes()),
            (double) root.logicalBytes() / Math.max(1, root.usedBytes())));
  }
}
