package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FdTableTest {
  private static final int LIMIT = 24;
  private final TestFs t = new TestFs();

  @AfterEach
  void checked() {
    t.close();
  }

  private OpenFile file(String path) {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
    return new OpenFile(t.fs, t.paths.open(b(path), flags, 0x1A4, TestFs.ROOT), flags);
  }

  /** An open descriptor of the model. */
  private record Expected(OpenFile file, boolean closeOnExec) {}

  /** A step that changes table and model alike, answering what it was told. */
  private final Map<Integer, Expected> model = new TreeMap<>();

  private int lowestFree(int least) {
    int fd = least;
    while (model.containsKey(fd)) {
      fd++;
    }
    return fd;
  }

  @Test
  void everyTableAnswersAsAMapWithTheLowestFreeNumber() {
    for (int seed = 0; seed < 20; seed++) {
      model.clear();
      FdTable table = new FdTable(LIMIT);
      Random random = new Random(seed);
      for (int step = 0; step < 600; step++) {
        step(table, random);
        assertThat(table.open()).containsExactlyElementsOf(model.keySet());
      }
      for (int fd : List.copyOf(model.keySet())) {
        table.remove(fd).release();
      }
    }
  }

  private void step(FdTable table, Random random) {
    int fd = random.nextInt(LIMIT + 2) - 1;
    boolean flag = random.nextBoolean();
    switch (random.nextInt(6)) {
      case 0, 1 -> {
        if (model.size() == LIMIT) {
          assertThat(errno(table::reserve)).isEqualTo(Errno.EMFILE);
          return;
        }
        int got = table.reserve();
        assertThat(got).isEqualTo(lowestFree(0));
        assertThat(errno(() -> table.acquire(got))).isEqualTo(Errno.EBADF);
        if (random.nextInt(4) == 0) {
          table.cancel(got);
          return;
        }
        OpenFile fresh = file("/f" + random.nextInt(3));
        table.install(got, fresh, flag);
        model.put(got, new Expected(fresh, flag));
      }
      case 2 -> {
        Expected known = model.remove(fd);
        if (known == null) {
          assertThat(errno(() -> table.remove(fd))).isEqualTo(Errno.EBADF);
        } else {
          OpenFile removed = table.remove(fd);
          assertThat(removed).isSameAs(known.file);
          removed.release();
        }
      }
      case 3 -> duplicate(table, fd, random.nextInt(LIMIT), flag);
      case 4 -> replace(table, fd, random.nextInt(LIMIT), flag);
      default -> {
        Expected known = model.get(fd);
        if (known == null) {
          assertThat(errno(() -> table.closeOnExec(fd))).isEqualTo(Errno.EBADF);
          assertThat(errno(() -> table.closeOnExec(fd, flag))).isEqualTo(Errno.EBADF);
        } else {
          assertThat(table.closeOnExec(fd)).isEqualTo(known.closeOnExec);
          table.closeOnExec(fd, flag);
          model.put(fd, new Expected(known.file, flag));
          OpenFile seen = table.acquire(fd);
          assertThat(seen).isSameAs(known.file);
          assertThat(seen.handle().inode()).isEqualTo(seen.inode);
          seen.release();
        }
      }
    }
  }

  private void duplicate(FdTable table, int fd, int least, boolean flag) {
    Expected known = model.get(fd);
    if (known == null) {
      assertThat(errno(() -> table.duplicate(fd, least, flag))).isEqualTo(Errno.EBADF);
    } else if (lowestFree(least) >= LIMIT) {
      assertThat(errno(() -> table.duplicate(fd, least, flag))).isEqualTo(Errno.EMFILE);
    } else {
      int expected = lowestFree(least);
      assertThat(table.duplicate(fd, least, flag)).isEqualTo(expected);
      model.put(expected, new Expected(known.file, flag));
    }
  }

  private void replace(FdTable table, int from, int to, boolean flag) {
    Expected known = model.get(from);
    if (known == null) {
      assertThat(errno(() -> table.replace(from, to, flag))).isEqualTo(Errno.EBADF);
      return;
    }
    Expected before = model.put(to, new Expected(known.file, flag));
    OpenFile replaced = table.replace(from, to, flag);
    assertThat(replaced).isSameAs(before == null ? null : before.file);
    if (replaced != null) {
      replaced.release();
    }
  }

  @Test
  void everyCopyKeepsTheFilesOpenOnItsOwn() {
    FdTable table = new FdTable(LIMIT);
    OpenFile file = file("/f");
    table.install(table.reserve(), file, false);
    FdTable copy = table.copy();
    table.remove(0).release();
    assertThat(file.handle().size()).isZero();
    copy.remove(0).release();
    assertThat(file.tryAcquire()).isFalse();
    assertThat(errno(() -> file.handle().size())).isEqualTo(Errno.EBADF);
  }

  @Test
  void everyDescriptorThatIsBeingOpenedIsBusyForDup2() {
    FdTable table = new FdTable(LIMIT);
    table.install(table.reserve(), file("/f"), false);
    assertThat(table.reserve()).isEqualTo(1);
    assertThat(errno(() -> table.replace(0, 1, false))).isEqualTo(Errno.EBUSY);
    assertThat(errno(() -> table.replace(0, LIMIT, false))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> table.duplicate(0, LIMIT, false))).isEqualTo(Errno.EINVAL);
    table.cancel(1);
    table.remove(0).release();
  }

  @Test
  void everyCallBesideACloseEndsWellOrFindsTheDescriptorClosed() throws InterruptedException {
    FdTable table = new FdTable(LIMIT);
    AtomicInteger reads = new AtomicInteger();
    AtomicBoolean enough = new AtomicBoolean();
    List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      while (!enough.get()) {
                        reads.addAndGet(useOnce(table));
                      }
                    } catch (Throwable e) {
                      failures.add(e);
                    }
                  }));
    }
    while (reads.get() < 100 && failures.isEmpty()) {
      int fd = table.reserve();
      table.install(fd, file("/f"), false);
      table.remove(fd).release();
    }
    enough.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(failures).isEmpty();
  }

  /** 1 when descriptor 0 was open; then it has to stay so during the use. */
  private static int useOnce(FdTable table) {
    OpenFile file;
    try {
      file = table.acquire(0);
    } catch (PoolException e) {
      assertThat(e.errno()).isEqualTo(Errno.EBADF);
      return 0;
    }
    assertThat(file.handle().size()).isZero();
    file.release();
    return 1;
  }
}
