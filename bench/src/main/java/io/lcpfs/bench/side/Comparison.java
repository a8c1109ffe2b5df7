package io.lcpfs.bench.side;

import io.lcpfs.codec.Checksums;
import io.lcpfs.env.RealEnv;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** The comparison from configuration to report. */
public final class Comparison {
  /** What rows there are, by id. */
  public static final List<String> ROWS =
      List.of(
          "write",
          "read",
          "cached1",
          "cached2",
          "create",
          "stat",
          "entries",
          "copy",
          "overwrite",
          "overwrite4k");

  private static final double STORED_GOAL = 0.50;
  private static final double QUIET_LOAD = 0.5;

  private final Options options;
  private final PrintStream out;

  private Comparison(Options options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  /**
   * Runs the comparison and prints it.
   *
   * @return whether all pools were found sound afterwards
   * @throws Exception when something cannot be measured: no room, no files to copy, a failed call
   */
  public static boolean run(Options options, PrintStream out) throws Exception {
    try (RealEnv env = new RealEnv()) {
      return new Comparison(options, out).compare(env);
    }
  }

  /** A measurement of one round. */
  private record Turn(Row row, boolean lcpfs) {}

  private boolean compare(RealEnv env) throws Exception {
    long start = System.nanoTime();
    Checksums.warmUp(env);
    try (World world = new World(options, env)) {
      checkRoom(world);
      List<Row> rows = rows(world);
      String host = hostName(world.directory);
      printMachine(world, host);
      out.flush();
      for (Row row : rows) {
        row.prepare();
      }
      List<Turn> turns = new ArrayList<>();
      for (Row row : rows) {
        if (options.side() != Options.Side.LCPFS) {
          turns.add(new Turn(row, false));
        }
        if (options.side() != Options.Side.HOST) {
          turns.add(new Turn(row, true));
        }
      }
      Random random = new Random(options.seed());
      Report report = new Report(rows);
      for (int round = 0; round <= options.rounds(); round++) {
        Collections.shuffle(turns, random);
        long seed = random.nextLong();
        for (Turn turn : turns) {
          Sample sample = turn.lcpfs ? turn.row.lcpfs(seed) : turn.row.host(seed);
          if (round > 0) { // the first round warms up
            report.add(turn.row, turn.lcpfs, sample);
          }
        }
      }
      report.print(out, host);
      report.printRounds(out);
      for (Row row : rows) {
        if (row instanceof TreeCopy copy) {
          printStored(copy.measureStored());
        }
      }
      List<String> findings = world.verify();
      out.println("pool check: " + (findings.isEmpty() ? "clean" : findings));
      out.printf(
          Locale.ROOT,
          "%d rounds and one to warm up in %.0f s, seed %d%n",
          options.rounds(),
          (System.nanoTime() - start) / 1e9,
          options.seed());
      return findings.isEmpty();
    }
  }

  private List<Row> rows(World world) {
    List<Row> rows =
        new ArrayList<>(
            List.of(
                new SequentialWrite(world),
                new ColdRead(world),
                new CachedRead(world, 1),
                new CachedRead(world, 2)));
    rows.addAll(SmallFiles.rows(world));
    rows.add(new TreeCopy(world));
    rows.add(new Overwrite(world, false));
    rows.add(new Overwrite(world, true));
    rows.removeIf(row -> !options.only().isEmpty() && !options.only().contains(row.id()));
    return rows;
  }

  private void checkRoom(World world) throws IOException {
    long need = 2 * world.poolBytes() + 5 * world.fileBytes;
    long have = Files.getFileStore(world.directory).getUsableSpace();
    if (have < need) {
      throw new IOException(
          world.directory
              + " has "
              + have / 1_000_000
              + " MB free; "
              + need / 1_000_000
              + " are needed, name another place with --dir");
    }
  }

  private static String hostName(Path directory) throws IOException {
    return Files.getFileStore(directory).type();
  }

  /** Record size, cache and dirty budget of a pool in words. */
  static String describe(LcpfsPool pool, int recordBytes) {
    return String.format(
        Locale.ROOT,
        "records of %d KiB, LZ4, BLAKE3, cache %d MiB, dirty budget %d MiB, %s",
        recordBytes >> 10,
        pool.tuning().cacheBytes() >> 20,
        pool.tuning().dirtyBytes() >> 20,
        pool.direct() ? "O_DIRECT" : "buffered");
  }

  private void printMachine(World world, String host) throws IOException {
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    out.println(
        "lcpfs: "
            + describe(world.pool(), 128 << 10)
            + "; pool on a preallocated file of "
            + (world.poolBytes() >> 20)
            + " MiB, in process, memory kept across imports");
    out.println(host + ": " + Files.getFileStore(world.directory) + ", through java.nio.file");
    out.println(
        "machine: "
            + processor()
            + ", "
            + Runtime.getRuntime().availableProcessors()
            + " processors; JDK "
            + Runtime.version()
            + ", Linux "
            + System.getProperty("os.version")
            + ", heap "
            + (Runtime.getRuntime().maxMemory() >> 20)
            + " MiB, vector kernels "
            + (Checksums.vectorsAtWork() ? "at work" : "off"));
    out.printf(
        Locale.ROOT,
        "sizes: %d MiB files, %,d small files, %,d reads a thread," + " %,d overwrites%n",
        world.fileBytes >> 20,
        world.smallFiles,
        world.randomReads,
        world.overwrites);
    if (load > QUIET_LOAD) {
      out.printf(
          Locale.ROOT, "the machine is not quiet (load %.1f): figures of time mean little%n", load);
    }
  }

  private static String processor() throws IOException {
    Path cpuinfo = Path.of("/proc/cpuinfo");
    if (Files.isReadable(cpuinfo)) {
      for (String line : Files.readAllLines(cpuinfo)) {
        if (line.startsWith("model name")) {
          return line.substring(line.indexOf(':') + 2);
        }
      }
    }
    return System.getProperty("os.arch");
  }

  private void printStored(TreeCopy.Stored stored) {
    out.printf(
        Locale.ROOT,
        "stored size of the tree with %s: %,d bytes of %,d, %.3fx, goal %.2fx %s%n",
        stored.compression(),
        stored.lcpfsBytes(),
        stored.logicalBytes(),
        stored.ratio(),
        STORED_GOAL,
        Report.word(stored.ratio() <= STORED_GOAL));
  }
}
