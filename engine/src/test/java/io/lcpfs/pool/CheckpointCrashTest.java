package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.alloc.Metaslab;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The power goes at each write and flush of taking, discarding and going back to a checkpoint, and
 * what was not flushed is there, is not, or is torn: the next import has the one state or the
 * other, whole. Also what the checkpoint costs, and a pool that is full.
 */
@Timeout(240)
class CheckpointCrashTest {
  private static final int DISK = 16 << 20;
  private static final int FILE = 300_000;
  private static final int CREATE = OpenFlags.O_RDWR | OpenFlags.O_CREAT;

  private final PoolWorld world = new PoolWorld();

  @AfterEach
  void close() {
    world.close();
  }

  private OpenOptions options() {
    return OpenOptions.standard().withTuning(world.tuning);
  }

  private static byte[] content(int seed) {
    byte[] content = new byte[FILE];
    new Random(seed).nextBytes(content);
    return content;
  }

  private static void write(PosixFileSystem fs, String name, byte[] content) {
    try (FileHandle file = fs.paths().open(name.getBytes(UTF_8), CREATE, 0644, Caller.ROOT)) {
      file.write(0, MemorySegment.ofArray(content), 0, content.length);
    }
  }

  private static byte[] read(PosixFileSystem fs, String name) {
    try (FileHandle file =
        fs.paths().open(name.getBytes(UTF_8), OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
      byte[] content = new byte[(int) file.size()];
      int count = file.read(0, MemorySegment.ofArray(content), 0, content.length);
      return Arrays.copyOf(content, count);
    }
  }

  /** A pool whose file {@code /f} was written again, and again after its checkpoint, if it has. */
  private byte[] image(boolean withCheckpoint) {
    MemoryDisk disk = MemoryDisk.ofBytes(512, DISK);
    try (PoolEngine pool = world.create(disk)) {
      PosixFileSystem fs = world.format(pool);
      write(fs, "/f", content(1));
      write(fs, "/gone", content(3));
      pool.sync();
      if (withCheckpoint) {
        pool.takeCheckpoint();
      }
      write(fs, "/f", content(2));
      fs.paths().unlink("/gone".getBytes(UTF_8), Caller.ROOT);
      for (int i = 0; i < 6; i++) {
        write(fs, "/new" + i, content(10 + i)); // into what would be free without it
        pool.sync();
      }
      fs.close();
    }
    return disk.image();
  }

  private interface Step {
    void run(PoolEngine pool);
  }

  /** What is there after an import. */
  private record Seen(boolean checkpoint, boolean before) {}

  private Seen look(byte[] image) {
    try (PoolEngine pool = world.open(new MemoryDisk(512, image))) {
      assertThat(pool.verify(p -> {}).findings()).isEmpty();
      PosixFileSystem fs = world.mount(pool);
      byte[] now = read(fs, "/f");
      boolean before = Arrays.equals(now, content(1));
      assertThat(before || Arrays.equals(now, content(2))).isTrue();
      if (before) {
        assertThat(read(fs, "/gone")).isEqualTo(content(3));
      } else {
        assertThat(read(fs, "/new5")).isEqualTo(content(15));
      }
      fs.close();
      return new Seen(pool.checkpoint().isPresent(), before);
    }
  }

  private List<Seen> everywhere(byte[] image, OpenOptions options, Step step) {
    List<Seen> seen = new ArrayList<>();
    boolean done = false;
    for (int request = 1; !done; request++) {
      CrashDisk disk = new CrashDisk(image, request, request, false);
      try {
        PoolEngine pool = PoolEngines.open(List.of(disk), options, world.env);
        try {
          step.run(pool);
        } finally {
          closeAnyhow(pool);
        }
      } catch (PoolException e) {
        assertThat(disk.isDead()).as(String.valueOf(e)).isTrue();
      }
      done = !disk.isDead();
      seen.add(look(disk.crash()));
    }
    return seen;
  }

  private static void closeAnyhow(PoolEngine pool) {
    try {
      pool.close();
    } catch (PoolException e) {
      assertThat(e.errno()).isEqualTo(Errno.EIO);
    }
  }

  @Test
  void aReturnIsWholeOrHasNotBegun() {
    List<Seen> seen = everywhere(image(true), options().withRewind(true), pool -> {});
    assertThat(seen.getFirst()).isEqualTo(new Seen(true, false));
    assertThat(seen.getLast()).isEqualTo(new Seen(false, true));
    assertThat(seen).containsOnly(new Seen(true, false), new Seen(false, true));
  }

  @Test
  void aCheckpointIsTakenOrNot() {
    List<Seen> seen = everywhere(image(false), options(), PoolEngine::takeCheckpoint);
    assertThat(seen.getFirst()).isEqualTo(new Seen(false, false));
    assertThat(seen.getLast()).isEqualTo(new Seen(true, false));
  }

  @Test
  void aDiscardedCheckpointIsGoneOrThere() {
    List<Seen> seen = everywhere(image(true), options(), PoolEngine::discardCheckpoint);
    assertThat(seen.getFirst()).isEqualTo(new Seen(true, false));
    assertThat(seen.getLast()).isEqualTo(new Seen(false, false));
  }

  @Test
  void whatWasLeftIsNotGivenOutForTwoGroups() {
    MemoryDisk disk = new MemoryDisk(512, image(true));
    List<long[]> left = new ArrayList<>();
    try (PoolEngine pool = world.openReadOnly(disk)) {
      metaslabs(pool).forEach(metaslab -> left.add(metaslab.unfreeBits()));
    }
    PoolEngines.open(List.of(disk), options().withRewind(true), world.env).close();
    // Also when the import after that is the first to write.
    try (PoolEngine pool = world.open(disk)) {
      assertThat(free(pool, left)).isZero();
      PosixFileSystem fs = world.mount(pool);
      for (int i = 0; i < 4; i++) {
        write(fs, "/over" + i, content(30 + i));
        pool.sync();
      }
      fs.close();
      assertThat(free(pool, left)).isPositive();
      assertThat(pool.verify(p -> {}).findings()).isEmpty();
    }
  }

  private static List<Metaslab> metaslabs(PoolEngine pool) {
    return ((OpenPool) pool).parts().allocator.metaslabs();
  }

  /** How many of these sectors can be given out. */
  private static long free(PoolEngine pool, List<long[]> sectors) {
    long free = 0;
    for (int i = 0; i < sectors.size(); i++) {
      long[] unfree = metaslabs(pool).get(i).unfreeBits();
      for (int word = 0; word < unfree.length; word++) {
        free += Long.bitCount(sectors.get(i)[word] & ~unfree[word]);
      }
    }
    return free;
  }

  @Test
  void aFullPoolCanBeGoneBackFromAndItsCheckpointDiscarded() {
    for (boolean back : new boolean[] {true, false}) {
      MemoryDisk disk = new MemoryDisk(512, image(true));
      PoolEngine pool = world.open(disk);
      PosixFileSystem fs = world.mount(pool);
      long keptBefore = pool.checkpoint().orElseThrow().usedBytes();
      assertThat(keptBefore).isGreaterThan(FILE);
      fill(fs);
      // Removing gives no space back that the checkpoint has; but it goes on working.
      for (int i = 0; i < 6; i++) {
        fs.paths().unlink(("/new" + i).getBytes(UTF_8), Caller.ROOT);
        fill(fs);
      }
      fs.close();
      if (back) {
        pool.close();
        pool = PoolEngines.open(List.of(disk), options().withRewind(true), world.env);
        assertThat(read(world.mount(pool), "/f")).isEqualTo(content(1));
      } else {
        pool.discardCheckpoint();
      }
      world.assertFilesClean(pool);
      assertThat(pool.checkpoint()).isEmpty();
      pool.close();
    }
  }

  private static void fill(PosixFileSystem fs) {
    Consumer<Integer> more =
        i -> {
          byte[] one = content(100 + i);
          write(fs, "/fill" + i + "-" + System.identityHashCode(one), one);
        };
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 200; i++) {
                more.accept(i);
              }
            })
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
  }

  @Test
  void refusalsSayWhatToDo() {
    MemoryDisk disk = new MemoryDisk(512, image(false));
    refused(
        Errno.ENOENT,
        "has no checkpoint",
        () -> PoolEngines.open(List.of(disk), options().withRewind(true), world.env));
    try (PoolEngine pool = world.open(disk)) {
      refused(Errno.ENOENT, "take one with", pool::discardCheckpoint);
      CheckpointInfo taken = pool.takeCheckpoint();
      assertThat(taken.txg()).isPositive();
      refused(Errno.EEXIST, "discard it first", pool::takeCheckpoint);
      refused(Errno.EBUSY, "discard it first", pool::reguid);
      pool.discardCheckpoint();
      pool.reguid();
      pool.takeCheckpoint();
    }
    try (PoolEngine pool = world.openReadOnly(disk)) {
      assertThat(pool.checkpoint()).isPresent();
      refused(Errno.EROFS, "read-only", pool::takeCheckpoint);
      refused(Errno.EROFS, "read-only", pool::discardCheckpoint);
    }
  }

  private static void refused(
      Errno errno, String says, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            PoolException.class,
            e -> {
              assertThat(e.errno()).isEqualTo(errno);
              assertThat(e.error()).isInstanceOf(PoolError.Refused.class);
              assertThat(e.getMessage()).contains(says);
            });
  }
}
