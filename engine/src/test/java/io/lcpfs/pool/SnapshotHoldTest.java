package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random histories of holds, releases and destroyed snapshots of two datasets against a model, with
 * imports in between and with the power going at any write: each call is done whole or not at all,
 * and what has returned is there. {@code -Dlcpfs.trust.all=true} takes 300 histories.
 */
@Timeout(300)
class SnapshotHoldTest {
  private static final int SEEDS = Boolean.getBoolean("lcpfs.trust.all") ? 300 : 12;
  private static final List<String> PATHS = List.of("", "child");

  private final PoolWorld world = new PoolWorld();

  SnapshotHoldTest() {
    world.tuning =
        world.tuning.withCacheBytes(8 << 20).withDirtyBytes(2 << 20).withTxgTimeoutNanos(3_000_000);
  }

  @AfterEach
  void close() {
    world.close();
  }

  /** A snapshot in the model. */
  private record Kept(TreeSet<String> tags, boolean deferred) {}

  /** Snapshots by path and name. */
  private static final class Model {
    final TreeMap<String, Kept> snapshots = new TreeMap<>();

    Model copy() {
      Model copy = new Model();
      snapshots.forEach(
          (name, kept) ->
              copy.snapshots.put(name, new Kept(new TreeSet<>(kept.tags), kept.deferred)));
      return copy;
    }

    @Override
    public String toString() {
      return snapshots.toString();
    }
  }

  private static String key(SnapshotName name) {
    return name.path() + "@" + name.name();
  }

  private static String state(PoolEngine pool) {
    Model found = new Model();
    for (String path : PATHS) {
      for (SnapshotInfo info : pool.snapshots(path)) {
        SnapshotName name = new SnapshotName(path, info.name());
        TreeSet<String> tags = new TreeSet<>(pool.snapshotHolds(name).keySet());
        assertThat(info.userRefs()).as(info.name()).isEqualTo(tags.size());
        found.snapshots.put(key(name), new Kept(tags, info.destroyDeferred()));
      }
    }
    return found.toString();
  }

  private byte[] formatted() {
    MemoryDisk disk = MemoryDisk.ofBytes(512, 16 << 20);
    try (PoolEngine pool = world.create(disk)) {
      world.format(pool).close();
      pool.createDataset("child", new TreeMap<>());
      pool.sync();
    }
    return disk.image();
  }

  /** One call, of which {@code model} is told what it would have done. */
  private static final class Step {
    final PoolEngine pool;
    final Random random;
    final Model model;

    Step(PoolEngine pool, Random random, Model model) {
      this.pool = pool;
      this.random = random;
      this.model = model;
    }

    private List<SnapshotName> some() {
      List<SnapshotName> all = new ArrayList<>();
      for (String key : model.snapshots.keySet()) {
        int at = key.indexOf('@');
        all.add(new SnapshotName(key.substring(0, at), key.substring(at + 1)));
      }
      List<SnapshotName> chosen = new ArrayList<>();
      for (int i = 1 + random.nextInt(3); i > 0 && !all.isEmpty(); i--) {
        chosen.add(all.remove(random.nextInt(all.size())));
      }
      return chosen;
    }

    private Kept kept(SnapshotName name) {
      return Objects.requireNonNull(model.snapshots.get(key(name)));
    }

    /** What the model does, then what the pool is asked; null when it has to refuse. */
    Runnable choose() {
      List<SnapshotName> some = some();
      String tag = "t" + random.nextInt(3);
      if (some.isEmpty() || random.nextInt(4) == 0) {
        String name = "s" + random.nextInt(1 << 30);
        PATHS.forEach(
            path ->
                model.snapshots.put(
                    key(new SnapshotName(path, name)), new Kept(new TreeSet<>(), false)));
        return () -> {
          PATHS.forEach(path -> pool.objectSet(path, DatasetPolicy.DEFAULT));
          pool.snapshot(PATHS, name);
        };
      }
      return switch (random.nextInt(5)) {
        case 0, 1 -> hold(some, tag);
        case 2 -> release(some, tag);
        case 3 -> destroy(some, random.nextBoolean());
        default -> rename(some);
      };
    }

    private Runnable hold(List<SnapshotName> some, String tag) {
      if (some.stream().noneMatch(name -> kept(name).tags.contains(tag))) {
        some.forEach(name -> kept(name).tags.add(tag));
        return () -> pool.holdSnapshots(some, tag);
      }
      return () -> refused(Errno.EEXIST, () -> pool.holdSnapshots(some, tag));
    }

    private Runnable release(List<SnapshotName> some, String tag) {
      if (some.stream().allMatch(name -> kept(name).tags.contains(tag))) {
        for (SnapshotName name : some) {
          kept(name).tags.remove(tag);
          if (kept(name).tags.isEmpty() && kept(name).deferred) {
            model.snapshots.remove(key(name));
          }
        }
        return () -> pool.releaseSnapshots(some, tag);
      }
      return () -> refused(Errno.ENOENT, () -> pool.releaseSnapshots(some, tag));
    }

    private Runnable destroy(List<SnapshotName> some, boolean defer) {
      if (!defer && some.stream().anyMatch(name -> !kept(name).tags.isEmpty())) {
        return () -> refused(Errno.EBUSY, () -> pool.destroySnapshots(some, false));
      }
      for (SnapshotName name : some) {
        if (kept(name).tags.isEmpty()) {
          model.snapshots.remove(key(name));
        } else {
          model.snapshots.put(key(name), new Kept(kept(name).tags, true));
        }
      }
      return () -> pool.destroySnapshots(some, defer);
    }

    /** Refused where two of the same dataset would get the name. */
    private Runnable rename(List<SnapshotName> some) {
      String to = "r" + random.nextInt(1 << 30);
      if (some.stream().map(SnapshotName::path).distinct().count() < some.size()) {
        return () -> refused(Errno.EEXIST, () -> pool.renameSnapshots(some, to));
      }
      for (SnapshotName name : some) {
        Kept kept = kept(name);
        model.snapshots.remove(key(name));
        model.snapshots.put(key(new SnapshotName(name.path(), to)), kept);
      }
      return () -> {
        pool.renameSnapshots(some, to);
        pool.sync();
      };
    }
  }

  private static void refused(Errno errno, Runnable call) {
    try {
      call.run();
    } catch (PoolException e) {
      if (e.errno() != Errno.EIO) { // the power may be gone
        assertThat(e.errno()).isEqualTo(errno);
        assertThat(e.getMessage()).contains("; ");
        return;
      }
      throw e;
    }
    throw new AssertionError("not refused");
  }

  @Test
  void whatIsHeldStaysAndWhatWasDeferredGoesWithItsLastHold() {
    byte[] formatted = formatted();
    for (long seed = 1; seed <= SEEDS; seed++) {
      Random random = new Random(seed);
      BlockDevice disk = new MemoryDisk(512, formatted.clone());
      Model model = new Model();
      PoolEngine pool = world.open(disk);
      try {
        for (int i = 0; i < 60; i++) {
          new Step(pool, random, model).choose().run();
          assertThat(state(pool)).as("seed %d step %d", seed, i).isEqualTo(model.toString());
          if (random.nextInt(15) == 0) {
            pool.close();
            pool = world.open(disk);
            PoolWorld.assertClean(pool);
          }
        }
        PoolWorld.assertClean(pool);
      } finally {
        pool.close();
      }
    }
  }

  @Test
  void aPowerLossLeavesEachCallDoneWholeOrNotAtAll() {
    byte[] formatted = formatted();
    for (long seed = 1; seed <= 2 * SEEDS; seed++) {
      Random random = new Random(1000 + seed);
      byte[] image = formatted;
      Model model = new Model();
      for (int life = 0; life < 3; life++) {
        CrashDisk disk = new CrashDisk(image, 1 + random.nextInt(600), random.nextLong(), false);
        Model next = model;
        try (PoolEngine pool = world.open(disk)) {
          for (int i = 0; i < 60; i++) {
            next = model.copy();
            new Step(pool, random, next).choose().run();
            model = next;
          }
        } catch (PoolException e) {
          assertThat(disk.isDead()).as("seed %d: %s", seed, e.getMessage()).isTrue();
        }
        image = disk.crash();
        try (PoolEngine pool = world.open(new MemoryDisk(512, image))) {
          String found = state(pool);
          assertThat(found).as("seed %d", seed).isIn(model.toString(), next.toString());
          model = found.equals(next.toString()) ? next : model;
          assertThat(pool.verify(p -> {}).findings()).as("seed %d", seed).isEmpty();
        }
      }
    }
  }

  @Test
  void aDatasetGoesWithItsHeldSnapshotsReleased() {
    MemoryDisk disk = new MemoryDisk(512, formatted());
    try (PoolEngine pool = world.open(disk)) {
      SnapshotName name = new SnapshotName("child", "a");
      pool.objectSet("child", DatasetPolicy.DEFAULT);
      pool.snapshot(List.of("child"), "a");
      pool.holdSnapshots(List.of(name, name), "keep");
      assertThat(pool.snapshotHolds(name)).containsOnlyKeys("keep");
      assertThatThrownBy(() -> pool.destroyDataset("child")).hasMessageContaining("has snapshots");
      assertThatThrownBy(() -> pool.destroySnapshots("child", List.of("a"), false))
          .hasMessageContaining("keep")
          .hasMessageContaining("lcpfs fs release keep tank/child@a")
          .hasMessageContaining("-d");
      pool.destroySnapshots("child", List.of("a"), true);
      pool.releaseSnapshots(List.of(name), "keep");
      assertThat(pool.snapshots("child")).isEmpty();
      pool.destroyDataset("child");
      PoolWorld.assertClean(pool);
    }
  }

  private static void settle(PoolEngine pool) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (pool.status().freeingBytes() > 0 || !pool.clonesOf("", "a").isEmpty()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.onSpinWait();
    }
    pool.sync();
  }

  @Test
  void whatHasClonesGoesWithTheLastOfThemAndTheLastHold() {
    for (boolean holdGoesFirst : new boolean[] {true, false}) {
      MemoryDisk disk = new MemoryDisk(512, formatted());
      try (PoolEngine pool = world.open(disk)) {
        List<SnapshotName> one = List.of(new SnapshotName("", "a"));
        pool.objectSet("", DatasetPolicy.DEFAULT);
        pool.snapshot(List.of(""), "a");
        pool.cloneSnapshot("", "a", "clone", new TreeMap<>());
        pool.holdSnapshots(one, "keep");
        refused(Errno.EBUSY, () -> pool.destroySnapshots("", List.of("a"), false));
        pool.destroySnapshots("", List.of("a"), true);
        if (holdGoesFirst) {
          pool.releaseSnapshots(one, "keep");
          assertThat(pool.snapshot("", "a").destroyDeferred()).isTrue();
          assertThat(pool.clonesOf("", "a")).containsExactly("clone");
          pool.destroyDataset("clone");
        } else {
          pool.destroyDataset("clone");
          settle(pool);
          assertThat(pool.snapshot("", "a").userRefs()).isEqualTo(1);
          pool.releaseSnapshots(one, "keep");
        }
        long end = System.nanoTime() + 20_000_000_000L;
        while (!pool.snapshots("").isEmpty()) { // the clone may still be on its way out
          assertThat(System.nanoTime()).isLessThan(end);
          Thread.onSpinWait();
        }
        assertThat(state(pool)).isEqualTo(new Model().toString());
        pool.sync();
        PoolWorld.assertClean(pool);
      }
    }
  }

  @Test
  void whatWaitsForItsLastCloneGoesBeforeThePoolIsClosed() {
    MemoryDisk disk = new MemoryDisk(512, formatted());
    for (int i = 0; i < 20; i++) {
      try (PoolEngine pool = world.open(disk)) {
        pool.objectSet("", DatasetPolicy.DEFAULT);
        pool.snapshot(List.of(""), "a");
        pool.cloneSnapshot("", "a", "clone", new TreeMap<>());
        pool.destroySnapshots("", List.of("a"), true);
        pool.destroyDataset("clone");
      }
      try (PoolEngine pool = world.openReadOnly(disk)) {
        assertThat(pool.snapshots("")).as("round %d", i).isEmpty();
        PoolWorld.assertClean(pool);
      }
    }
  }

  @Test
  void whatGoesWithItsCloneWhileThatIsWaitedForCountsAsDestroyed() {
    MemoryDisk disk = new MemoryDisk(512, formatted());
    try (PoolEngine pool = world.open(disk)) {
      pool.objectSet("", DatasetPolicy.DEFAULT);
      for (int i = 0; i < 20; i++) {
        pool.takeSnapshots(List.of(new SnapshotName("", "a"), new SnapshotName("", "b")));
        pool.cloneSnapshot("", "a", "clone", new TreeMap<>());
        assertThat(pool.keepers(List.of(new SnapshotName("", "a")), List.of()))
            .singleElement()
            .satisfies(keeper -> assertThat(keeper.clones()).containsExactly("clone"));
        assertThat(pool.keepers(List.of(new SnapshotName("", "a")), List.of("clone"))).isEmpty();
        pool.destroySnapshots("", List.of("a"), true);
        pool.destroyDataset("clone");
        if (pool.snapshots("").size() == 2) { // else it went before it was asked for
          try {
            pool.destroySnapshots("", List.of("a", "b"), false);
          } catch (PoolException e) {
            assertThat(e.errno()).isEqualTo(Errno.ENOENT);
            assertThat(pool.snapshots("")).as("went between the look and the call").hasSize(1);
          }
        }
        if (!pool.snapshots("").isEmpty()) {
          pool.destroySnapshots("", List.of("b"), false);
        }
        assertThat(pool.snapshots("")).isEmpty();
      }
      PoolWorld.assertClean(pool);
    }
  }

  @Test
  void manyHoldAtOnceAndNoHoldIsLost() throws Exception {
    MemoryDisk disk = new MemoryDisk(512, formatted());
    try (PoolEngine pool = world.open(disk);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      pool.objectSet("", DatasetPolicy.DEFAULT);
      for (int round = 0; round < 10; round++) {
        SnapshotName name = new SnapshotName("", "a" + round);
        pool.snapshot(List.of(""), name.name());
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
          String tag = "t" + i;
          running.add(threads.submit(() -> pool.holdSnapshots(List.of(name), tag)));
        }
        running.add(
            threads.submit(
                () ->
                    refused(
                        Errno.ENOENT, () -> pool.releaseSnapshots(List.of(name), "not there"))));
        for (Future<?> one : running) {
          one.get();
        }
        assertThat(pool.snapshotHolds(name)).hasSize(8);
        assertThat(pool.snapshot("", name.name()).userRefs()).isEqualTo(8);
      }
      PoolWorld.assertClean(pool);
    }
  }

  @Test
  void badTagsAreRefused() {
    MemoryDisk disk = new MemoryDisk(512, formatted());
    try (PoolEngine pool = world.open(disk)) {
      world.mount(pool).close();
      pool.snapshot(List.of(""), "a");
      List<SnapshotName> one = List.of(new SnapshotName("", "a"));
      Map<String, Errno> bad =
          Map.of(
              "",
              Errno.EINVAL,
              ".x",
              Errno.EINVAL,
              "a\nb",
              Errno.EINVAL,
              "x".repeat(256),
              Errno.ENAMETOOLONG);
      bad.forEach(
          (tag, errno) ->
              assertThatThrownBy(() -> pool.holdSnapshots(one, tag))
                  .isInstanceOfSatisfying(
                      PoolException.class, e -> assertThat(e.errno()).isEqualTo(errno)));
      pool.holdSnapshots(one, "ü".repeat(127));
      assertThat(pool.snapshotHolds(one.getFirst())).containsOnlyKeys("ü".repeat(127));
      PoolWorld.assertClean(pool);
    }
  }
}
