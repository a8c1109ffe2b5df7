package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CacheTest {
  private final TestFs t = new TestFs();

  @AfterEach
  void checked() {
    t.close();
  }

  private static long allocatedBy(Runnable body) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    body.run();
    return threads.getCurrentThreadAllocatedBytes() - before;
  }

  @Test
  void aWarmStatAndReadAllocateNothing() {
    t.mkdir("/some");
    t.mkdir("/some/directory");
    t.write("/some/directory/file", "content");
    byte[] path = b("/some/directory/file");
    byte[] name = b("file");
    long inode = t.stat("/some/directory/file").inode();
    long directory = t.stat("/some/directory").inode();
    AttrBuffer attr = new AttrBuffer();
    MemorySegment target = MemorySegment.ofArray(new byte[100]);
    try (FileHandle handle = t.open("/some/directory/file", OpenFlags.O_RDONLY)) {
      Runnable warm =
          () -> {
            for (int i = 0; i < 20_000; i++) {
              t.paths.stat(path, true, ROOT, attr);
              t.fs.getattr(inode, attr);
              t.fs.lookup(directory, name, ROOT, attr);
              handle.read(0, target, 0, 7);
            }
          };
      warm.run();
      assertThat(allocatedBy(warm)).isLessThan(20_000);
      assertThat(attr.size).isEqualTo(7);
    }
  }

  @Test
  void concurrentChangesNeverLeaveAStaleName() {
    t.reopen(FsOptions.DEFAULTS.withCaches(20, 32));
    for (int i = 0; i < 4; i++) {
      t.mkdir("/d" + i);
    }
    List<Task<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < 4; thread++) {
      int own = thread;
      tasks.add(
          t.world.fork(
              "client",
              () -> {
                SplittableRandom random = new SplittableRandom(own);
                for (int i = 0; i < 3000; i++) {
                  String mine = "/d" + random.nextInt(4) + "/own" + own;
                  t.touch(mine);
                  assertThat(t.exists(mine)).isTrue();
                  String moved = "/d" + random.nextInt(4) + "/moved" + own;
                  t.rename(mine, moved);
                  assertThat(t.exists(mine)).isFalse();
                  assertThat(t.exists(moved)).isTrue();
                  t.unlink(moved);
                  assertThat(t.exists(moved)).isFalse();
                  String shared = "/d" + random.nextInt(4) + "/shared" + random.nextInt(3);
                  try {
                    if (random.nextBoolean()) {
                      t.write(shared, "shared");
                    } else {
                      t.unlink(shared);
                    }
                  } catch (PoolException e) {
                    assertThat(e.errno()).isEqualTo(Errno.ENOENT);
                  }
                }
              }));
    }
    tasks.forEach(Task::join);
    assertThat(t.fs.unlinkedCount()).isZero();
  }

  @Test
  void asManyFilesAreKeptAsTheBlockCacheIsLarge() {
    FsOptions small = FsOptions.DEFAULTS.withCachesBeside(64L << 20);
    assertThat(small).isEqualTo(FsOptions.DEFAULTS);
    FsOptions large = FsOptions.DEFAULTS.withCachesBeside(3L << 30);
    assertThat(large.cachedZnodes()).isEqualTo(98_304);
    assertThat(large.cachedNames()).isEqualTo(4 * 98_304);
    assertThat(FsOptions.DEFAULTS.withCachesBeside(Long.MAX_VALUE).cachedNames())
        .isEqualTo(1 << 26);
  }
}
