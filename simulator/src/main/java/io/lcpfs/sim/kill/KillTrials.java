package io.lcpfs.sim.kill;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.Pool;
import io.lcpfs.device.FileDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.VerifyReport;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * Kills a {@link KillWorker} with SIGKILL at random moments, and after each kill imports the pool,
 * verifies it, and compares every file with what it must be.
 */
public final class KillTrials {
  private static final long DEVICE_BYTES = 512L << 20;
  private static final int MOST_MILLIS = 1500;
  private static final int KEPT_FILES = 400;

  private final Path file;
  private final boolean losesUnflushed;
  private final Random random;
  private final PrintStream out;
  private long next = 1;
  private long synced;

  private KillTrials(Path file, boolean losesUnflushed, long seed, PrintStream out) {
    this.file = file;
    this.losesUnflushed = losesUnflushed;
    this.random = new Random(seed);
    this.out = out;
  }

  /**
   * Runs the trials in a temporary folder.
   *
   * @param trials how many kills
   * @param losesUnflushed whether unflushed writes die with the process
   * @return the violations, one line each
   */
  public static List<String> run(int trials, boolean losesUnflushed, long seed, PrintStream out)
      throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("lcpfs-kill");
    Path file = folder.resolve("device");
    try {
      FileDevice.create(file, DEVICE_BYTES, false);
      try (RealEnv env = new RealEnv();
          Pool pool =
              Pool.create(
                  List.of(KillWorker.device(file)), CreateOptions.named(KillWorker.POOL), env)) {
        pool.dataset(KillWorker.POOL).fileSystem().sync();
      }
      return new KillTrials(file, losesUnflushed, seed, out).trials(trials);
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(folder);
    }
  }

  private List<String> trials(int count) throws IOException, InterruptedException {
    List<String> violations = new ArrayList<>();
    for (int trial = 1; trial <= count && violations.isEmpty(); trial++) {
      long before = next;
      killOne();
      check(trial, violations);
      out.printf(
          "kill %d: files %d to %d, synced to %d, %s%n",
          trial, before, next - 1, synced, violations.isEmpty() ? "clean" : "VIOLATION");
    }
    return violations;
  }

  private void killOne() throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                KillWorker.class.getName(),
                file.toString(),
                Long.toString(next),
                Long.toString(random.nextLong()),
                losesUnflushed ? "volatile" : "plain"));
    Path log = file.resolveSibling("worker.log");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(log.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      while (Files.size(log) == 0) {
        if (process.waitFor(1, TimeUnit.MILLISECONDS)) {
          throw new IOException("the worker ended before it opened the pool");
        }
      }
      process.waitFor(random.nextInt(MOST_MILLIS), TimeUnit.MILLISECONDS);
      process.destroyForcibly().waitFor();
      String text = Files.readString(log, UTF_8);
      // A last line without its end was cut short by the kill.
      text.substring(0, text.lastIndexOf('\n') + 1)
          .lines()
          .filter(line -> line.startsWith("synced "))
          .forEach(line -> synced = Long.parseLong(line.substring("synced ".length())));
    } finally {
      process.destroyForcibly();
      Files.deleteIfExists(log);
    }
  }

  private void check(int trial, List<String> violations) {
    try (RealEnv env = new RealEnv();
        Pool pool = Pool.open(List.of(KillWorker.device(file)), OpenOptions.standard(), env)) {
      VerifyReport report = pool.verify(progress -> {});
      report.findings().forEach(f -> violations.add("kill " + trial + ": " + f));
      checkFiles(pool.dataset(KillWorker.POOL).fileSystem(), trial, violations);
    } catch (PoolException e) {
      violations.add("kill " + trial + ": import failed: " + e.error().message());
    }
  }

  private void checkFiles(PosixFileSystem fs, int trial, List<String> violations) {
    long last = Math.max(0, next - 1);
    for (long index = Math.max(1, last - 2 * KEPT_FILES); ; index++) {
      byte[] found = read(fs, KillWorker.name("file-", index));
      if (found == null) {
        if (index <= synced && index > synced - KEPT_FILES / 2) {
          violations.add("kill " + trial + ": file " + index + " was synced and is gone");
        }
        if (index > synced) {
          break;
        }
        continue;
      }
      byte[] wanted = KillWorker.content(index);
      boolean same = Arrays.equals(found, wanted);
      // Operations after the last sync are there as a prefix: the last file may still be empty.
      if (!same && (index <= synced || found.length != 0)) {
        violations.add("kill " + trial + ": file " + index + " has wrong content");
      }
      last = index;
    }
    next = last + 1;
    // Names of the interrupted tail may be there under their first name.
    for (long index = next; index < next + 3; index++) {
      remove(fs, KillWorker.name("new-", index));
      remove(fs, KillWorker.name("file-", index));
    }
    fs.sync();
    synced = Math.min(Math.max(synced, last), last);
  }

  private static void remove(PosixFileSystem fs, byte[] name) {
    try {
      fs.unlink(fs.rootInode(), name, Caller.ROOT);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
  }

  private static byte @org.jspecify.annotations.Nullable [] read(PosixFileSystem fs, byte[] name) {
    Attr attr;
    try {
      attr = fs.lookup(fs.rootInode(), name, Caller.ROOT);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return null;
      }
      throw e;
    }
    try (FileHandle handle = fs.open(attr.inode(), OpenFlags.O_RDONLY, Caller.ROOT)) {
      byte[] bytes = new byte[Math.toIntExact(handle.size())];
      handle.read(0, MemorySegment.ofArray(bytes), 0, bytes.length);
      return bytes;
    }
  }

  /** {@code trials} and {@code plain} or {@code volatile}, seed; exits with 1 on a violation. */
  public static void main(String[] args) throws IOException, InterruptedException {
    List<String> violations =
        run(
            Integer.parseInt(args[0]),
            args[1].equals("volatile"),
            args.length > 2 ? Long.parseLong(args[2]) : 1,
            System.out);
    violations.forEach(System.out::println);
    System.exit(violations.isEmpty() ? 0 : 1);
  }
}
