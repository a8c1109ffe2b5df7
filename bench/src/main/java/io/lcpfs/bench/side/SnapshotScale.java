package io.lcpfs.bench.side;

import io.lcpfs.api.Dataset;
import io.lcpfs.env.RealEnv;
import io.lcpfs.pool.Tuning;
import io.lcpfs.pool.VerifyReport;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What snapshots cost where there are many files and many snapshots: taking one, listing them,
 * destroying some while somebody writes. A million small files and 10,000 snapshots.
 */
public final class SnapshotScale {
  private static final int PER_DIRECTORY = 1000;
  private static final int CLEAN = 20;
  private static final int DESTROYED = 1000;
  private static final byte[] CONTENT = "a small file".getBytes(StandardCharsets.UTF_8);

  private final PrintStream out;
  private final int files;
  private final int snapshots;

  private SnapshotScale(PrintStream out, int part) {
    this.out = out;
    this.files = 1_000_000 / part;
    this.snapshots = 10_000 / part;
  }

  /**
   * Runs it on a pool in {@code directory}, which takes 8 GiB there.
   *
   * @param quick a sixteenth of everything
   * @return whether the pool is sound after it
   */
  public static boolean run(Path directory, boolean quick, PrintStream out)
      throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory(Files.createDirectories(directory), "lcpfs-bench-");
    Path file = folder.resolve("pool");
    Tuning tuning = Tuning.standard().withCacheBytes(512L << 20).withDirtyBytes(128L << 20);
    try (RealEnv env = new RealEnv();
        LcpfsPool pool = new LcpfsPool(file, 8L << 30, "bench", tuning, Map.of(), env)) {
      return new SnapshotScale(out, quick ? 16 : 1).measure(pool);
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(folder);
    }
  }

  private static byte[] directory(int number) {
    return ("/d" + number / PER_DIRECTORY).getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] file(int number) {
    return ("/d" + number / PER_DIRECTORY + "/f" + number).getBytes(StandardCharsets.UTF_8);
  }

  private static void write(PosixFileSystem fs, int number) {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
    try (FileHandle handle = fs.paths().open(file(number), flags, 0644, Caller.ROOT)) {
      handle.write(0, MemorySegment.ofArray(CONTENT), 0, CONTENT.length);
    }
  }

  private void line(String what, String figures) {
    out.printf(Locale.ROOT, "%-58s %s%n", what, figures);
  }

  private static String millis(long nanos) {
    return String.format(Locale.ROOT, "%.1f ms", nanos / 1e6);
  }

  private static String spread(long[] nanos) {
    Arrays.sort(nanos);
    return "median "
        + millis(nanos[nanos.length / 2])
        + ", 99% "
        + millis(nanos[nanos.length * 99 / 100])
        + ", most "
        + millis(nanos[nanos.length - 1]);
  }

  private boolean measure(LcpfsPool pool) throws InterruptedException {
    for (int i = 0; i < files; i++) {
      if (i % PER_DIRECTORY == 0) {
        pool.files().paths().mkdir(directory(i), 0755, Caller.ROOT);
      }
      write(pool.files(), i);
    }
    pool.pool().sync();
    line("files", Integer.toString(files));
    take(pool, "snapshot, nothing changed", "clean", CLEAN, false);
    take(pool, "snapshot after a change of one file", "s", snapshots, true);
    list(pool, "all snapshots listed");
    pool.reimport();
    list(pool, "the same after an import");
    destroy(pool);
    long start = System.nanoTime();
    VerifyReport report = pool.pool().verify(progress -> {});
    line("verify", millis(System.nanoTime() - start) + ", " + report.counts());
    report.findings().forEach(finding -> out.println(finding));
    return report.findings().isEmpty();
  }

  private void take(LcpfsPool pool, String what, String name, int count, boolean change) {
    Dataset dataset = dataset(pool);
    SplittableRandom random = new SplittableRandom(1);
    long[] nanos = new long[count];
    for (int i = 0; i < count; i++) {
      if (change) {
        write(pool.files(), random.nextInt(files));
      }
      long start = System.nanoTime();
      dataset.snapshot(name + i);
      nanos[i] = System.nanoTime() - start;
    }
    line(what + ", " + count + " times", spread(nanos));
  }

  private static Dataset dataset(LcpfsPool pool) {
    return pool.pool().dataset(pool.pool().name());
  }

  private void list(LcpfsPool pool, String what) {
    long start = System.nanoTime();
    int count = dataset(pool).snapshots().size();
    line(what, millis(System.nanoTime() - start) + ", " + count);
  }

  private void destroy(LcpfsPool pool) throws InterruptedException {
    LinkedHashSet<String> doomed = new LinkedHashSet<>();
    for (int i = 0; i < Math.min(DESTROYED, snapshots); i++) {
      doomed.add("s" + i * 7L % snapshots);
    }
    List<String> names = new ArrayList<>(doomed);
    PosixFileSystem fs = pool.files();
    AtomicBoolean stop = new AtomicBoolean();
    AtomicLong written = new AtomicLong();
    Thread writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int i = 0; !stop.get(); i++) {
                    write(fs, (int) (i * 31L % files));
                    written.incrementAndGet();
                  }
                });
    try {
      Thread.sleep(1000);
      long before = written.get();
      long start = System.nanoTime();
      dataset(pool).destroySnapshots(names);
      long gone = System.nanoTime() - start;
      while (pool.pool().status().freeingBytes() > 0) {
        Thread.sleep(1);
      }
      long freed = System.nanoTime() - start;
      line(
          names.size() + " destroyed while somebody writes",
          "gone after " + millis(gone) + ", all freed after " + millis(freed));
      line(
          "files written in a second: before, meanwhile",
          before + ", " + (written.get() - before) * 1_000_000_000L / Math.max(1, freed));
    } finally {
      stop.set(true);
      writer.join();
    }
  }
}
