package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static io.lcpfs.posix.TestFs.read;
import static io.lcpfs.posix.TestFs.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FileDataTest {
  private static final int RW = OpenFlags.O_RDWR | OpenFlags.O_CREAT;
  private final TestFs t = new TestFs(FsOptions.DEFAULTS.withRecordBytes(4096));

  @AfterEach
  void checked() {
    t.close();
  }

  @Test
  void everyRandomSequenceOfWritesReadsBackAsInAnArray() {
    SplittableRandom random = new SplittableRandom(42);
    byte[] model = new byte[300_000];
    int size = 0;
    try (FileHandle handle = t.open("/f", RW)) {
      for (int i = 0; i < 3000; i++) {
        int offset = random.nextInt(200_000);
        int length = random.nextInt(random.nextInt(10) == 0 ? 90_000 : 5000) + 1;
        switch (random.nextInt(7)) {
          case 0, 1, 2 -> {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            assertThat(write(handle, offset, bytes)).isEqualTo(length);
            System.arraycopy(bytes, 0, model, offset, length);
            size = Math.max(size, offset + length);
          }
          case 3 -> {
            handle.truncate(offset);
            if (offset < size) {
              Arrays.fill(model, offset, size, (byte) 0);
            }
            size = offset;
          }
          case 4 -> {
            handle.fallocate(
                OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE, offset, length);
            Arrays.fill(model, offset, offset + length, (byte) 0);
          }
          case 5 -> {
            boolean keep = random.nextBoolean();
            handle.fallocate(
                OpenFlags.FALLOC_ZERO_RANGE | (keep ? OpenFlags.FALLOC_KEEP_SIZE : 0),
                offset,
                length);
            Arrays.fill(model, offset, offset + length, (byte) 0);
            size = keep ? size : Math.max(size, offset + length);
          }
          default -> {
            byte[] expected =
                offset >= size
                    ? new byte[0]
                    : Arrays.copyOfRange(model, offset, Math.min(size, offset + length));
            assertThat(read(handle, offset, length)).isEqualTo(expected);
          }
        }
        assertThat(handle.size()).isEqualTo(size);
        if (i % 500 == 0) {
          assertThat(t.check().problems()).isEmpty();
        }
      }
      assertThat(read(handle, 0, 300_000)).isEqualTo(Arrays.copyOf(model, size));
    }
  }

  @Test
  void everyWrongUseOfAHandleHasItsErrno() {
    t.write("/f", "text");
    t.mkdir("/d");
    try (FileHandle reader = t.open("/f", OpenFlags.O_RDONLY);
        FileHandle writer = t.open("/f", OpenFlags.O_WRONLY);
        FileHandle directory = t.open("/d", OpenFlags.O_DIRECTORY)) {
      assertThat(errno(() -> write(reader, 0, b("x")))).isEqualTo(Errno.EBADF);
      assertThat(errno(() -> read(writer, 0, 1))).isEqualTo(Errno.EBADF);
      assertThat(errno(() -> reader.truncate(0))).isEqualTo(Errno.EINVAL);
      assertThat(errno(() -> writer.truncate(-1))).isEqualTo(Errno.EINVAL);
      assertThat(errno(() -> writer.truncate(Long.MAX_VALUE))).isEqualTo(Errno.EFBIG);
      assertThat(errno(() -> read(directory, 0, 1))).isEqualTo(Errno.EISDIR);
      assertThat(errno(() -> write(directory, 0, b("x")))).isEqualTo(Errno.EBADF);
      assertThat(errno(() -> read(reader, -1, 1))).isEqualTo(Errno.EINVAL);
      assertThat(errno(() -> write(writer, -1, b("x")))).isEqualTo(Errno.EINVAL);
      assertThat(errno(() -> write(writer, FileData.MAX_FILE_BYTES, b("x"))))
          .isEqualTo(Errno.EFBIG);
      assertThat(errno(() -> reader.fallocate(0, 0, 1))).isEqualTo(Errno.EBADF);
      assertThat(errno(() -> writer.fallocate(0, 0, 0))).isEqualTo(Errno.EINVAL);
      assertThat(errno(() -> writer.fallocate(0, -1, 1))).isEqualTo(Errno.EINVAL);
      assertThat(errno(() -> writer.fallocate(OpenFlags.FALLOC_PUNCH_HOLE, 0, 1)))
          .isEqualTo(Errno.EOPNOTSUPP);
      assertThat(errno(() -> writer.fallocate(8, 0, 1))).isEqualTo(Errno.EOPNOTSUPP);
      assertThat(errno(() -> writer.fallocate(0, 1, FileData.MAX_FILE_BYTES)))
          .isEqualTo(Errno.EFBIG);
      assertThat(errno(() -> reader.seekData(4))).isEqualTo(Errno.ENXIO);
      assertThat(errno(() -> reader.seekHole(-1))).isEqualTo(Errno.ENXIO);
      assertThat(read(reader, 4, 10)).isEmpty();
      assertThat(write(writer, 99, b(""))).isZero();
      assertThat(reader.size()).isEqualTo(4);
      reader.close();
      reader.close();
      assertThat(errno(() -> read(reader, 0, 1))).isEqualTo(Errno.EBADF);
    }
  }

  @Test
  void everyHoleIsFoundAndReadsAsZeros() {
    try (FileHandle handle = t.open("/f", RW)) {
      write(handle, 1L << 40, b("far"));
      write(handle, 4096 * 10, new byte[] {1});
      assertThat(handle.size()).isEqualTo((1L << 40) + 3);
      assertThat(handle.seekData(0)).isEqualTo(4096 * 10);
      assertThat(handle.seekHole(0)).isZero();
      assertThat(handle.seekHole(4096 * 10)).isEqualTo(4096 * 11);
      assertThat(handle.seekData(4096 * 11)).isEqualTo(1L << 40);
      assertThat(handle.seekHole(1L << 40)).isEqualTo((1L << 40) + 3);
      assertThat(read(handle, 1 << 30, 100_000)).containsOnly(0);
      handle.fallocate(OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE, 0, 1L << 41);
      assertThat(handle.size()).isEqualTo((1L << 40) + 3);
      assertThat(errno(() -> handle.seekData(0))).isEqualTo(Errno.ENXIO);
      handle.truncate(FileData.MAX_FILE_BYTES);
      write(handle, FileData.MAX_FILE_BYTES - 2, b("end"));
      assertThat(handle.size()).isEqualTo(FileData.MAX_FILE_BYTES);
      assertThat(read(handle, FileData.MAX_FILE_BYTES - 2, 5)).isEqualTo(b("en"));
    }
  }

  @Test
  void everyAppendGoesToTheEndWhateverTheOffset() {
    t.write("/f", "one");
    try (FileHandle a = t.open("/f", OpenFlags.O_WRONLY | OpenFlags.O_APPEND);
        FileHandle b = t.open("/f", OpenFlags.O_WRONLY)) {
      write(a, 0, b("two"));
      write(b, 0, b("O"));
      write(a, 0, b("three"));
    }
    assertThat(t.read("/f")).isEqualTo("Onetwothree");
  }

  @Test
  void everyReadSeesWholeWritesOnly() {
    int length = 3 * 4096 + 100;
    t.write("/f", "");
    AtomicBoolean stop = new AtomicBoolean();
    try (FileHandle handle = t.open("/f", RW)) {
      write(handle, 0, new byte[length]);
      List<Task<Void>> tasks = new ArrayList<>();
      tasks.add(
          t.world.fork(
              "writer",
              () -> {
                byte[] bytes = new byte[length];
                for (int i = 0; i < 3000; i++) {
                  Arrays.fill(bytes, (byte) i);
                  write(handle, 0, bytes);
                }
                stop.set(true);
              }));
      for (int reader = 0; reader < 2; reader++) {
        tasks.add(
            t.world.fork(
                "reader",
                () -> {
                  while (!stop.get()) {
                    byte[] seen = read(handle, 0, length);
                    byte first = seen[0];
                    for (byte one : seen) {
                      if (one != first) {
                        throw new AssertionError("torn read: " + first + ", " + one);
                      }
                    }
                  }
                }));
      }
      tasks.forEach(Task::join);
    }
  }

  @Test
  void everyWriteLongerThanATransactionIsWhole() {
    byte[] bytes = new byte[5 << 20];
    new SplittableRandom(1).nextBytes(bytes);
    try (FileHandle handle = t.open("/f", RW);
        Arena arena = Arena.ofConfined()) {
      MemorySegment source = arena.allocate(bytes.length + 10);
      MemorySegment.copy(bytes, 0, source, ValueLayout.JAVA_BYTE, 10, bytes.length);
      assertThat(handle.write(12_345, source, 10, bytes.length)).isEqualTo(bytes.length);
      assertThat(read(handle, 12_345, bytes.length)).isEqualTo(bytes);
    }
  }

  @Test
  void aFailedWriteLeavesNothingBeyondTheEnd() {
    int failures = 0;
    for (int call = 0; call < 12; call++) {
      String path = "/f" + call;
      try (FileHandle handle = t.open(path, RW)) {
        write(handle, 0, new byte[] {1, 2, 3});
        t.pool.failFrom(call);
        try {
          byte[] much = new byte[20_000];
          Arrays.fill(much, (byte) 9);
          write(handle, 1, much);
          t.pool.failFrom(-1);
        } catch (PoolException e) {
          t.pool.failFrom(-1);
          failures++;
          assertThat(handle.size()).isEqualTo(3);
          handle.truncate(30_000);
          assertThat(read(handle, 3, 30_000)).as("after %s", call).containsOnly(0);
        }
      }
    }
    assertThat(failures).isPositive();
  }

  @Test
  void aWriteThatLacksMemoryOnceIsTriedAgain() {
    for (int call = 0; call < 12; call++) {
      try (FileHandle handle = t.open("/again" + call, RW)) {
        write(handle, 0, new byte[] {1, 2, 3});
        t.pool.failIn(call);
        byte[] much = new byte[20_000];
        Arrays.fill(much, (byte) 9);
        for (int done = 0; done < much.length; ) {
          done += handle.write(1 + done, MemorySegment.ofArray(much), done, much.length - done);
        }
        t.pool.failIn(-1);
        assertThat(handle.size()).isEqualTo(20_001);
        assertThat(read(handle, 1, 20_000)).as("after %s", call).containsOnly(9);
      }
    }
  }

  @Test
  void aFullPoolRefusesWritesButLetsFilesGo() {
    try (TestFs small = new TestFs(FsOptions.DEFAULTS, 64L << 20)) {
      small.write("/f", "text");
      small.mkdir("/d");
      small.write("/g", "text");
      long filler = small.pool.fill();
      assertThat(errno(() -> small.touch("/new"))).isEqualTo(Errno.ENOSPC);
      try (FileHandle handle = small.open("/f", OpenFlags.O_RDWR)) {
        assertThat(errno(() -> write(handle, 0, b("x")))).isEqualTo(Errno.ENOSPC);
        handle.truncate(1);
        handle.fallocate(OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE, 0, 1);
      }
      small.rename("/f", "/g");
      small.unlink("/g");
      small.rmdir("/d");
      assertThat(small.names("/")).isEmpty();
      small.pool.free(filler);
      small.fs.sync();
      small.fs.sync();
      small.write("/f", "space again");
    }
  }

  @Test
  void theTimesFollowTheContent() {
    Attr created = t.touch("/f");
    assertThat(created.btimeNanos()).isEqualTo(created.mtimeNanos());
    try (FileHandle handle = t.open("/f", OpenFlags.O_RDWR)) {
      write(handle, 0, b("x"));
      Attr written = handle.getattr();
      assertThat(written.mtimeNanos()).isGreaterThan(created.mtimeNanos());
      assertThat(written.ctimeNanos()).isEqualTo(written.mtimeNanos());
      assertThat(written.atimeNanos()).isEqualTo(created.atimeNanos());
      read(handle, 0, 1);
      Attr first = handle.getattr();
      assertThat(first.atimeNanos()).isGreaterThan(written.mtimeNanos());
      read(handle, 0, 1);
      assertThat(handle.getattr()).as("relatime: not again").isEqualTo(first);
      t.world.wallNanos.addAndGet(86_400_000_000_000L);
      read(handle, 0, 1);
      assertThat(handle.getattr().atimeSeconds()).isGreaterThan(first.atimeSeconds());
    }
    Attr closed = t.stat("/f");
    t.reopen(t.fs.options().withAtime(FsOptions.Atime.OFF));
    assertThat(t.stat("/f")).isEqualTo(closed);
    t.world.wallNanos.addAndGet(200_000_000_000_000L);
    t.read("/f");
    assertThat(t.stat("/f")).isEqualTo(closed);
    t.fs.setOptions(t.fs.options().withAtime(FsOptions.Atime.ON));
    t.read("/f");
    long once = t.stat("/f").atimeNanos();
    t.read("/f");
    assertThat(t.stat("/f").atimeNanos()).isGreaterThan((int) once);
    t.chmod("/f", 0x180, ROOT);
    assertThat(t.stat("/f").mtimeSeconds()).isEqualTo(closed.mtimeSeconds());
    assertThat(t.stat("/f").ctimeSeconds()).isGreaterThan(closed.ctimeSeconds());
  }

  @Test
  void statfsTellsTheSpaceInBlocks() {
    Space space =
        new Space() {
          @Override
          public long totalBytes() {
            return 1L << 40;
          }

          @Override
          public long freeBytes() {
            return 1L << 39;
          }

          @Override
          public long availableBytes() {
            return 1L << 38;
          }
        };
    t.fs.setOptions(FsOptions.DEFAULTS.withSpace(space));
    StatFs stat = t.fs.statfs();
    assertThat(stat.blockBytes() * stat.totalBlocks()).isEqualTo(1L << 40);
    assertThat(stat.blockBytes() * stat.freeBlocks()).isEqualTo(1L << 39);
    assertThat(stat.blockBytes() * stat.availableBlocks()).isEqualTo(1L << 38);
    assertThat(stat.maxNameBytes()).isEqualTo(255);
  }
}
