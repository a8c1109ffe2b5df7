package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.PoolDevices;
import io.lcpfs.cli.tree.CopyOptions;
import io.lcpfs.cli.tree.CopyReport;
import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.cli.tree.PoolDirectory;
import io.lcpfs.cli.tree.TreeCopy;
import io.lcpfs.cli.tree.TreeDigest;
import io.lcpfs.dataset.Sizes;
import io.lcpfs.device.FileDevice;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.VerifyReport;
import io.lcpfs.posix.PosixFileSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code lcpfs quickstart}: a pool on a file, a real tree copied in, exported, imported by a new
 * process, read back, compared and verified.
 */
@Command(
    name = "quickstart",
    description =
        "Try everything: copy a real directory tree into a pool on a file, import that in"
            + " a new process, compare every byte, verify the pool, clean up.")
final class QuickstartCommand extends BaseCommand {
  static final String POOL = "quickstart";
  private static final String IMAGE = "pool.img";
  private static final String MANIFEST = "manifest";
  private static final int WORKERS = 2;
  private static final int SHOWN_DIFFERENCES = 20;

  @Option(names = "--keep", description = "Keep the pool, to look around in it.")
  boolean keep;

  @Option(
      names = "--place",
      paramLabel = "DIR",
      description = "Put the pool's file below this directory.")
  @Nullable Path place;

  @Option(
      names = "--verify-phase",
      hidden = true,
      paramLabel = "DIR",
      description = "What the new process does.")
  @Nullable Path verifyPhase;

  @Parameters(
      arity = "0..1",
      paramLabel = "DIR",
      description = "The tree to copy; by default the JDK's own home.")
  @Nullable Path tree;

  QuickstartCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path phase = verifyPhase;
    return phase != null ? new QuickstartVerify(cli).run(phase) : run();
  }

  private Integer run() throws IOException, InterruptedException {
    Path wanted = tree;
    Path source = wanted != null ? wanted.toAbsolutePath().normalize() : QuickstartTree.choose();
    if (!Files.isDirectory(source)) {
      throw Failure.failed(source.toString(), "is no directory", "name the directory to copy");
    }
    say("Reading " + source);
    TreeDigest digest;
    try (HostDirectory directory = HostDirectory.open(source)) {
      digest = TreeDigest.of(directory, WORKERS);
    }
    say(
        "  "
            + digest.files()
            + " files, "
            + digest.directories()
            + " directories, "
            + digest.links()
            + " links, "
            + Sizes.print(digest.bytes())
            + (digest.others() == 0 ? "" : "; left out: " + digest.others() + " special files"));
    Path work = workDirectory(digest.bytes());
    boolean kept = false;
    try {
      writeManifest(work.resolve(MANIFEST), digest.entries());
      copyIn(source, work.resolve(IMAGE), digest);
      say("Importing in a new process");
      out().flush();
      int code = newProcess(work);
      if (code != ExitCode.OK) {
        throw Failure.failed(
            POOL,
            "the tree read back is not the one that was copied",
            "report this, with what is printed above");
      }
      if (keep) {
        kept = keepPool(work);
      }
      teach(kept);
      return ExitCode.OK;
    } finally {
      if (!kept) {
        deleteAll(work);
      }
    }
  }

  private void say(String line) {
    out().println(line);
    out().flush();
  }

  private Path workDirectory(long treeBytes) throws IOException {
    List<Path> places = new ArrayList<>();
    Path given = place;
    if (given != null) {
      places.add(given);
    } else {
      places.add(cli.registry().home());
      places.add(Path.of(System.getProperty("java.io.tmpdir", "/tmp")));
    }
    long needed = treeBytes + treeBytes / 5 + (64 << 20);
    for (Path candidate : places) {
      Files.createDirectories(candidate);
      if (Files.getFileStore(candidate).getUsableSpace() >= needed) {
        return Files.createTempDirectory(candidate, "quickstart-");
      }
    }
    throw Failure.failed(
        places.getLast().toString(),
        "has less than " + Sizes.print(needed) + " free",
        "make room, name another place with --place DIR, or a smaller tree");
  }

  private static long imageBytes(long treeBytes) {
    long bytes = 2 * treeBytes + (256L << 20);
    return (bytes + (1 << 20) - 1) >> 20 << 20;
  }

  private void copyIn(Path source, Path image, TreeDigest digest) {
    long bytes = imageBytes(digest.bytes());
    FileDevice.create(image, bytes, false);
    say("Made a pool on " + image + " (" + Sizes.print(bytes) + ", takes space as it fills)");
    CreateOptions options = CreateOptions.named(POOL).withHost(cli.host()).withTuning(cli.tuning());
    long start = cli.env().nanoTime();
    try (Pool pool = PoolDevices.create(List.of(image), options, cli.env());
        HostDirectory from = HostDirectory.open(source)) {
      Dataset root = pool.dataset(POOL);
      PosixFileSystem files = root.fileSystem();
      TreeCopy copy =
          new TreeCopy(
              new CopyOptions(
                  true,
                  true,
                  HostDirectory.euid() == 0,
                  false,
                  false,
                  -1,
                  -1,
                  WORKERS,
                  CopyOptions.Reflink.AUTO),
              failure -> cli.warn(Messages.of(failure)));
      copy.copyContents(
          from, new PoolDirectory(files, root.guid(), files.rootInode(), POOL + ":/"));
      pool.sync();
      CopyReport report = copy.report();
      if (report.failures() > 0) {
        throw Failure.failed(
            source.toString(),
            report.failures() + " entries were not copied",
            "see above, or name a directory that you may read");
      }
      say("Copied in and synced: " + rate(report.bytes(), cli.env().nanoTime() - start));
      cli.remember(pool);
      pool.export();
    }
  }

  /** For example "195M in 1.2 s, 170 MB/s". */
  static String rate(long bytes, long nanos) {
    double seconds = Math.max(nanos, 1) / 1e9;
    return String.format(
        Locale.ROOT, "%s in %.1f s, %.0f MB/s", Sizes.print(bytes), seconds, bytes / seconds / 1e6);
  }

  private static void writeManifest(Path file, SortedMap<String, String> entries)
      throws IOException {
    List<String> lines = new ArrayList<>();
    entries.forEach((path, line) -> lines.add(QuickstartVerify.line(path, line)));
    Files.write(file, lines);
  }

  /** The same program with the same options and class path, in another process. */
  private int newProcess(Path work) throws IOException, InterruptedException {
    List<String> command = Relaunch.command();
    command.addAll(List.of("quickstart", "--verify-phase", work.toString()));
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    builder.environment().put("LCPFS_HOME", work.toString());
    return builder.start().waitFor();
  }

  private boolean keepPool(Path work) {
    if (cli.registry().find(POOL).isPresent()) {
      cli.warn(
          POOL
              + ": a pool of this name is imported already; the new one is in "
              + work
              + ", import it with 'lcpfs pool import -d "
              + work
              + " "
              + POOL
              + " NEWNAME'");
      return true;
    }
    Path image = work.resolve(IMAGE);
    try (Pool pool =
        PoolDevices.open(
            List.of(image),
            OpenOptions.standard().withHost(cli.host()).withTuning(cli.tuning()),
            cli.env())) {
      cli.registry().add(new Registry.Entry(POOL, pool.guid(), false, List.of(image)));
    }
    return true;
  }

  private void teach(boolean kept) {
    say("");
    say("Every byte agreed. Try next:");
    if (kept) {
      say("  lcpfs ls -l " + POOL + ":/");
      say("  lcpfs pool status " + POOL);
      say("  lcpfs pool destroy " + POOL);
    } else {
      say("  lcpfs pool create tank --size 10G ~/tank.img     a pool of your own");
      say("  lcpfs cp -r DIR tank:/                           your files in it");
      say("  lcpfs ls -l tank:/                               and there they are");
      say("  lcpfs quickstart --keep                          keep this one to look around");
    }
  }

  private void deleteAll(Path work) throws IOException {
    try (var entries = Files.newDirectoryStream(work)) {
      for (Path entry : entries) {
        Files.delete(entry);
      }
    }
    Files.delete(work);
  }

  /** What the verifying process needs to know. */
  static Path image(Path work) {
    return work.resolve(IMAGE);
  }

  static Path manifest(Path work) {
    return work.resolve(MANIFEST);
  }

  static int shownDifferences() {
    return SHOWN_DIFFERENCES;
  }

  /** A line per finding, and whether the pool is sound. */
  static boolean report(Cli cli, VerifyReport report) {
    report.findings().stream()
        .limit(SHOWN_DIFFERENCES)
        .forEach(
            finding -> cli.warn(finding.check() + ": " + finding.where() + ": " + finding.what()));
    return report.clean();
  }
}
