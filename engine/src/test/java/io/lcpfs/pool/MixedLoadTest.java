package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Threads at work on one file system while groups are written every few milliseconds, each with a
 * model of what is its own. {@code -Dlcpfs.trust.all=true} takes 20 seconds instead of 3.
 */
@Timeout(120)
class MixedLoadTest {
  private static final long NANOS =
      (Boolean.getBoolean("lcpfs.trust.all") ? 20 : 3) * 1_000_000_000L;
  private static final int THREADS = 4;
  private static final int MOST_BYTES = 600_000;

  private final PoolWorld world = new PoolWorld();

  MixedLoadTest() {
    world.tuning =
        world
            .tuning
            .withCacheBytes(12 << 20)
            .withDirtyBytes(3 << 20)
            .withTxgTimeoutNanos(5_000_000);
  }

  @AfterEach
  void close() {
    world.close();
  }

  private static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  /** One thread: its files lie in a directory of its own and, by prefix, in one that all share. */
  private static final class Worker implements Callable<Integer> {
    private final PosixFileSystem fs;
    private final int number;
    private final long deadline;
    private final Random random;
    private final TreeMap<String, byte[]> files = new TreeMap<>();

    Worker(PosixFileSystem fs, int number, long deadline) {
      this.fs = fs;
      this.number = number;
      this.deadline = deadline;
      this.random = new Random(number);
    }

    private String newName() {
      String name = "n" + random.nextInt(60);
      return random.nextBoolean() ? "own" + number + "/" + name : "shared/" + number + name;
    }

    private String someName() {
      List<String> names = new ArrayList<>(files.keySet());
      return names.get(random.nextInt(names.size()));
    }

    @Override
    public Integer call() {
      int operations = 0;
      while (System.nanoTime() < deadline) {
        step();
        operations++;
      }
      files.keySet().forEach(this::check);
      return operations;
    }

    private void step() {
      if (files.isEmpty() || random.nextInt(12) == 0) {
        create();
        return;
      }
      String name = someName();
      switch (random.nextInt(16)) {
        case 0 -> {
          fs.paths().unlink(path(name), Caller.ROOT);
          files.remove(name);
        }
        case 1, 2 -> rename(name);
        case 3 -> truncate(name);
        case 4 -> {
          try (FileHandle file = fs.paths().open(path(name), OpenFlags.O_RDWR, 0, Caller.ROOT)) {
            punch(name, file);
          }
        }
        case 5 -> fs.statfs();
        case 6, 7, 8 -> check(name);
        case 9 -> {
          if (random.nextInt(20) == 0) {
            fs.sync();
          }
        }
        default -> write(name);
      }
    }

    private void create() {
      String name = newName();
      try (FileHandle file =
          fs.paths().open(path(name), OpenFlags.O_CREAT | OpenFlags.O_WRONLY, 0x1A4, Caller.ROOT)) {
        assertThat(file.isDirectory()).isFalse();
      }
      files.putIfAbsent(name, new byte[0]);
    }

    private void rename(String name) {
      String to = newName();
      fs.paths().rename(path(name), path(to), 0, Caller.ROOT);
      if (!to.equals(name)) {
        byte[] content = files.remove(name);
        files.put(to, content);
      }
    }

    private void truncate(String name) {
      int size = random.nextInt(4) == 0 ? 0 : random.nextInt(MOST_BYTES);
      fs.paths().setattr(path(name), false, new SetAttr().size(size), Caller.ROOT);
      files.computeIfPresent(name, (n, content) -> Arrays.copyOf(content, size));
    }

    private void punch(String name, FileHandle file) {
      byte[] content = files.getOrDefault(name, new byte[0]);
      if (content.length > 10) {
        int from = random.nextInt(content.length - 1);
        int length = 1 + random.nextInt(content.length - from);
        file.fallocate(OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE, from, length);
        Arrays.fill(content, from, from + length, (byte) 0);
      }
    }

    private void write(String name) {
      byte[] bytes =
          new byte[random.nextInt(4) == 0 ? random.nextInt(200_000) + 1 : random.nextInt(5000) + 1];
      random.nextBytes(bytes);
      int at = random.nextInt(3) == 0 ? random.nextInt(MOST_BYTES - 200_000) : random.nextInt(5000);
      try (FileHandle file = fs.paths().open(path(name), OpenFlags.O_WRONLY, 0, Caller.ROOT)) {
        assertThat(file.write(at, MemorySegment.ofArray(bytes), 0, bytes.length))
            .isEqualTo(bytes.length);
      }
      files.computeIfPresent(
          name,
          (n, content) -> {
            byte[] after = Arrays.copyOf(content, Math.max(content.length, at + bytes.length));
            System.arraycopy(bytes, 0, after, at, bytes.length);
            return after;
          });
    }

    private void check(String name) {
      byte[] expected = files.getOrDefault(name, new byte[0]);
      try (FileHandle file = fs.paths().open(path(name), OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
        assertThat(file.size()).as(name).isEqualTo(expected.length);
        byte[] content = new byte[expected.length];
        int n =
            content.length == 0
                ? 0
                : file.read(0, MemorySegment.ofArray(content), 0, content.length);
        assertThat(n).as(name).isEqualTo(content.length);
        int at = Arrays.mismatch(content, expected);
        assertThat(at).as("first wrong byte of " + name).isNegative();
      }
    }
  }

  private static void assertNames(PosixFileSystem fs, List<Worker> workers) {
    TreeMap<String, Long> expected = new TreeMap<>();
    workers.forEach(
        worker ->
            worker.files.forEach((name, content) -> expected.put(name, (long) content.length)));
    TreeMap<String, Long> found = new TreeMap<>();
    for (byte[] directory : fs.paths().names(path("/"), Caller.ROOT)) {
      for (byte[] one : fs.paths().names(directory, Caller.ROOT)) {
        String name = new String(directory, UTF_8) + "/" + new String(one, UTF_8);
        Attr attr = fs.paths().lstat(path(name), Caller.ROOT);
        found.put(name, attr.size());
      }
    }
    assertThat((Map<String, Long>) found).isEqualTo(expected);
  }

  @Test
  void everyThreadFindsWhatItWroteWhileGroupsAreWritten()
      throws ExecutionException, InterruptedException {
    MemoryDisk disk = MemoryDisk.ofBytes(512, 256 << 20);
    List<Worker> workers = new ArrayList<>();
    long groups;
    try (PoolEngine pool = world.create(disk)) {
      PosixFileSystem fs = world.format(pool);
      fs.paths().mkdir(path("shared"), 0x1ED, Caller.ROOT);
      long deadline = System.nanoTime() + NANOS;
      try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
        List<Future<Integer>> running = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
          fs.paths().mkdir(path("own" + i), 0x1ED, Caller.ROOT);
          Worker worker = new Worker(fs, i, deadline);
          workers.add(worker);
          running.add(threads.submit(worker));
        }
        for (Future<Integer> one : running) {
          assertThat(one.get()).isGreaterThan(10);
        }
      }
      assertNames(fs, workers);
      world.assertFilesClean(pool);
      groups = pool.status().txg();
      fs.close();
    }
    assertThat(groups).isGreaterThan(10);
    try (PoolEngine pool = world.open(disk)) {
      PosixFileSystem fs = world.mount(pool);
      assertNames(fs, workers);
      for (Worker worker : workers) {
        Worker reader = new Worker(fs, worker.number, 0);
        reader.files.putAll(worker.files);
        assertThat(reader.call()).isZero();
      }
      world.assertFilesClean(pool);
      fs.close();
    }
  }
}
