package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Bookmarks against a model, with the power going at any write. */
@Timeout(300)
class BookmarkTest {
  private static final int SEEDS = Boolean.getBoolean("lcpfs.trust.all") ? 300 : 12;

  private final PoolWorld world = new PoolWorld();

  BookmarkTest() {
    world.tuning =
        world.tuning.withCacheBytes(8 << 20).withDirtyBytes(2 << 20).withTxgTimeoutNanos(3_000_000);
  }

  @AfterEach
  void close() {
    world.close();
  }

  private byte[] formatted() {
    MemoryDisk disk = MemoryDisk.ofBytes(512, 16 << 20);
    try (PoolEngine pool = world.create(disk)) {
      world.format(pool).close();
      pool.sync();
    }
    return disk.image();
  }

  private static Map<String, Long> state(PoolEngine pool) {
    Map<String, Long> found = new TreeMap<>();
    long txg = 0;
    for (BookmarkInfo info : pool.bookmarks("")) {
      assertThat(info.creationTxg()).as("in their order").isGreaterThanOrEqualTo(txg);
      txg = info.creationTxg();
      found.put(info.name(), info.guid());
    }
    return found;
  }

  private static <T> T one(List<T> of, Random random) {
    return of.get(random.nextInt(of.size()));
  }

  /** Does something to the pool that {@code model}, guids by name, is told of before. */
  private static void step(PoolEngine pool, Random random, Map<String, Long> model) {
    List<SnapshotInfo> snapshots = pool.snapshots("");
    List<String> names = new ArrayList<>(model.keySet());
    int kind = random.nextInt(8);
    if (snapshots.isEmpty() || kind == 0) {
      pool.objectSet("", DatasetPolicy.DEFAULT);
      pool.snapshot(List.of(""), "s" + random.nextInt(1 << 30));
    } else if (kind == 1) {
      pool.destroySnapshots("", List.of(one(snapshots, random).name()), false);
    } else if (kind == 2 && !names.isEmpty()) {
      String gone = one(names, random);
      model.remove(gone);
      pool.destroyBookmark("", gone);
    } else if (kind == 3 && !names.isEmpty()) {
      String from = one(names, random);
      String to = "c" + random.nextInt(1 << 30);
      model.put(to, Objects.requireNonNull(model.get(from)));
      pool.createBookmark("", from, true, to);
    } else {
      SnapshotInfo from = one(snapshots, random);
      String to = "b" + random.nextInt(1 << 30);
      model.put(to, from.guid());
      pool.createBookmark("", from.name(), false, to);
    }
  }

  @Test
  void aPowerLossLeavesEachOneMadeOrEndedWholeOrNotAtAll() {
    byte[] formatted = formatted();
    for (long seed = 1; seed <= SEEDS; seed++) {
      Random random = new Random(seed);
      byte[] image = formatted;
      Map<String, Long> model = new TreeMap<>();
      for (int life = 0; life < 3; life++) {
        CrashDisk disk = new CrashDisk(image, 1 + random.nextInt(600), random.nextLong(), false);
        Map<String, Long> next = model;
        try (PoolEngine pool = world.open(disk)) {
          for (int i = 0; i < 40; i++) {
            next = new TreeMap<>(model);
            step(pool, random, next);
            model = next;
            assertThat(state(pool)).isEqualTo(model);
          }
        } catch (PoolException e) {
          assertThat(disk.isDead()).as("seed %d: %s", seed, e.getMessage()).isTrue();
        }
        image = disk.crash();
        try (PoolEngine pool = world.open(new MemoryDisk(512, image))) {
          Map<String, Long> found = state(pool);
          assertThat(found).as("seed %d", seed).isIn(model, next);
          model = found;
          assertThat(pool.verify(p -> {}).findings()).as("seed %d", seed).isEmpty();
        }
      }
    }
  }

  private static void refused(Errno errno, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(PoolException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void theyStayWithoutTheirSnapshotAndGoWithTheirDataset() {
    MemoryDisk disk = new MemoryDisk(512, formatted());
    SnapshotInfo first;
    try (PoolEngine pool = world.open(disk)) {
      pool.createDataset("child", new TreeMap<>());
      pool.objectSet("child", DatasetPolicy.DEFAULT);
      pool.snapshot(List.of("child"), "a");
      first = pool.snapshot("child", "a");
      pool.createBookmark("child", "a", false, "b");
      refused(Errno.EEXIST, () -> pool.createBookmark("child", "a", false, "b"));
      refused(Errno.ENOENT, () -> pool.createBookmark("child", "x", false, "c"));
      refused(Errno.ENOENT, () -> pool.createBookmark("child", "x", true, "c"));
      refused(Errno.ENOENT, () -> pool.createBookmark("none", "x", true, "c"));
      refused(Errno.ENOENT, () -> pool.destroyBookmark("child", "c"));
      for (String bad : List.of("", "a@b", "a#b", "a/b", "x".repeat(256))) {
        refused(Errno.EINVAL, () -> pool.createBookmark("child", "a", false, bad));
      }
      pool.destroySnapshots("child", List.of("a"), false);
    }
    try (PoolEngine pool = world.open(disk)) {
      assertThat(pool.bookmarks("child"))
          .containsExactly(
              new BookmarkInfo(
                  "child", "b", first.guid(), first.creationTxg(), 0, first.creationSeconds()));
      pool.renameDataset("child", "other");
      pool.createBookmark("other", "b", true, "c");
      assertThat(pool.bookmarks("other")).hasSize(2);
      pool.destroyDataset("other");
      long end = System.nanoTime() + 20_000_000_000L;
      while (pool.status().freeingBytes() > 0) {
        assertThat(System.nanoTime()).isLessThan(end);
        Thread.onSpinWait();
      }
      PoolWorld.assertClean(pool);
    }
  }
}
