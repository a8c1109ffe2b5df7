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
import io.lcpfs.posix.SetAttr;
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

/** Blocks that a file gets by reference count for quotas in full, and take no room on the disk. */
@Timeout(120)
class CloneQuotaTest {
  private static final long MB = 1 << 20;
  private static final int OWNER = 4242;

  private final PoolWorld world = new PoolWorld();
  private final MemoryDisk disk = MemoryDisk.ofBytes(512, 96 << 20);
  private PoolEngine pool = world.create(disk);
  private final Map<String, PosixFileSystem> mounts = new TreeMap<>();

  @BeforeEach
  void aFileOnDisk() {
    format("");
    for (String path : List.of("a", "a/b")) {
      pool.createDataset(path, new TreeMap<>());
      format(path);
    }
    write("a", "f", 12);
    pool.sync();
  }

  @AfterEach
  void close() {
    PoolWorld.assertClean(pool);
    mounts.values().forEach(PosixFileSystem::close);
    pool.close();
    world.close();
  }

  private void format(String path) {
    ObjectSet objects = pool.objectSet(path, DatasetPolicy.DEFAULT);
    try (Tx tx = objects.begin(256 << 10)) {
      PosixFileSystem.format(tx, objects, world.env);
    }
    mounts.put(path, PosixFileSystem.open(objects, world.env, FsOptions.DEFAULTS));
  }

  private PosixFileSystem files(String path) {
    PosixFileSystem files = mounts.get(path);
    if (files == null) {
      throw new AssertionError(path);
    }
    return files;
  }

  private FileHandle open(String path, String name) {
    return files(path)
        .paths()
        .open(name.getBytes(UTF_8), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0644, Caller.ROOT);
  }

  private void write(String path, String name, int megabytes) {
    byte[] data = new byte[megabytes << 20];
    new Random(megabytes).nextBytes(data);
    try (FileHandle file = open(path, name)) {
      assertThat(file.write(0, MemorySegment.ofArray(data), 0, data.length)).isEqualTo(data.length);
    }
  }

  /** Copies the file of {@code a} until that is refused; answers the bytes. */
  private long copy(String to, String name) {
    long done = 0;
    try (FileHandle in = open("a", "f");
        FileHandle out = open(to, name)) {
      while (done < in.size()) {
        done += out.copyFrom(in, done, done, in.size() - done);
      }
    } catch (PoolException e) {
      assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.EDQUOT);
    }
    return done;
  }

  private void set(String path, String name, long value) {
    pool.setLocalProperties(path, Map.of(name, Long.toString(value)));
  }

  private long allocated() {
    pool.sync();
    return pool.status().allocatedBytes();
  }

  private long used(String path) {
    pool.sync();
    return pool.space(path).usedBytes();
  }

  @Test
  void aQuotaLetsThroughWhatItHasRoomFor() {
    set("a", "quota", 30 * MB);
    long before = allocated();
    assertThat(copy("a", "g")).isEqualTo(12 * MB);
    assertThat(copy("a/b", "h")).as("also below, in the same group").isBetween(4 * MB, 7 * MB);
    assertThat(copy("a", "i")).isLessThanOrEqualTo(MB);
    assertThat(used("a")).isBetween(28 * MB, 31 * MB);
    assertThat(allocated()).as("on the disk").isLessThan(before + 2 * MB);
    set("a", "quota", 0);
    assertThat(copy("a", "j")).isEqualTo(12 * MB);
  }

  @Test
  void aRefquotaLetsThroughWhatItHasRoomFor() {
    set("a/b", "refquota", 10 * MB);
    assertThat(copy("a/b", "g")).isBetween(8 * MB, 11 * MB);
    assertThat(copy("a", "g")).isEqualTo(12 * MB);
    assertThat(used("a/b")).isLessThan(11 * MB + MB / 2);
  }

  @Test
  void withoutAQuotaMoreIsSharedThanThePoolHolds() {
    set("a/b", "reservation", 20 * MB);
    for (int i = 0; i < 12; i++) {
      assertThat(copy("a", "g" + i)).isEqualTo(12 * MB);
    }
    assertThat(used("a")).isGreaterThan(150 * MB);
    assertThat(pool.space("a/b").availableBytes()).isGreaterThan(20 * MB - MB);
  }

  @Test
  void whatIsThereIsReplacedAtAQuota() {
    write("a", "other", 12);
    pool.sync();
    set("a", "quota", used("a") + MB / 2);
    assertThat(copy("a", "other")).as("as much as it had").isEqualTo(12 * MB);
    pool.sync();
    assertThat(copy("a", "new")).isLessThanOrEqualTo(2 * MB);
    pool.snapshot(List.of("a"), "s");
    assertThat(copy("a", "other")).as("the snapshot keeps what is replaced").isLessThan(2 * MB);
  }

  @Test
  void anOwnersQuotaCountsWhatWasGivenInTheSameGroup() {
    open("a", "g").close();
    open("a", "h").close();
    PosixFileSystem files = files("a");
    for (String name : List.of("g", "h")) {
      long inode = files.paths().stat(name.getBytes(UTF_8), Caller.ROOT).inode();
      files.setattr(inode, new SetAttr().uid(OWNER).project(7), Caller.ROOT);
    }
    set("a", "userquota@" + OWNER, 20 * MB);
    assertThat(copy("a", "g")).isEqualTo(12 * MB);
    assertThat(copy("a", "h")).isBetween(7 * MB, 9 * MB);
    pool.sync();
    assertThat(copy("a", "h")).isLessThanOrEqualTo(MB);
    pool.removeLocalProperty("a", "userquota@" + OWNER);
    set("a", "projectquota@7", 3 * MB);
    pool.sync();
    assertThat(copy("a", "h")).isZero();
    pool.removeLocalProperty("a", "projectquota@7");
    assertThat(copy("a", "h")).isEqualTo(12 * MB);
  }
}
