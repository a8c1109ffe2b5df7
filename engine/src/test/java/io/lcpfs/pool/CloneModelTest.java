package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
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
 * Random histories of changes, snapshots, clones, promotes, rollbacks and destroys against copies
 * of the model: every dataset and snapshot reads as it should, and the pool's check, which counts
 * every block once and holds every sum against a recount, finds nothing. In the end all is
 * destroyed, and no space is left over. {@code -Dlcpfs.trust.all=true} takes 200 histories instead
 * of 8.
 */
@Timeout(300)
class CloneModelTest {
  private static final int STEPS = 300;
  private static final int MAX_DATASETS = 7;

  /** A dataset as it should be. */
  private static final class Model {
    final String path;
    TreeMap<String, byte[]> files = new TreeMap<>();

    /** Snapshot names, oldest first. */
    final List<String> snapshots = new ArrayList<>();

    String origin = "";
    @Nullable PosixFileSystem open;

    Model(String path) {
      this.path = path;
    }
  }

  private final PoolWorld world = new PoolWorld();
  private @Nullable PoolEngine opened;
  private final TreeMap<String, Model> datasets = new TreeMap<>();

  /** Contents by name of the snapshot. */
  private final Map<String, TreeMap<String, byte[]>> contents = new TreeMap<>();

  private int made;

  @AfterEach
  void close() {
    PoolEngine left = opened; // by a test that failed
    if (left != null) {
      left.close();
    }
    world.close();
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Boolean.getBoolean("lcpfs.trust.all") ? 200 : 8);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyDatasetAndSnapshotIsWhatItShouldBe(long seed) {
    Random random = new Random(seed);
    MemoryDisk disk = MemoryDisk.ofBytes(512, 128 << 20);
    PoolEngine pool = world.create(disk);
    opened = pool;
    world.format(pool).close();
    datasets.put("", new Model(""));
    for (int step = 0; step < STEPS; step++) {
      Model some = pick(random, List.copyOf(datasets.values()));
      switch (random.nextInt(100)) {
        case 0, 1 -> {
          datasets.values().forEach(CloneModelTest::closeFiles);
          pool.close();
          pool = world.open(disk);
          opened = pool;
          check(pool);
        }
        case 2, 3, 4, 5 -> pool.sync();
        case 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 -> snapshot(pool, some);
        case 18, 19, 20, 21, 22, 23 -> cloneOne(pool, random, some);
        case 24, 25, 26, 27 -> promote(pool, some);
        case 28, 29, 30, 31 -> rollback(pool, random, some);
        case 32, 33, 34, 35, 36, 37 -> destroySnapshot(pool, random, some);
        case 38, 39 -> destroyDataset(pool, some);
        case 40 -> check(pool);
        default -> change(pool, random, some);
      }
    }
    check(pool);
    destroyAll(pool);
    check(pool);
    assertThat(pool.dataset("").snapshotBytes()).isZero();
    datasets.values().forEach(CloneModelTest::closeFiles);
    pool.close();
  }

  private static <T> T pick(Random random, List<T> from) {
    return from.get(random.nextInt(from.size()));
  }

  private static void closeFiles(Model model) {
    PosixFileSystem open = model.open;
    if (open != null) {
      open.close();
      model.open = null;
    }
  }

  private PosixFileSystem files(PoolEngine pool, Model model) {
    PosixFileSystem open = model.open;
    if (open == null) {
      open =
          PosixFileSystem.open(
              pool.objectSet(model.path, DatasetPolicy.DEFAULT),
              world.env,
              FsOptions.DEFAULTS.withRecordBytes(8192));
      model.open = open;
    }
    return open;
  }

  private static TreeMap<String, byte[]> copy(TreeMap<String, byte[]> files) {
    TreeMap<String, byte[]> copy = new TreeMap<>();
    files.forEach((name, content) -> copy.put(name, content.clone()));
    return copy;
  }

  private TreeMap<String, byte[]> contentOf(String snapshot) {
    return Objects.requireNonNull(contents.get(snapshot));
  }

  private boolean hasClones(String snapshot) {
    return datasets.values().stream().anyMatch(model -> model.origin.equals(snapshot));
  }

  private Model ownerOf(String snapshot) {
    return datasets.values().stream()
        .filter(model -> model.snapshots.contains(snapshot))
        .findFirst()
        .orElseThrow();
  }

  private void snapshot(PoolEngine pool, Model model) {
    files(pool, model);
    String name = "s" + made++;
    pool.snapshot(List.of(model.path), name);
    model.snapshots.add(name);
    contents.put(name, copy(model.files));
  }

  private void cloneOne(PoolEngine pool, Random random, Model from) {
    if (from.snapshots.isEmpty() || datasets.size() >= MAX_DATASETS) {
      return;
    }
    String snapshot = pick(random, from.snapshots);
    Model clone = new Model("c" + made++);
    pool.cloneSnapshot(from.path, snapshot, clone.path, new TreeMap<>());
    clone.files = copy(contentOf(snapshot));
    clone.origin = snapshot;
    datasets.put(clone.path, clone);
  }

  private void promote(PoolEngine pool, Model clone) {
    if (clone.origin.isEmpty()) {
      assertThatThrownBy(() -> pool.promote(clone.path))
          .isInstanceOfSatisfying(
              PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
      return;
    }
    Model parent = ownerOf(clone.origin);
    pool.promote(clone.path);
    int end = parent.snapshots.indexOf(clone.origin) + 1;
    clone.snapshots.addAll(0, parent.snapshots.subList(0, end));
    parent.snapshots.subList(0, end).clear();
    String older = parent.origin;
    parent.origin = clone.origin;
    clone.origin = older;
  }

  private void rollback(PoolEngine pool, Random random, Model model) {
    if (model.snapshots.isEmpty()) {
      return;
    }
    if (random.nextBoolean() && model.snapshots.size() > 1) {
      String older = model.snapshots.get(model.snapshots.size() - 2);
      assertThatThrownBy(() -> pool.rollback(model.path, older, DatasetPolicy.DEFAULT))
          .isInstanceOfSatisfying(
              PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
    }
    String newest = model.snapshots.getLast();
    closeFiles(model);
    pool.rollback(model.path, newest, DatasetPolicy.DEFAULT);
    model.files = copy(contentOf(newest));
  }

  private void destroySnapshot(PoolEngine pool, Random random, Model model) {
    if (model.snapshots.isEmpty()) {
      return;
    }
    String name = pick(random, model.snapshots);
    if (hasClones(name)) {
      assertThatThrownBy(() -> pool.destroySnapshots(model.path, List.of(name), false))
          .isInstanceOfSatisfying(
              PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY));
      return;
    }
    List<String> doomed =
        model.snapshots.stream()
            .filter(one -> one.equals(name) || (random.nextInt(3) == 0 && !hasClones(one)))
            .toList();
    pool.sync();
    long kept = pool.dataset(model.path).snapshotBytes();
    long reclaimed = pool.bytesOnlyIn(model.path, doomed);
    assertThat(pool.bytesOnlyIn(model.path, List.of(name)))
        .isEqualTo(pool.snapshot(model.path, name).usedBytes());
    pool.destroySnapshots(model.path, doomed, false);
    assertThat(kept - pool.dataset(model.path).snapshotBytes())
        .as("what %s of %s alone have", doomed, model.path)
        .isEqualTo(reclaimed);
    model.snapshots.removeAll(doomed);
    doomed.forEach(contents::remove);
  }

  private boolean destroyDataset(PoolEngine pool, Model model) {
    if (model.path.isEmpty() || model.snapshots.stream().anyMatch(this::hasClones)) {
      return false;
    }
    if (!model.snapshots.isEmpty()) {
      pool.destroySnapshots(model.path, model.snapshots, false);
      model.snapshots.forEach(contents::remove);
    }
    closeFiles(model);
    pool.destroyDataset(model.path);
    datasets.remove(model.path);
    return true;
  }

  /** Everything but the root, which may itself be a clone by now. */
  private void destroyAll(PoolEngine pool) {
    Model root = Objects.requireNonNull(datasets.get(""));
    while (!root.origin.isEmpty()) {
      promote(pool, root); // it owns all that others began as, in the end
    }
    while (datasets.size() > 1) {
      boolean any = false;
      for (Model model : List.copyOf(datasets.values())) {
        any |= destroyDataset(pool, model);
      }
      assertThat(any).as("some dataset can be destroyed").isTrue();
    }
    if (!root.snapshots.isEmpty()) {
      pool.destroySnapshots("", root.snapshots, false);
      root.snapshots.clear();
      contents.clear();
    }
    long end = System.nanoTime() + 20_000_000_000L;
    while (pool.status().freeingBytes() > 0) {
      assertThat(System.nanoTime()).as("freeing goes on").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  private static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  private void change(PoolEngine pool, Random random, Model model) {
    PosixFileSystem fs = files(pool, model);
    String name = "f" + random.nextInt(20);
    byte[] content = model.files.get(name);
    if (content != null && random.nextInt(6) == 0) {
      fs.paths().unlink(path(name), Caller.ROOT);
      model.files.remove(name);
      return;
    }
    byte[] old = content == null ? new byte[0] : content;
    int at = random.nextInt(old.length + 1);
    byte[] data = new byte[1 + random.nextInt(random.nextBoolean() ? 300 : 90_000)];
    random.nextBytes(data);
    byte[] next = Arrays.copyOf(old, Math.max(old.length, at + data.length));
    System.arraycopy(data, 0, next, at, data.length);
    int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT;
    try (FileHandle file = fs.paths().open(path(name), flags, 0644, Caller.ROOT)) {
      assertThat(file.write(at, MemorySegment.ofArray(data), 0, data.length))
          .isEqualTo(data.length);
    }
    model.files.put(name, next);
  }

  private void check(PoolEngine pool) {
    PoolWorld.assertClean(pool);
    assertThat(pool.datasets().stream().map(DatasetInfo::path))
        .containsExactlyElementsOf(datasets.keySet());
    for (Model model : datasets.values()) {
      ModelFiles.same(files(pool, model), model.files, model.path);
      assertThat(pool.snapshots(model.path).stream().map(SnapshotInfo::name))
          .as(model.path)
          .containsExactlyElementsOf(model.snapshots);
      String origin = model.origin;
      assertThat(pool.originOf(model.path))
          .isEqualTo(origin.isEmpty() ? "" : ownerOf(origin).path + "@" + origin);
      for (String name : model.snapshots) {
        PosixFileSystem old =
            PosixFileSystem.open(
                pool.snapshotObjects(model.path, name),
                world.env,
                FsOptions.DEFAULTS.withReadOnly(true));
        ModelFiles.same(old, contentOf(name), model.path + "@" + name);
        old.close();
        assertThat(pool.clonesOf(model.path, name))
            .containsExactlyElementsOf(
                datasets.values().stream()
                    .filter(other -> other.origin.equals(name))
                    .map(other -> other.path)
                    .toList());
      }
    }
  }
}
