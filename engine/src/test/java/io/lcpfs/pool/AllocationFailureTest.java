package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.FailingGate;
import io.lcpfs.memory.FailingMemorySource;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Any one allocation of a run fails: what was asked for gives ENOMEM or succeeds, nothing is lost.
 */
@Timeout(300)
class AllocationFailureTest {
  /** Whether every n is tried, not every seventh. */
  private static final boolean ALL = Boolean.getBoolean("lcpfs.trust.all");

  private static final int OLD_FILES = 6;

  private final PoolWorld world = new PoolWorld();

  @AfterEach
  void close() {
    world.close();
  }

  /** What the files must hold; a file whose change failed may hold a part of it and is left out. */
  private static final class Run {
    final TreeMap<String, byte[]> files = new TreeMap<>();
    int refused;

    /** Runs one call; true when it succeeded. */
    boolean call(Runnable call) {
      try {
        call.run();
        return true;
      } catch (PoolException e) {
        assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.ENOMEM);
        refused++;
        return false;
      }
    }
  }

  private static byte[] content(int seed, int bytes) {
    byte[] content = new byte[bytes];
    new Random(seed).nextBytes(content);
    return content;
  }

  private static boolean write(PosixFileSystem fs, String name, int at, byte[] bytes) {
    try (FileHandle file =
        fs.paths()
            .open(
                name.getBytes(UTF_8), OpenFlags.O_CREAT | OpenFlags.O_WRONLY, 0x1A4, Caller.ROOT)) {
      int written = file.write(at, MemorySegment.ofArray(bytes), 0, bytes.length);
      if (written < bytes.length) {
        throw PoolException.posix(Errno.ENOMEM, "short write");
      }
      return true;
    }
  }

  private static byte[] old(int i) {
    return content(100 + i, i % 2 == 0 ? 2000 : 500_000);
  }

  private void script(Run run, PoolEngine pool, PosixFileSystem fs) {
    check(run, fs); // none of it is in memory yet
    overwrite(run, fs, "old1", 131_000, content(90, 500));
    overwrite(run, fs, "old2", 1000, content(91, 200));
    truncate(run, fs, "old3", 140_000);
    remove(run, fs, "old5");
    run.call(() -> fs.mkdir(fs.rootInode(), "d".getBytes(UTF_8), 0x1ED, Caller.ROOT));
    for (int i = 0; i < 12; i++) {
      put(run, fs, "small" + i, content(i, 100 + 300 * i));
    }
    put(run, fs, "large", content(77, 700_000));
    sync(run, pool);
    overwrite(run, fs, "large", 200_000, content(78, 150_000));
    overwrite(run, fs, "small5", 10, content(79, 50));
    truncate(run, fs, "large", 300_001);
    sync(run, pool);
    rename(run, fs, "small1", "moved");
    remove(run, fs, "small2");
    put(run, fs, "late", content(80, 20_000));
    overwrite(run, fs, "late", 30_000, content(81, 400_000));
    sync(run, pool);
    remove(run, fs, "late");
    run.call(
        () ->
            fs.setxattr(
                fs.rootInode(), "user.a".getBytes(UTF_8), content(82, 2000), 0, Caller.ROOT));
    check(run, fs);
  }

  private static void sync(Run run, PoolEngine pool) {
    run.call(pool::sync);
  }

  private static void put(Run run, PosixFileSystem fs, String name, byte[] bytes) {
    if (run.call(() -> assertThat(write(fs, name, 0, bytes)).isTrue())) {
      run.files.put(name, bytes);
    }
  }

  private static void overwrite(Run run, PosixFileSystem fs, String name, int at, byte[] bytes) {
    byte[] before = run.files.remove(name);
    if (before != null && run.call(() -> assertThat(write(fs, name, at, bytes)).isTrue())) {
      byte[] after = Arrays.copyOf(before, Math.max(before.length, at + bytes.length));
      System.arraycopy(bytes, 0, after, at, bytes.length);
      run.files.put(name, after);
    }
  }

  private static void truncate(Run run, PosixFileSystem fs, String name, int size) {
    byte[] before = run.files.remove(name);
    if (before != null
        && run.call(
            () ->
                fs.paths()
                    .setattr(name.getBytes(UTF_8), false, new SetAttr().size(size), Caller.ROOT))) {
      run.files.put(name, Arrays.copyOf(before, size));
    }
  }

  private static void rename(Run run, PosixFileSystem fs, String from, String to) {
    byte[] bytes = run.files.get(from);
    if (bytes != null
        && run.call(
            () -> fs.paths().rename(from.getBytes(UTF_8), to.getBytes(UTF_8), 0, Caller.ROOT))) {
      run.files.remove(from);
      run.files.put(to, bytes);
    }
  }

  private static void remove(Run run, PosixFileSystem fs, String name) {
    if (run.files.containsKey(name)
        && run.call(() -> fs.paths().unlink(name.getBytes(UTF_8), Caller.ROOT))) {
      run.files.remove(name);
    }
  }

  private static void check(Run run, PosixFileSystem fs) {
    for (Map.Entry<String, byte[]> file : run.files.entrySet()) {
      run.call(
          () -> assertThat(read(fs, file.getKey())).as(file.getKey()).isEqualTo(file.getValue()));
    }
  }

  private static byte[] read(PosixFileSystem fs, String name) {
    try (FileHandle file =
        fs.paths().open(name.getBytes(UTF_8), OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
      byte[] bytes = new byte[(int) file.size()];
      int n = bytes.length == 0 ? 0 : file.read(0, MemorySegment.ofArray(bytes), 0, bytes.length);
      assertThat(n).isEqualTo(bytes.length);
      return bytes;
    }
  }

  /** One whole life with a tuning; then everything that succeeded must be there. */
  private Run live(byte[] formatted, Tuning tuning) {
    MemoryDisk disk = new MemoryDisk(512, formatted);
    Tuning plain = world.tuning;
    Run run = new Run();
    for (int i = 0; i < OLD_FILES; i++) {
      run.files.put("old" + i, old(i));
    }
    world.tuning = tuning;
    try {
      liveWith(run, disk);
    } finally {
      world.tuning = plain;
    }
    try (PoolEngine pool = world.open(disk);
        PosixFileSystem fs = world.mount(pool)) {
      int refused = run.refused;
      check(run, fs);
      assertThat(run.refused).as("refusals with the gate open").isEqualTo(refused);
      world.assertFilesClean(pool);
    }
    return run;
  }

  private void liveWith(Run run, MemoryDisk disk) {
    PoolEngine[] pool = new PoolEngine[1];
    if (!run.call(() -> pool[0] = world.open(disk))) {
      return;
    }
    try (PoolEngine opened = pool[0]) {
      PosixFileSystem[] fs = new PosixFileSystem[1];
      if (run.call(() -> fs[0] = world.mount(opened))) {
        script(run, opened, fs[0]);
        fs[0].close();
      }
      assertThat(opened.status().health()).as("health").isEqualTo(Health.ONLINE);
    }
  }

  private byte[] formatted() {
    MemoryDisk disk = MemoryDisk.ofBytes(512, 24 << 20);
    try (PoolEngine pool = world.create(disk);
        PosixFileSystem fs = world.format(pool)) {
      for (int i = 0; i < OLD_FILES; i++) {
        assertThat(write(fs, "old" + i, 0, old(i))).isTrue();
      }
      fs.sync();
    }
    return disk.image();
  }

  /** Lives once for each n until {@code life} says that n was not reached; answers that n. */
  private static long everyNth(int step, LongPredicate life) {
    long n = 1;
    while (true) {
      try {
        if (!life.test(n)) {
          return n;
        }
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("allocation " + n + " refused", e);
      }
      n += step;
    }
  }

  @Test
  void noSingleRefusedAllocationLosesAnything() {
    byte[] formatted = formatted();
    int[] refusals = {0};
    long most =
        everyNth(
            ALL ? 1 : 7,
            n -> {
              FailingGate gate = new FailingGate(n);
              refusals[0] += live(formatted, world.tuning.withGate(gate)).refused;
              return gate.reached();
            });
    assertThat(most).isGreaterThan(150);
    assertThat(refusals[0]).isPositive();
  }

  @Test
  void aHostWithoutMemoryForOnceLosesNothing() {
    byte[] formatted = formatted();
    long most =
        everyNth(
            1,
            n -> {
              FailingMemorySource source = FailingMemorySource.at(n);
              live(formatted, world.tuning.withMemory(source));
              assertThat(source.heldBytes()).isZero();
              return source.requests() >= n;
            });
    assertThat(most).isGreaterThan(1);
  }
}
