package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random histories of changes, snapshots and destroyed snapshots against copies of the model: every
 * snapshot reads as it was, and the pool's check, which counts every block once and holds every sum
 * against a recount, finds nothing. In the end all is destroyed, and no space is left over. {@code
 * -Dlcpfs.trust.all=true} takes 200 histories instead of 8.
 */
@Timeout(180)
class SnapshotModelTest {
  private static final int STEPS = 400;

  private final PoolWorld world = new PoolWorld();
  private @Nullable PoolEngine opened;
  private final TreeMap<String, byte[]> files = new TreeMap<>();
  private final List<String> names = new ArrayList<>();
  private final Map<String, TreeMap<String, byte[]>> snapshots = new TreeMap<>();

  @AfterEach
  void close() {
    PoolEngine left = opened; // by a test that failed
    if (left != null) {
      left.close();
    }
    world.close();
  }

  private static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  private PosixFileSystem mount(PoolEngine pool, int recordBytes) {
    return PosixFileSystem.open(
        PoolWorld.objects(pool), world.env, FsOptions.DEFAULTS.withRecordBytes(recordBytes));
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Boolean.getBoolean("lcpfs.trust.all") ? 200 : 8);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everySnapshotStaysAsItWas(long seed) {
    Random random = new Random(seed);
    int record = 4096 << random.nextInt(4);
    MemoryDisk disk = MemoryDisk.ofBytes(512, 96 << 20);
    PoolEngine pool = world.create(disk);
    opened = pool;
    world.format(pool).close();
    PosixFileSystem fs = mount(pool, record);
    int made = 0;
    for (int step = 0; step < STEPS; step++) {
      int kind = random.nextInt(100);
      if (kind < 70) {
        change(fs, random);
      } else if (kind < 80) {
        pool.sync();
      } else if (kind < 90) {
        String name = "s" + made++;
        pool.snapshot(List.of(""), name);
        names.add(name);
        snapshots.put(name, copy());
      } else if (kind < 97 && !names.isEmpty()) {
        destroy(pool, random);
      } else if (kind == 97) {
        fs.close();
        pool.close();
        pool = world.open(disk);
        opened = pool;
        fs = mount(pool, record);
        check(pool);
      } else {
        check(pool);
      }
    }
    check(pool);
    while (!names.isEmpty()) {
      destroy(pool, random);
    }
    check(pool);
    assertThat(pool.snapshots("")).isEmpty();
    settle(pool);
    assertThat(pool.dataset("").snapshotBytes()).isZero();
    PoolWorld.assertClean(pool);
    fs.close();
    pool.close();
  }

  private static void settle(PoolEngine pool) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (pool.status().freeingBytes() > 0) {
      assertThat(System.nanoTime()).as("freeing goes on").isLessThan(end);
      Thread.onSpinWait();
    }
    pool.sync();
  }

  private TreeMap<String, byte[]> copy() {
    TreeMap<String, byte[]> copy = new TreeMap<>();
    files.forEach((name, content) -> copy.put(name, content.clone()));
    return copy;
  }

  private void destroy(PoolEngine pool, Random random) {
    List<String> gone = new ArrayList<>();
    for (int count = 1 + random.nextInt(3); count > 0 && !names.isEmpty(); count--) {
      gone.add(names.remove(random.nextInt(names.size())));
    }
    pool.destroySnapshots("", gone, false);
    gone.forEach(snapshots::remove);
  }

  private void change(PosixFileSystem fs, Random random) {
    if (files.isEmpty() || random.nextInt(8) == 0) {
      String name = "f" + random.nextInt(40);
      fs.paths().open(path(name), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0644, Caller.ROOT).close();
      files.putIfAbsent(name, new byte[0]);
      return;
    }
    List<String> known = new ArrayList<>(files.keySet());
    String name = known.get(random.nextInt(known.size()));
    byte[] content = Objects.requireNonNull(files.get(name));
    switch (random.nextInt(10)) {
      case 0 -> {
        fs.paths().unlink(path(name), Caller.ROOT);
        files.remove(name);
      }
      case 1 -> {
        int size = random.nextInt(content.length + 1);
        try (FileHandle file = fs.paths().open(path(name), OpenFlags.O_RDWR, 0, Caller.ROOT)) {
          file.truncate(size);
        }
        files.put(name, Arrays.copyOf(content, size));
      }
      default -> {
        int at = random.nextInt(content.length + 1);
        byte[] data = new byte[1 + random.nextInt(random.nextBoolean() ? 300 : 120_000)];
        random.nextBytes(data);
        byte[] next = Arrays.copyOf(content, Math.max(content.length, at + data.length));
        System.arraycopy(data, 0, next, at, data.length);
        try (FileHandle file = fs.paths().open(path(name), OpenFlags.O_RDWR, 0, Caller.ROOT)) {
          assertThat(file.write(at, MemorySegment.ofArray(data), 0, data.length))
              .isEqualTo(data.length);
        }
        files.put(name, next);
      }
    }
  }

  private void check(PoolEngine pool) {
    PoolWorld.assertClean(pool);
    assertThat(pool.snapshots("").stream().map(SnapshotInfo::name)).isEqualTo(ordered(pool));
    for (String name : names) {
      PosixFileSystem old =
          PosixFileSystem.open(
              pool.snapshotObjects("", name), world.env, FsOptions.DEFAULTS.withReadOnly(true));
      ModelFiles.same(old, Objects.requireNonNull(snapshots.get(name)), name);
      old.close();
    }
  }

  /** The names as they were made. */
  private List<String> ordered(PoolEngine pool) {
    assertThat(pool.snapshots("")).hasSameSizeAs(names);
    List<String> sorted = new ArrayList<>(names);
    sorted.sort(Comparator.comparingInt(name -> Integer.parseInt(name.substring(1))));
    return sorted;
  }
}
