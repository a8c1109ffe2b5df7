package io.lcpfs.pool;

import static io.lcpfs.pool.LogWorld.ROOT;
import static io.lcpfs.pool.LogWorld.b;
import static io.lcpfs.pool.LogWorld.noise;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Task;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.SetAttr;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What fsync has returned for is there after a crash, though no group was written. */
@Timeout(180)
class IntentLogTest {
  private static final Map<String, Consumer<LogWorld>> CHANGES = new LinkedHashMap<>();

  static {
    change("create", w -> w.open("/new", OpenFlags.O_CREAT | OpenFlags.O_RDWR).close());
    change("mkdir", w -> w.paths.mkdir(b("/dir/sub"), 0x1C0, ROOT));
    change("mknod", w -> w.paths.mknod(b("/fifo"), 0x11A4, 0, ROOT));
    change("short symlink", w -> w.paths.symlink(b("old"), b("/link"), ROOT));
    change("long symlink", w -> w.paths.symlink(b("x".repeat(3000)), b("/link"), ROOT));
    change("link", w -> w.paths.link(b("/old"), b("/dir/again"), ROOT));
    change("unlink", w -> w.paths.unlink(b("/large"), ROOT));
    change("rmdir", w -> w.paths.rmdir(b("/empty"), ROOT));
    change("rename", w -> w.paths.rename(b("/old"), b("/dir/moved"), 0, ROOT));
    change("rename over", w -> w.paths.rename(b("/old"), b("/large"), 0, ROOT));
    change("exchange", w -> w.paths.rename(b("/old"), b("/dir"), OpenFlags.RENAME_EXCHANGE, ROOT));
    change("small write", w -> w.write("/old", 5, b("changed")));
    change("write to a new file", w -> w.write("/fresh", 0, noise(3, 700)));
    change("write of many blocks", w -> w.write("/wide", 0, noise(4, 25_000)));
    change("append", w -> w.write("/large", 300_000, noise(5, 3000)));
    change("overwrite", w -> w.write("/large", 100_000, noise(6, 27_000)));
    change("write behind the end", w -> w.write("/old", 900_000, noise(7, 10)));
    change("shrink", w -> w.paths.setattr(b("/large"), true, new SetAttr().size(70_001), ROOT));
    change("grow", w -> w.paths.setattr(b("/old"), true, new SetAttr().size(1 << 20), ROOT));
    change("truncate to nothing", w -> w.open("/large", 0x202).close());
    change(
        "hole",
        w -> {
          try (FileHandle file = w.open("/large", OpenFlags.O_RDWR)) {
            file.fallocate(OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE, 1000, 200_000);
          }
        });
    change("small xattr", w -> w.paths.setxattr(b("/old"), true, b("user.a"), b("value"), 0, ROOT));
    change(
        "large xattr",
        w -> w.paths.setxattr(b("/old"), true, b("user.b"), noise(8, 5000), 0, ROOT));
    change("no xattr", w -> w.paths.removexattr(b("/dir"), true, b("user.dir"), ROOT));
    change("chmod", w -> w.paths.setattr(b("/old"), true, new SetAttr().mode(0x100), ROOT));
    change("chown", w -> w.paths.setattr(b("/old"), true, new SetAttr().uid(7).gid(8), ROOT));
    change(
        "unnamed file that is given a name",
        w -> {
          var made = w.fs.createUnnamed(w.fs.rootInode(), 0x1A4, OpenFlags.O_RDWR, ROOT);
          try (FileHandle file = made.handle()) {
            file.write(0, MemorySegment.ofArray(b("late")), 0, 4);
            w.fs.linkUnnamed(file.inode(), w.fs.rootInode(), b("named"), ROOT);
          }
        });
    change(
        "a file created, written, moved and removed",
        w -> {
          w.write("/t1", 0, noise(9, 9000));
          w.paths.rename(b("/t1"), b("/t2"), 0, ROOT);
          w.paths.unlink(b("/t2"), ROOT);
          w.write("/t1", 0, b("another"));
        });
    change(
        "a directory of many files",
        w -> {
          for (int i = 0; i < 300; i++) {
            w.open("/dir/some-long-name-" + i, OpenFlags.O_CREAT | OpenFlags.O_RDWR).close();
          }
          for (int i = 0; i < 300; i += 2) {
            w.paths.unlink(b("/dir/some-long-name-" + i), ROOT);
          }
        });
  }

  private static void change(String name, Consumer<LogWorld> how) {
    CHANGES.put(name, how);
  }

  private static void apply(String name, LogWorld world) {
    Objects.requireNonNull(CHANGES.get(name)).accept(world);
  }

  private static void furnish(LogWorld world) {
    world.write("/old", 0, b("content"));
    world.write("/large", 0, noise(1, 300_000));
    world.paths.mkdir(b("/dir"), 0x1ED, ROOT);
    world.paths.mkdir(b("/empty"), 0x1ED, ROOT);
    world.paths.setxattr(b("/dir"), true, b("user.dir"), b("v"), 0, ROOT);
    world.pool.sync();
    world.warmUp();
  }

  @Test
  void everyKindOfChangeIsThereAfterFsyncAndCrash() {
    try (LogWorld world = new LogWorld()) {
      furnish(world);
      byte[] start = world.crash();
      for (Map.Entry<String, Consumer<LogWorld>> change : CHANGES.entrySet()) {
        world.open(start.clone());
        world.mount(LogWorld.OPTIONS);
        world.warmUp();
        change.getValue().accept(world);
        world.awaitReaper();
        world.fsyncByLog("/warm");
        String before = world.tree();
        world.env.probes.clear();
        world.crashAndMount();
        assertThat(world.env.probes).as(change.getKey()).contains(CodeProbe.LOG_REPLAYED);
        assertThat(world.tree()).as(change.getKey()).isEqualTo(before);
        world.assertClean();
        world.crash();
      }
    }
  }

  @Test
  void allChangesTogetherAreThereInTheirOrder() {
    try (LogWorld world = new LogWorld()) {
      furnish(world);
      List<String> harmless = List.of("create", "mkdir", "link", "small write", "append", "hole");
      for (int round = 0; round < 3; round++) {
        for (String name : harmless) {
          world.paths.mkdir(b("/r" + round + name.charAt(0) + name.length()), 0x1ED, ROOT);
        }
        apply("small write", world);
        apply("overwrite", world);
        apply("hole", world);
        apply("large xattr", world);
        world.fsyncByLog("/warm");
      }
      world.write("/lost", 0, b("never synced"));
      world.paths.unlink(b("/lost"), ROOT);
      String before = world.tree();
      world.crashAndMount();
      assertThat(world.tree()).isEqualTo(before);
      world.assertClean();
    }
  }

  @Test
  void anOpenFileWithoutANameIsFreedAfterACrash() {
    try (LogWorld world = new LogWorld()) {
      FileHandle unnamed =
          world.fs.createUnnamed(world.fs.rootInode(), 0x1A4, OpenFlags.O_RDWR, ROOT).handle();
      unnamed.write(0, MemorySegment.ofArray(noise(2, 100_000)), 0, 50_000);
      unnamed.fsync();
      assertThat(world.fs.unlinkedCount()).isEqualTo(1);
      world.crashAndMount();
      world.awaitReaper();
      assertThat(world.fs.unlinkedCount()).isZero();
      world.assertClean();
    }
  }

  // ---- when to wait

  @Test
  void withSyncAlwaysEachCallIsDurableOnReturn() {
    try (LogWorld world = new LogWorld()) {
      furnish(world);
      byte[] start = world.crash();
      for (Map.Entry<String, Consumer<LogWorld>> change : CHANGES.entrySet()) {
        world.open(start.clone());
        world.mount(LogWorld.OPTIONS.withSync(FsOptions.Sync.ALWAYS, false));
        world.warmUp();
        change.getValue().accept(world);
        String before = world.tree();
        world.crashAndMount();
        assertThat(world.tree()).as(change.getKey()).isEqualTo(before);
        world.assertClean();
        world.crash();
      }
    }
  }

  @Test
  void aWriteToASynchronousHandleIsDurableOnReturn() {
    for (int flag : new int[] {OpenFlags.O_SYNC, OpenFlags.O_DSYNC}) {
      try (LogWorld world = new LogWorld()) {
        furnish(world);
        long txg = world.txg();
        String before;
        try (FileHandle file = world.open("/old", OpenFlags.O_RDWR | flag)) {
          file.write(3, MemorySegment.ofArray(b("synchronous")), 0, 11);
          file.truncate(12);
        }
        before = world.tree();
        assertThat(world.txg()).isEqualTo(txg);
        world.crashAndMount();
        assertThat(world.tree()).isEqualTo(before);
        world.assertClean();
      }
    }
  }

  @Test
  void withSyncDisabledNothingIsWaitedFor() {
    try (LogWorld world = new LogWorld()) {
      world.fs.setOptions(LogWorld.OPTIONS.withSync(FsOptions.Sync.DISABLED, false));
      long writes = world.disk.writes.get();
      long flushes = world.disk.flushes.get();
      world.write("/lazy", 0, b("x"));
      world.fsync("/lazy");
      try (FileHandle file = world.open("/lazy", OpenFlags.O_RDWR | OpenFlags.O_SYNC)) {
        file.write(0, MemorySegment.ofArray(b("y")), 0, 1);
      }
      assertThat(world.disk.flushes.get()).isEqualTo(flushes);
      assertThat(world.disk.writes.get()).isEqualTo(writes);
    }
  }

  @Test
  void withLogbiasThroughputMuchDataGoesStraightToItsPlace() {
    try (LogWorld world = new LogWorld()) {
      world.fs.setOptions(LogWorld.OPTIONS.withSync(FsOptions.Sync.STANDARD, true));
      world.write("/few", 0, noise(1, 20_000));
      world.fsyncByLog("/few");
      writeMuch(world, 1);
      long txg = world.txg();
      world.fsync("/much");
      assertThat(world.txg()).isGreaterThan(txg);
      String before = world.tree();
      world.crashAndMount();
      assertThat(world.tree()).isEqualTo(before);
      world.fs.setOptions(LogWorld.OPTIONS);
      world.warmUp();
      writeMuch(world, 2);
      world.fsyncByLog("/much");
    }
  }

  /** More than 64 KiB, in records that a batch can hold. */
  private static void writeMuch(LogWorld world, int seed) {
    for (int i = 0; i < 5; i++) {
      world.write("/much", i * 15_000L, noise(seed + i, 15_000));
    }
  }

  // ---- the ring

  @Test
  void theRingIsWrittenRoundAndRound() {
    try (LogWorld world = new LogWorld()) {
      for (int i = 0; i < 300; i++) {
        world.write("/round", i * 100L, noise(i, 20_000));
        world.fsync("/round");
        if (i % 60 == 59) {
          String before = world.tree();
          world.crashAndMount();
          assertThat(world.tree()).isEqualTo(before);
          world.warmUp();
        }
      }
      assertThat(world.env.probes).contains(CodeProbe.LOG_WRAPPED);
      world.assertClean();
    }
  }

  @Test
  void batchesThatDoNotFitGoOnInTheNextSegment() {
    try (LogWorld world = new LogWorld()) {
      for (int i = 0; i < 12; i++) {
        // Two of them leave room in a segment of 32 KiB, but not for a third.
        world.write("/f" + i, 0, noise(i, 12_500));
        world.fsyncByLog("/f" + i);
      }
      String before = world.tree();
      world.crashAndMount();
      assertThat(world.tree()).isEqualTo(before);
      world.assertClean();
    }
  }

  @Test
  void whatDoesNotFitIntoTheLogGoesThroughTheGroup() {
    try (LogWorld world = new LogWorld()) {
      for (int i = 0; i < 3; i++) {
        world.write("/huge", i << 20, noise(i, 900_000));
        long txg = world.txg();
        world.fsync("/huge");
        assertThat(world.txg()).isGreaterThan(txg);
        String before = world.tree();
        world.crashAndMount();
        assertThat(world.tree()).isEqualTo(before);
        world.warmUp();
      }
      assertThat(world.env.probes).contains(CodeProbe.LOG_GAP);
      world.assertClean();
    }
  }

  // ---- many at once

  @Test
  void thoseWhoWaitTogetherShareABatch() {
    try (LogWorld world = new LogWorld()) {
      for (int i = 0; i < 16; i++) {
        world.write("/p" + i, 0, noise(i, 100));
      }
      world.fsync("/warm");
      world.disk.flushNanos = 20_000_000;
      long flushes = world.disk.flushes.get();
      long txg = world.txg();
      List<Task<Void>> tasks = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        String name = "/p" + i;
        tasks.add(
            world.env.fork(
                "syncer",
                () -> {
                  try (FileHandle file = world.open(name, OpenFlags.O_RDWR)) {
                    file.write(0, MemorySegment.ofArray(b("changed")), 0, 7);
                    file.fsync();
                  }
                }));
      }
      tasks.forEach(Task::join);
      assertThat(world.txg()).isEqualTo(txg);
      assertThat(world.disk.flushes.get() - flushes).isBetween(1L, 6L);
      assertThat(world.env.probes).contains(CodeProbe.LOG_BATCH_SHARED);
      world.disk.flushNanos = 0;
      String before = world.tree();
      world.crashAndMount();
      assertThat(world.tree()).isEqualTo(before);
      world.assertClean();
    }
  }

  @Test
  void fsyncsOfManyWritersAndGroupsBesideLoseNothing() {
    try (LogWorld world = new LogWorld()) {
      List<Task<Void>> tasks = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        int writer = i;
        tasks.add(
            world.env.fork(
                "writer",
                () -> {
                  for (int n = 0; n < 60; n++) {
                    String name = "/w" + writer + "-" + n % 7;
                    world.write(name, n * 50L, noise(n, 100 + n * 90));
                    if (n % 5 == 0) {
                      world.paths.rename(b(name), b("/m" + writer), 0, ROOT);
                      world.fsync("/m" + writer);
                    } else {
                      world.fsync(name);
                    }
                    if (writer == 0 && n % 9 == 0) {
                      world.pool.sync();
                    }
                  }
                }));
      }
      tasks.forEach(Task::join);
      world.fsync("/warm");
      String before = world.tree();
      world.crashAndMount();
      assertThat(world.tree()).isEqualTo(before);
      world.assertClean();
    }
  }
}
