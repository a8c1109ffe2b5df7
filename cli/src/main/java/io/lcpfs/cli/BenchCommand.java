package io.lcpfs.cli;

import io.lcpfs.bench.side.Comparison;
import io.lcpfs.bench.side.Options;
import io.lcpfs.bench.side.SnapshotScale;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code lcpfs bench}: LCPFS beside the JDK's default file system on the same disk. */
@Command(
    name = "bench",
    description = "Measure LCPFS beside the file system that a directory is on.",
    footer = {
      "",
      "All rounds take about ten minutes and 30 GiB in the directory; --quick a minute and 3 GiB.",
      "See docs/BENCH.md for what each row measures and promises."
    })
final class BenchCommand extends BaseCommand {
  /** The rows, for the help and for completion. */
  static final class Rows implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Comparison.ROWS.iterator();
    }
  }

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Work in DIR, not in the temporary directory.")
  @Nullable Path directory;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Measure N rounds, after one to warm up (default 7; with --quick 2).")
  @Nullable Integer rounds;

  @Option(
      names = "--only",
      paramLabel = "ROW",
      split = ",",
      completionCandidates = Rows.class,
      description = "Measure these rows only: ${COMPLETION-CANDIDATES}.")
  List<String> only = new ArrayList<>();

  @Option(
      names = "--snapshots",
      description = "Measure snapshots of a million files instead; takes 8 GiB and minutes.")
  boolean snapshots;

  @Option(names = "--quick", description = "A sixteenth of the sizes, to try it out.")
  boolean quick;

  @Option(
      names = "--tree",
      paramLabel = "DIR",
      description = "Copy the small files in DIR, not those that this machine has.")
  @Nullable Path tree;

  @Option(
      names = "--side",
      paramLabel = "SIDE",
      description = "Measure one side alone, to profile it: ${COMPLETION-CANDIDATES}.")
  Options.Side side = Options.Side.BOTH;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Another order of the rounds, and other offsets.")
  long seed = Options.SEED;

  BenchCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() throws Exception {
    boolean sound =
        snapshots
            ? SnapshotScale.run(options().directory(), quick, out())
            : Comparison.run(options(), out());
    return sound ? ExitCode.OK : ExitCode.FAILED;
  }

  private Options options() {
    Path where = directory;
    if (where == null) {
      where = Path.of(System.getProperty("java.io.tmpdir"));
    }
    Integer wanted = rounds;
    if (wanted == null) {
      wanted = quick ? Options.QUICK_ROUNDS : Options.ROUNDS;
    }
    if (tree != null && !Files.isDirectory(tree)) {
      throw new ParameterException(spec.commandLine(), tree + " is no directory");
    }
    try {
      return new Options(where, wanted, only, quick, tree, side, seed);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
