package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Quotas, reservations and limits, one by one. */
@Timeout(120)
class SpaceRulesTest {
  private static final long MB = 1 << 20;

  private final PoolWorld world = new PoolWorld();
  private final MemoryDisk disk = MemoryDisk.ofBytes(512, 96 << 20);
  private final Map<String, PosixFileSystem> mounts = new TreeMap<>();
  private final Random random = new Random(3);
  private PoolEngine pool = world.create(disk);

  @BeforeEach
  void datasets() {
    format("");
    make("a");
    make("a/b");
    make("c");
  }

  @AfterEach
  void close() {
    PoolWorld.assertClean(pool);
    mounts.values().forEach(PosixFileSystem::close);
    pool.close();
    world.close();
  }

  private void make(String path) {
    pool.createDataset(path, new TreeMap<>());
    format(path);
  }

  private void format(String path) {
    ObjectSet objects = pool.objectSet(path, DatasetPolicy.DEFAULT);
    try (Tx tx = objects.begin(256 << 10)) {
      PosixFileSystem.format(tx, objects, world.env);
    }
    mounts.put(path, PosixFileSystem.open(objects, world.env, FsOptions.DEFAULTS));
  }

  private PosixFileSystem fs(String path) {
    PosixFileSystem known = mounts.get(path);
    if (known == null) {
      throw new AssertionError(path);
    }
    return known;
  }

  private int write(String path, String name, long at, int bytes) {
    byte[] data = new byte[bytes];
    random.nextBytes(data);
    try (FileHandle file =
        fs(path)
            .paths()
            .open(name.getBytes(UTF_8), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0644, Caller.ROOT)) {
      return file.write(at, MemorySegment.ofArray(data), 0, bytes);
    }
  }

  private void remove(String path, String name) {
    fs(path).paths().unlink(name.getBytes(UTF_8), Caller.ROOT);
  }

  /** Writes files until it is refused; answers why. */
  private PoolException fill(String path, String prefix) {
    for (int i = 0; i < 10_000; i++) {
      try {
        int done = write(path, prefix + i, 0, 1 << 20);
        if (done < 1 << 20) {
          write(path, prefix + "rest", 0, 1 << 20);
        }
      } catch (PoolException e) {
        return e;
      }
    }
    throw new AssertionError("never full");
  }

  private void set(String path, String name, long value) {
    pool.setLocalProperties(path, Map.of(name, Long.toString(value)));
  }

  private PoolException refused(Runnable what) {
    try {
      what.run();
    } catch (PoolException e) {
      assertThat(e.getMessage()).contains("; ");
      return e;
    }
    throw new AssertionError("was not refused");
  }

  private long used(String path) {
    pool.sync();
    return pool.space(path).usedBytes();
  }

  @Test
  void aQuotaCountsSnapshotsAndDescendants() {
    set("a", "quota", 10 * MB);
    PoolException full = fill("a/b", "f");
    assertThat(full.errno()).isEqualTo(Errno.EDQUOT);
    assertThat(full.getMessage()).contains("quota of tank/a");
    assertThat(used("a")).isBetween(10 * MB, 12 * MB);
    assertThat(pool.space("a/b").availableBytes()).isZero();
    assertThat(refused(() -> write("a", "own", 0, 5000)).errno()).isEqualTo(Errno.EDQUOT);
    write("c", "other", 0, 5000);
    pool.snapshot(List.of("a/b"), "s");
    for (int i = 0; i < 5; i++) {
      remove("a/b", "f" + i);
    }
    assertThat(refused(() -> write("a/b", "more", 0, 5000)).errno())
        .as("the snapshot has it still")
        .isEqualTo(Errno.EDQUOT);
    pool.destroySnapshots("a/b", List.of("s"), false);
    write("a/b", "more", 0, 1 << 20);
    assertThat(fill("a/b", "h").errno()).isEqualTo(Errno.EDQUOT);
    assertThat(refused(() -> pool.createDataset("a/x", new TreeMap<>())).errno())
        .isEqualTo(Errno.EDQUOT);
  }

  private static TreeMap<String, String> rules(String name, long value) {
    return new TreeMap<>(Map.of(name, Long.toString(value)));
  }

  @Test
  void aRefquotaCountsTheHeadOnly() {
    set("a", "refquota", 6 * MB);
    fill("a/b", "child");
    remove("a/b", "child0");
    for (int i = 1; i < 30; i++) {
      remove("a/b", "child" + i);
    }
    assertThat(fill("a", "f").errno()).isEqualTo(Errno.EDQUOT);
    pool.sync();
    pool.snapshot(List.of("a"), "s");
    for (int i = 0; i < 5; i++) {
      remove("a", "f" + i);
    }
    write("a", "again", 0, 3 << 20);
    assertThat(pool.dataset("a").snapshotBytes()).isGreaterThan(4 * MB);
  }

  @Test
  void whatIsThereIsOverwrittenAndDeletedAtAQuota() {
    set("a", "quota", 6 * MB);
    fill("a", "f");
    pool.sync();
    assertThat(write("a", "f0", 0, 1 << 20)).isEqualTo(1 << 20);
    assertThat(write("a", "f0", 131_072, 131_072)).isEqualTo(131_072);
    assertThat(used("a")).isLessThan(8 * MB);
    assertThat(refused(() -> write("a", "f0", 1 << 20, 200_000)).errno())
        .as("beyond its end")
        .isEqualTo(Errno.EDQUOT);
    remove("a", "f1");
    remove("a", "f2");
    write("a", "new", 0, 1 << 20);
    pool.snapshot(List.of("a"), "s");
    fill("a", "g");
    assertThat(refused(() -> write("a", "f0", 0, 1 << 20)).errno())
        .as("the snapshot keeps what is overwritten")
        .isEqualTo(Errno.EDQUOT);
  }

  @Test
  void aReservationIsKeptForItsDatasetUntilThePoolIsFull() {
    set("a", "reservation", 30 * MB);
    assertThat(pool.space("").usedBytes()).isGreaterThan(30 * MB);
    long free = pool.space("c").availableBytes();
    assertThat(pool.space("a").availableBytes()).isGreaterThan(free + 29 * MB);
    assertThat(fill("c", "f").errno()).isEqualTo(Errno.ENOSPC);
    for (int i = 0; i < 28; i++) {
      assertThat(write("a/b", "f" + i, 0, 1 << 20)).as("file " + i).isEqualTo(1 << 20);
    }
    assertThat(pool.space("").childrenBytes()).isEqualTo(Math.max(used("a"), 30 * MB) + used("c"));
    assertThat(fill("a", "g").errno()).isEqualTo(Errno.ENOSPC);
  }

  @Test
  void aRefreservationIsChargedAndMakesRoomToOverwriteUnderASnapshot() {
    set("a", "refreservation", 20 * MB);
    assertThat(used("a")).isBetween(20 * MB, 21 * MB);
    write("a", "f", 0, 8 << 20);
    assertThat(used("a")).isBetween(20 * MB, 21 * MB);
    pool.snapshot(List.of("a"), "s");
    assertThat(used("a")).as("all of it is kept once more").isGreaterThan(28 * MB);
    set("a", "quota", 30 * MB);
    assertThat(pool.space("a").availableBytes()).isGreaterThan(19 * MB);
    PoolException e = refused(() -> set("a", "refreservation", 40 * MB));
    assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
    write("a", "f", 0, 8 << 20);
    write("a", "g", 0, 8 << 20);
    PoolException more = refused(() -> pool.snapshot(List.of("a"), "t"));
    assertThat(more.errno()).isEqualTo(Errno.ENOSPC);
    assertThat(more.getMessage()).contains("refreservation of tank/a");
  }

  @Test
  void rulesThatCannotBeAreRefusedWithTheReason() {
    write("a", "f", 0, 4 << 20);
    for (String rule : List.of("quota", "refquota")) {
      PoolException e = refused(() -> set("a", rule, 2 * MB));
      assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
      assertThat(e.getMessage()).contains(rule, "is less than");
      assertThat(pool.dataset("a").localProperties()).isEmpty();
    }
    assertThat(refused(() -> set("c", "reservation", 500 * MB)).getMessage())
        .contains("more than is available");
    set("a", "quota", 10 * MB);
    assertThat(refused(() -> set("a", "reservation", 11 * MB)).getMessage()).contains("quota");
    assertThat(refused(() -> set("a/b", "reservation", 9 * MB)).getMessage())
        .contains("more than is available");
    assertThat(refused(() -> pool.createDataset("a/x", rules("refreservation", 9 * MB))).errno())
        .isEqualTo(Errno.ENOSPC);
    set("a/b", "reservation", 5 * MB);
    assertThat(refused(() -> set("a", "quota", 6 * MB)).errno()).isEqualTo(Errno.ENOSPC);
    set("c", "quota", 3 * MB);
    assertThat(refused(() -> pool.renameDataset("a/b", "c/b")).errno())
        .as("its reservation does not fit")
        .isEqualTo(Errno.EDQUOT);
    pool.removeLocalProperty("a/b", "reservation");
    pool.renameDataset("a/b", "c/b");
    assertThat(pool.space("a").childrenBytes()).isZero();
    assertThat(pool.space("c").childrenBytes()).isPositive();
  }

  @Test
  void limitsCountDatasetsAndSnapshots() {
    set("a", "filesystem_limit", 2);
    make("a/x");
    PoolException e = refused(() -> pool.createDataset("a/x/y", new TreeMap<>()));
    assertThat(e.errno()).isEqualTo(Errno.EDQUOT);
    assertThat(e.getMessage()).contains("filesystem_limit of tank/a");
    assertThat(refused(() -> pool.renameDataset("c", "a/c")).errno()).isEqualTo(Errno.EDQUOT);
    pool.renameDataset("a/x", "a/b/x");
    set("a", "snapshot_limit", 3);
    pool.snapshot(List.of("a", "a/b"), "s");
    assertThat(refused(() -> pool.snapshot(List.of("a", "a/b/x"), "t")).errno())
        .isEqualTo(Errno.EDQUOT);
    assertThat(pool.snapshotCount("a")).isEqualTo(2);
    pool.snapshot(List.of("a/b/x"), "t");
    assertThat(refused(() -> pool.snapshot(List.of("a"), "u")).getMessage())
        .contains("snapshot_limit of tank/a");
    pool.destroySnapshots("a", List.of("s"), false);
    pool.snapshot(List.of("a/b"), "u");
    assertThat(pool.filesystemCount("")).isEqualTo(4);
    assertThat(pool.snapshotCount("")).isEqualTo(3);
  }

  @Test
  void aLimitOfNoneAtAllForbidsAllAndAKeptZeroDoesNot() {
    set("a", "filesystem_limit", 0);
    set("a", "snapshot_limit", 0);
    make("a/x");
    pool.snapshot(List.of("a"), "s");
    pool.setLocalProperties("a", Map.of("filesystem_limit", "00", "snapshot_limit", "00"));
    assertThat(refused(() -> make("a/y")).getMessage())
        .contains("filesystem_limit of tank/a allows none");
    assertThat(refused(() -> make("a/b/y")).errno()).isEqualTo(Errno.EDQUOT);
    assertThat(refused(() -> pool.snapshot(List.of("a/b"), "t")).getMessage())
        .contains("snapshot_limit of tank/a allows none");
    pool.setLocalProperties("a", Map.of("filesystem_limit", "none", "snapshot_limit", "none"));
    make("a/y");
    pool.snapshot(List.of("a/b"), "t");
  }

  @Test
  void messagesNameTheDatasetAndSizesForPeople() {
    write("a", "f", 0, 4 << 20);
    pool.sync();
    PoolException e = refused(() -> set("a", "quota", MB));
    assertThat(e.getMessage()).contains("quota=1M of tank/a is less than the 4.0", "at least 4");
    set("c", "quota", 2 * MB);
    assertThat(refused(() -> pool.renameDataset("a", "c/a")).getMessage())
        .contains("quota of tank/c leaves no room for 4.0");
    assertThat(fill("c", "f").getMessage()).matches("quota of tank/c is reached: .*M of 2M .*");
  }

  @Test
  void whatWasWrittenSinceASnapshotIsKnown() {
    write("a", "f", 0, 4 << 20);
    pool.snapshot(List.of("a"), "s1");
    assertThat(pool.writtenBytes("a", "")).isZero();
    write("a", "f", 0, 1 << 20);
    pool.sync();
    long since1 = pool.writtenBytes("a", "s1");
    assertThat(since1).isBetween(MB, 2 * MB).isEqualTo(pool.writtenBytes("a", ""));
    pool.snapshot(List.of("a"), "s2");
    write("a", "f", 2 << 20, 1 << 20);
    remove("a", "f");
    write("a", "g", 0, 2 << 20);
    pool.sync();
    assertThat(pool.writtenBytes("a", "s1")).isBetween(2 * MB, 3 * MB);
    assertThat(pool.writtenBytes("a", "s2")).isBetween(2 * MB, 3 * MB);
    assertThat(refused(() -> pool.writtenBytes("a", "s3")).errno()).isEqualTo(Errno.ENOENT);
  }

  @Test
  void rulesSurviveAnImport() {
    set("a", "quota", 5 * MB);
    set("c", "reservation", 20 * MB);
    mounts.values().forEach(PosixFileSystem::close);
    mounts.clear();
    pool.close();
    pool = world.open(disk);
    for (String path : List.of("", "a", "a/b", "c")) {
      mounts.put(
          path,
          PosixFileSystem.open(
              pool.objectSet(path, DatasetPolicy.DEFAULT), world.env, FsOptions.DEFAULTS));
    }
    assertThat(fill("a", "f").errno()).isEqualTo(Errno.EDQUOT);
    assertThat(fill("", "f").errno()).isEqualTo(Errno.ENOSPC);
    assertThat(write("c", "f", 0, 10 << 20)).isEqualTo(10 << 20);
  }
}
