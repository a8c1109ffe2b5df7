package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
 * Random histories of changes, clones of ranges within and across files and datasets, snapshots,
 * destroyed snapshots and datasets, and imports, against byte arrays: everything reads as it
 * should, and the pool's check, which counts every reference, finds nothing. In the end all is
 * destroyed, and the space is back. {@code -Dlcpfs.trust.all=true} takes 200 histories instead of
 * 8.
 */
@Timeout(300)
class ReflinkModelTest {
  private static final int STEPS = 400;
  private static final int CREATE = OpenFlags.O_RDWR | OpenFlags.O_CREAT;

  private final PoolWorld world = new PoolWorld();
  private final MemoryDisk disk = MemoryDisk.ofBytes(512, 96 << 20);
  private @Nullable PoolEngine opened;

  /** A dataset with its files, and what they were in its snapshots. */
  private static final class Side {
    final String path;
    final int record;
    final TreeMap<String, byte[]> files = new TreeMap<>();
    final TreeMap<String, TreeMap<String, byte[]>> snapshots = new TreeMap<>();
    @Nullable PosixFileSystem fs;

    Side(String path, int record) {
      this.path = path;
      this.record = record;
    }

    PosixFileSystem fs() {
      return Objects.requireNonNull(fs);
    }

    void open(PoolEngine pool, PoolWorld world) {
      fs =
          PosixFileSystem.open(
              pool.objectSet(path, DatasetPolicy.DEFAULT),
              world.env,
              FsOptions.DEFAULTS.withRecordBytes(record));
    }
  }

  private final TreeMap<String, Side> sides = new TreeMap<>();
  private int made;
  private long clonedBytes;

  @AfterEach
  void close() {
    PoolEngine left = opened; // by a test that failed
    if (left != null) {
      left.close();
    }
    world.close();
  }

  private PoolEngine pool() {
    return Objects.requireNonNull(opened);
  }

  private static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  private void makeSide(String path, int record) {
    PoolEngine pool = pool();
    if (!path.isEmpty()) {
      pool.createDataset(path, new TreeMap<>());
    }
    var objects = pool.objectSet(path, DatasetPolicy.DEFAULT);
    try (Tx tx = objects.begin(256 << 10)) {
      PosixFileSystem.format(tx, objects, world.env);
    }
    Side side = new Side(path, record);
    side.open(pool, world);
    sides.put(path, side);
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Boolean.getBoolean("lcpfs.trust.all") ? 200 : 8);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void clonesReadAsCopiesAndEveryReferenceIsCounted(long seed) {
    Random random = new Random(seed);
    int record = 4096 << random.nextInt(4);
    opened = world.create(disk);
    makeSide("", record);
    settle();
    final long atFirst = allocated();
    for (int step = 0; step < STEPS; step++) {
      int kind = random.nextInt(1000);
      if (kind < 330) {
        change(anySide(random), random);
      } else if (kind < 700) {
        copy(random);
      } else if (kind < 800) {
        pool().sync();
      } else if (kind < 860) {
        snapshot(anySide(random));
      } else if (kind < 910) {
        destroySnapshots(anySide(random), random);
      } else if (kind < 930 && sides.size() < 4) {
        makeSide("d" + made++, random.nextInt(4) > 0 ? record : 4096 << random.nextInt(4));
      } else if (kind < 940) {
        destroySide(random);
      } else if (kind < 960) {
        importAgain();
      } else if (kind < 975) {
        check();
      }
    }
    check();
    assertThat(clonedBytes).isPositive();
    for (Side side : List.copyOf(sides.values())) {
      while (!side.snapshots.isEmpty()) {
        destroySnapshots(side, random);
      }
      if (!side.path.isEmpty()) {
        destroy(side);
      }
    }
    Side root = Objects.requireNonNull(sides.get(""));
    for (String name : List.copyOf(root.files.keySet())) {
      root.fs().paths().unlink(path(name), Caller.ROOT);
      root.files.remove(name);
    }
    settle();
    check();
    assertThat(pool().cloneSavings()).isEqualTo(new CloneSavings(0, 0));
    // Maps grow, and some of the pool's own objects are made when they are first needed.
    assertThat(allocated() - atFirst).isLessThan(1 << 20);
    root.fs().close();
    pool().close();
  }

  private long allocated() {
    return pool().status().allocatedBytes();
  }

  private void settle() {
    long end = System.nanoTime() + 20_000_000_000L;
    while (pool().status().freeingBytes() > 0) {
      assertThat(System.nanoTime()).as("freeing goes on").isLessThan(end);
      Thread.onSpinWait();
    }
    for (int i = 0; i < 4; i++) { // what was freed is kept back for two groups
      pool().sync();
    }
  }

  private Side anySide(Random random) {
    List<Side> all = new ArrayList<>(sides.values());
    return all.get(random.nextInt(all.size()));
  }

  private static String anyName(Side side, Random random) {
    List<String> known = new ArrayList<>(side.files.keySet());
    return known.get(random.nextInt(known.size()));
  }

  private static FileHandle open(Side side, String name) {
    return side.fs().paths().open(path(name), CREATE, 0644, Caller.ROOT);
  }

  private static byte[] content(Side side, String name) {
    return Objects.requireNonNull(side.files.get(name));
  }

  private void change(Side side, Random random) {
    if (side.files.isEmpty() || random.nextInt(8) == 0) {
      String name = "f" + random.nextInt(20);
      open(side, name).close();
      side.files.putIfAbsent(name, new byte[0]);
      return;
    }
    String name = anyName(side, random);
    byte[] content = content(side, name);
    switch (random.nextInt(12)) {
      case 0, 1 -> {
        side.fs().paths().unlink(path(name), Caller.ROOT);
        side.files.remove(name);
      }
      case 2, 3 -> {
        int size = random.nextInt(content.length + 1);
        if (random.nextBoolean()) {
          size -= size % side.record;
        } else if (random.nextInt(4) == 0) {
          size = content.length + random.nextInt(40_000);
        }
        try (FileHandle file = open(side, name)) {
          file.truncate(size);
        }
        side.files.put(name, Arrays.copyOf(content, size));
      }
      case 4 -> {
        int from = random.nextInt(content.length + 1);
        int length = 1 + random.nextInt(60_000);
        try (FileHandle file = open(side, name)) {
          file.fallocate(OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE, from, length);
        }
        byte[] next = content.clone();
        Arrays.fill(next, from, Math.min(next.length, from + length), (byte) 0);
        side.files.put(name, next);
      }
      default -> {
        int at = random.nextInt(content.length + 1);
        byte[] data = new byte[1 + random.nextInt(random.nextInt(3) == 0 ? 300 : 120_000)];
        if (random.nextInt(4) > 0) {
          random.nextBytes(data);
        } else {
          Arrays.fill(data, (byte) random.nextInt(3)); // holes, and blocks within their pointers
        }
        byte[] next = Arrays.copyOf(content, Math.max(content.length, at + data.length));
        System.arraycopy(data, 0, next, at, data.length);
        try (FileHandle file = open(side, name)) {
          assertThat(file.write(at, MemorySegment.ofArray(data), 0, data.length))
              .isEqualTo(data.length);
        }
        side.files.put(name, next);
      }
    }
  }

  private void copy(Random random) {
    Side from = anySide(random);
    Side to = random.nextInt(3) == 0 ? anySide(random) : from;
    if (from.files.isEmpty()) {
      return;
    }
    String source = anyName(from, random);
    String target = "f" + random.nextInt(20);
    byte[] content = content(from, source);
    int unit = random.nextInt(5) == 0 ? 1 : from.record;
    int inOffset = random.nextInt(content.length / unit + 1) * unit;
    byte[] before = to.files.getOrDefault(target, new byte[0]);
    int outOffset = random.nextInt(before.length / unit + 2) * unit;
    int length = random.nextInt(4) * unit + random.nextInt(unit + 1);
    if (random.nextInt(3) == 0) {
      inOffset = 0;
      outOffset = 0;
      length = content.length;
    } else if (random.nextBoolean()) {
      length = content.length;
    }
    int todo = Math.min(length, content.length - inOffset);
    boolean same = from == to && source.equals(target);
    if (same && inOffset < outOffset + todo && outOffset < inOffset + todo) {
      return;
    }
    if (before.length > 400_000) {
      return;
    }

    try (FileHandle in = open(from, source);
        FileHandle out = open(to, target)) {
      assertThat(out.copyFrom(in, inOffset, outOffset, length, false)).isEqualTo(todo);
    }
    byte[] next =
        todo == 0 ? before : Arrays.copyOf(before, Math.max(before.length, outOffset + todo));
    System.arraycopy(content, inOffset, next, Math.min(outOffset, next.length - todo), todo);
    to.files.put(target, next);
    if (random.nextInt(6) == 0) {
      ModelFiles.same(to.fs(), to.files, "at once");
    }

    clonedBytes += pool().cloneSavings().savedBytes();
  }

  private static TreeMap<String, byte[]> frozen(TreeMap<String, byte[]> files) {
    return new TreeMap<>(files); // contents are replaced, not changed
  }

  private void snapshot(Side side) {
    String name = "s" + made++;
    pool().snapshot(List.of(side.path), name);
    side.snapshots.put(name, frozen(side.files));
  }

  private void destroySnapshots(Side side, Random random) {
    List<String> names = new ArrayList<>(side.snapshots.keySet());
    List<String> gone = new ArrayList<>();
    for (int count = 1 + random.nextInt(3); count > 0 && !names.isEmpty(); count--) {
      gone.add(names.remove(random.nextInt(names.size())));
    }
    if (!gone.isEmpty()) {
      pool().destroySnapshots(side.path, gone, false);
      gone.forEach(side.snapshots::remove);
    }
  }

  private void destroySide(Random random) {
    Side side = anySide(random);
    if (!side.path.isEmpty() && side.snapshots.isEmpty()) {
      destroy(side);
    }
  }

  private void destroy(Side side) {
    side.fs().close();
    pool().destroyDataset(side.path);
    sides.remove(side.path);
  }

  private void importAgain() {
    sides.values().forEach(side -> side.fs().close());
    pool().close();
    opened = world.open(disk);
    sides.values().forEach(side -> side.open(pool(), world));
    check();
  }

  private void check() {
    PoolWorld.assertClean(pool());
    for (Side side : sides.values()) {
      ModelFiles.same(side.fs(), side.files, side.path);
      side.snapshots.forEach(
          (name, files) -> {
            PosixFileSystem old =
                PosixFileSystem.open(
                    pool().snapshotObjects(side.path, name),
                    world.env,
                    FsOptions.DEFAULTS.withReadOnly(true));
            ModelFiles.same(old, files, side.path + "@" + name);
            old.close();
          });
    }
  }
}
