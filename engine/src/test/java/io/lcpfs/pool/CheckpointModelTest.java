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
 * Random histories of changes, copies by reference, snapshots, clones, destroyed ones, imports,
 * losses of power, checkpoints, their ends, and returns to them, against byte arrays: after a
 * return everything is as it was recorded, and the pool's check, which counts every sector of the
 * pool and of its checkpoint, finds nothing. {@code -Dlcpfs.trust.all=true} takes 200 histories
 * instead of 4.
 */
@Timeout(300)
class CheckpointModelTest {
  private static final int STEPS = 160;
  private static final int CREATE = OpenFlags.O_RDWR | OpenFlags.O_CREAT;

  private final PoolWorld world = new PoolWorld();
  private MemoryDisk disk = MemoryDisk.ofBytes(512, 64 << 20);
  private @Nullable PoolEngine opened;
  private int made;
  private int rewound;

  /** What a dataset has to hold, and what it held in its snapshots. Contents are never changed. */
  private record Side(
      TreeMap<String, byte[]> files, TreeMap<String, TreeMap<String, byte[]>> snapshots) {
    Side copy() {
      return new Side(new TreeMap<>(files), new TreeMap<>(snapshots));
    }
  }

  private TreeMap<String, Side> sides = new TreeMap<>();
  private final TreeMap<String, PosixFileSystem> mounted = new TreeMap<>();

  /** The model as of the checkpoint. */
  private @Nullable TreeMap<String, Side> kept;

  private long keptAllocated;

  @AfterEach
  void close() {
    PoolEngine left = opened; // by a test that failed
    if (left != null) {
      left.close();
    }
    world.close();
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Boolean.getBoolean("lcpfs.trust.all") ? 200 : 4);
  }

  private PoolEngine pool() {
    return Objects.requireNonNull(opened);
  }

  private static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  private static TreeMap<String, Side> copy(TreeMap<String, Side> model) {
    TreeMap<String, Side> copy = new TreeMap<>();
    model.forEach((path, side) -> copy.put(path, side.copy()));
    return copy;
  }

  private static <T> T any(Random random, Iterable<T> from) {
    List<T> all = new ArrayList<>();
    from.forEach(all::add);
    return all.get(random.nextInt(all.size()));
  }

  private PosixFileSystem fs(String path) {
    return mounted.computeIfAbsent(
        path,
        p ->
            PosixFileSystem.open(
                pool().objectSet(p, DatasetPolicy.DEFAULT),
                world.env,
                FsOptions.DEFAULTS.withRecordBytes(8192)));
  }

  private void makeSide(String path) {
    if (!path.isEmpty()) {
      pool().createDataset(path, new TreeMap<>());
    }
    var objects = pool().objectSet(path, DatasetPolicy.DEFAULT);
    try (Tx tx = objects.begin(256 << 10)) {
      PosixFileSystem.format(tx, objects, world.env);
    }
    sides.put(path, new Side(new TreeMap<>(), new TreeMap<>()));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everythingIsAsItWasAfterAReturn(long seed) {
    Random random = new Random(seed);
    opened = world.create(disk);
    makeSide("");
    for (int step = 0; step < STEPS; step++) {
      step(random);
    }
    if (kept == null) {
      take();
    }
    for (int step = 0; step < 40; step++) {
      change(random);
    }
    rewind();
    check();
    assertThat(rewound).isPositive();
    unmount();
    pool().close();
    opened = null;
  }

  private void step(Random random) {
    int kind = random.nextInt(1000);
    if (kind < 620) {
      change(random);
    } else if (kind < 700) {
      pool().sync();
    } else if (kind < 750) {
      snapshot(any(random, sides.keySet()));
    } else if (kind < 780) {
      destroySnapshot(random);
    } else if (kind < 800 && sides.size() < 4) {
      makeSide("d" + made++);
    } else if (kind < 825 && sides.size() < 6) {
      cloneOne(random);
    } else if (kind < 850) {
      destroySide(random);
    } else if (kind < 880 && kept == null) {
      take();
    } else if (kind < 890 && kept != null) {
      discard();
    } else if (kind < 905 && kept != null) {
      rewind();
    } else if (kind < 925) {
      importAgain();
    } else if (kind < 945) {
      losePower();
    } else if (kind < 955) {
      check();
    } else if (kind < 962) {
      lookAtCheckpoint();
    }
  }

  private void take() {
    pool().sync();
    long before = pool().status().allocatedBytes();
    pool().takeCheckpoint();
    kept = copy(sides);
    keptAllocated = before;
    assertThat(pool().checkpoint()).isPresent();
  }

  private void discard() {
    pool().discardCheckpoint();
    kept = null;
    assertThat(pool().checkpoint()).isEmpty();
    PoolWorld.assertClean(pool());
  }

  private static OpenOptions toCheckpoint(PoolWorld world) {
    return OpenOptions.standard().withTuning(world.tuning).withRewind(true);
  }

  private void rewind() {
    unmount();
    pool().close();
    opened = PoolEngines.open(List.of(disk), toCheckpoint(world), world.env);
    sides = Objects.requireNonNull(kept);
    kept = null;
    rewound++;
    assertThat(pool().checkpoint()).isEmpty();
    check();
    for (int i = 0; i < 3; i++) { // what was left is kept back for two groups
      pool().setPoolProperty("comment", "again " + i);
      pool().sync();
    }
    assertThat(pool().status().allocatedBytes()).isLessThan(keptAllocated + (1 << 20));
    PoolWorld.assertClean(pool());
  }

  /** Read-only, the pool as it would be; nothing changes by that. */
  private void lookAtCheckpoint() {
    TreeMap<String, Side> then = kept;
    if (then == null) {
      return;
    }
    unmount();
    pool().close();
    opened = PoolEngines.open(List.of(disk), toCheckpoint(world).withReadOnly(true), world.env);
    TreeMap<String, Side> now = sides;
    sides = then;
    check();
    unmount();
    pool().close();
    opened = world.open(disk);
    sides = now;
    check();
  }

  private void importAgain() {
    unmount();
    pool().close();
    opened = world.open(disk);
    check();
  }

  /** All that is synced is there; the old pool goes on on a disk that nobody looks at. */
  private void losePower() {
    pool().sync();
    MemoryDisk after = new MemoryDisk(512, disk.image());
    unmount();
    pool().close();
    disk = after;
    opened = world.open(disk);
    check();
  }

  private void unmount() {
    mounted.values().forEach(PosixFileSystem::close);
    mounted.clear();
  }

  private void snapshot(String path) {
    String name = "s" + made++;
    fs(path);
    pool().snapshot(List.of(path), name);
    side(path).snapshots.put(name, new TreeMap<>(side(path).files));
  }

  private Side side(String path) {
    return Objects.requireNonNull(sides.get(path));
  }

  private void destroySnapshot(Random random) {
    String path = any(random, sides.keySet());
    if (side(path).snapshots.isEmpty()) {
      return;
    }
    String name = any(random, side(path).snapshots.keySet());
    if (pool().clonesOf(path, name).isEmpty()) {
      pool().destroySnapshots(path, List.of(name), false);
      side(path).snapshots.remove(name);
    }
  }

  private void cloneOne(Random random) {
    String path = any(random, sides.keySet());
    if (side(path).snapshots.isEmpty()) {
      return;
    }
    String name = any(random, side(path).snapshots.keySet());
    String target = "c" + made++;
    pool().cloneSnapshot(path, name, target, new TreeMap<>());
    TreeMap<String, byte[]> files = Objects.requireNonNull(side(path).snapshots.get(name));
    sides.put(target, new Side(new TreeMap<>(files), new TreeMap<>()));
  }

  private void destroySide(Random random) {
    String path = any(random, sides.keySet());
    if (path.isEmpty() || !side(path).snapshots.isEmpty()) {
      return;
    }
    PosixFileSystem fs = mounted.remove(path);
    if (fs != null) {
      fs.close();
    }
    pool().destroyDataset(path);
    sides.remove(path);
  }

  private void change(Random random) {
    String path = any(random, sides.keySet());
    TreeMap<String, byte[]> files = side(path).files;
    String name = "f" + random.nextInt(12);
    byte[] before = files.getOrDefault(name, new byte[0]);
    switch (random.nextInt(8)) {
      case 0 -> {
        if (files.remove(name) != null) {
          fs(path).paths().unlink(path(name), Caller.ROOT);
        }
      }
      case 1 -> {
        if (!files.isEmpty()) {
          copy(random, path, name);
        }
      }
      case 2 -> {
        try (FileHandle file = fs(path).paths().open(path(name), CREATE, 0644, Caller.ROOT)) {
          file.truncate(before.length / 2);
        }
        files.put(name, Arrays.copyOf(before, before.length / 2));
      }
      default -> {
        int at = random.nextInt(Math.min(before.length, 200_000) + 1);
        byte[] data = new byte[1 + random.nextInt(random.nextInt(3) == 0 ? 300 : 90_000)];
        random.nextBytes(data);
        byte[] next = Arrays.copyOf(before, Math.max(before.length, at + data.length));
        System.arraycopy(data, 0, next, at, data.length);
        try (FileHandle file = fs(path).paths().open(path(name), CREATE, 0644, Caller.ROOT)) {
          file.write(at, MemorySegment.ofArray(data), 0, data.length);
          if (random.nextInt(6) == 0) {
            file.fsync(); // so that there are logs, which a return must not follow
          }
        }
        files.put(name, next);
      }
    }
  }

  private void copy(Random random, String path, String target) {
    TreeMap<String, byte[]> files = side(path).files;
    String source = any(random, files.keySet());
    byte[] content = Objects.requireNonNull(files.get(source));
    if (source.equals(target)) {
      return;
    }
    try (FileHandle in = fs(path).paths().open(path(source), CREATE, 0644, Caller.ROOT);
        FileHandle out = fs(path).paths().open(path(target), CREATE, 0644, Caller.ROOT)) {
      out.truncate(0);
      out.copyFrom(in, 0, 0, content.length, false);
    }
    files.put(target, content);
  }

  private void check() {
    PoolWorld.assertClean(pool());
    assertThat(pool().datasets().stream().map(DatasetInfo::path))
        .containsExactlyElementsOf(sides.keySet());
    sides.forEach(
        (path, side) -> {
          ModelFiles.same(fs(path), side.files, path);
          assertThat(pool().snapshots(path).stream().map(SnapshotInfo::name))
              .containsExactlyInAnyOrderElementsOf(side.snapshots.keySet());
          side.snapshots.forEach(
              (name, files) -> {
                try (PosixFileSystem old =
                    PosixFileSystem.open(
                        pool().snapshotObjects(path, name),
                        world.env,
                        FsOptions.DEFAULTS.withReadOnly(true))) {
                  ModelFiles.same(old, files, path + "@" + name);
                }
              });
        });
  }
}
