package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static io.lcpfs.posix.TestFs.read;
import static io.lcpfs.posix.TestFs.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Reading without copying: what the sink is shown, when, and what stays behind. */
class ReadToTest {
  private static final int RW = OpenFlags.O_RDWR | OpenFlags.O_CREAT;
  private static final int MOST_SLICES = 512;

  private final ReadSlices slices = new ReadSlices(MOST_SLICES);

  private static byte[] copyOf(ReadSlices slices) {
    byte[] all = new byte[slices.bytes()];
    int at = 0;
    for (int i = 0; i < slices.count(); i++) {
      assertThat(slices.segment(i).isNative()).isTrue();
      int length = slices.length(i);
      MemorySegment.copy(
          slices.segment(i), ValueLayout.JAVA_BYTE, slices.offset(i), all, at, length);
      at += length;
    }
    assertThat(at).isEqualTo(all.length);
    return all;
  }

  /** What the sink was shown; null when the range is to be copied. */
  private byte @Nullable [] readTo(FileHandle handle, long offset, int length) {
    List<byte[]> shown = new ArrayList<>();
    int answer = handle.readTo(offset, length, slices, seen -> shown.add(copyOf(seen)));
    if (answer == FileHandle.COPY_INSTEAD) {
      assertThat(shown).isEmpty();
      return null;
    }
    assertThat(shown).hasSize(answer == 0 ? 0 : 1);
    byte[] bytes = answer == 0 ? new byte[0] : shown.getFirst();
    assertThat(bytes).hasSize(answer);
    assertThat(slices.count()).as("slices left in use").isZero();
    return bytes;
  }

  private void compare(FileHandle handle, SplittableRandom random, int recordBytes) {
    int size = (int) handle.size();
    int shown = 0;
    for (int i = 0; i < 60; i++) {
      long offset = random.nextInt(size + 2000);
      if (random.nextBoolean()) {
        offset = offset / 4096 * 4096;
      }
      int length = random.nextInt(random.nextBoolean() ? 10_000 : 1 << 20);
      byte[] seen = readTo(handle, offset, length);
      long blocks = length / recordBytes + 2L;
      assertThat(seen != null || blocks > MOST_SLICES).isTrue();
      if (seen != null) {
        assertThat(seen).isEqualTo(read(handle, offset, length));
        shown++;
      }
    }
    assertThat(shown).isPositive();
  }

  @Test
  void everyRangeIsShownAsItIsCopied() {
    for (int recordBytes : new int[] {512, 4096, 16 << 10, 128 << 10, 1 << 20}) {
      try (TestFs t = new TestFs(FsOptions.DEFAULTS.withRecordBytes(recordBytes))) {
        SplittableRandom random = new SplittableRandom(recordBytes);
        try (FileHandle handle = t.open("/f", RW)) {
          for (int round = 0; round < 6; round++) {
            churn(handle, random);
            compare(handle, random, recordBytes);
            if (round % 2 == 1) {
              t.fs.sync();
              compare(handle, random, recordBytes);
            }
          }
        }
        t.reimport();
        try (FileHandle handle = t.open("/f", RW)) {
          compare(handle, random, recordBytes);
          churn(handle, random);
          compare(handle, random, recordBytes);
        }
      }
    }
  }

  private static void churn(FileHandle handle, SplittableRandom random) {
    byte[] bytes = new byte[1 + random.nextInt(400_000)];
    random.nextBytes(bytes);
    write(handle, random.nextInt(3 << 20), bytes);
    int punch = OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE;
    handle.fallocate(punch, random.nextInt(3 << 20), 1 + random.nextInt(300_000));
    write(handle, random.nextInt(3 << 20), Arrays.copyOf(bytes, 100));
    if (random.nextInt(3) == 0) {
      handle.truncate(handle.size() - random.nextInt(50_000));
      handle.truncate(handle.size() + random.nextInt(500_000));
    }
  }

  @Test
  void everySmallFileIsShownWhole() {
    try (TestFs t = new TestFs()) {
      for (int size : new int[] {0, 1, 100, 511, 512, 513, 2000, 5000, 70_000}) {
        byte[] bytes = new byte[size];
        new SplittableRandom(size).nextBytes(bytes);
        try (FileHandle handle = t.open("/f" + size, RW)) {
          write(handle, 0, bytes);
        }
      }
      t.reimport();
      for (int size : new int[] {0, 1, 100, 511, 512, 513, 2000, 5000, 70_000}) {
        try (FileHandle handle = t.open("/f" + size, OpenFlags.O_RDONLY)) {
          byte[] bytes = new byte[size];
          new SplittableRandom(size).nextBytes(bytes);
          assertThat(readTo(handle, 0, 128 << 10)).isEqualTo(bytes);
          assertThat(readTo(handle, size, 128 << 10)).isEmpty();
          assertThat(readTo(handle, Long.MAX_VALUE, 128 << 10)).isEmpty();
          assertThat(readTo(handle, 0, 0)).isEmpty();
        }
      }
    }
  }

  @Test
  void everySinkSeesWholeWritesOnly() {
    int length = 9 * 4096 + 100;
    try (TestFs t = new TestFs(FsOptions.DEFAULTS.withRecordBytes(4096));
        FileHandle handle = t.open("/f", RW)) {
      write(handle, 0, new byte[length]);
      AtomicBoolean stop = new AtomicBoolean();
      List<Task<Void>> tasks = new ArrayList<>();
      tasks.add(t.world.fork("writer", () -> writeInTurn(handle, length, stop)));
      // Syncs make writers copy blocks, and free the old ones, which poison fills.
      tasks.add(
          t.world.fork(
              "syncer",
              () -> {
                while (!stop.get()) {
                  t.fs.sync();
                }
              }));
      for (int reader = 0; reader < 2; reader++) {
        tasks.add(
            t.world.fork(
                "reader",
                () -> {
                  ReadSlices own = new ReadSlices(MOST_SLICES);
                  while (!stop.get()) {
                    assertThat(handle.readTo(0, length, own, ReadToTest::refuseTorn))
                        .isEqualTo(length);
                  }
                }));
      }
      tasks.forEach(Task::join);
    }
  }

  private static void writeInTurn(FileHandle handle, int length, AtomicBoolean stop) {
    byte[] bytes = new byte[length];
    try {
      for (int i = 0; i < 3000; i++) {
        Arrays.fill(bytes, (byte) (i % 100));
        write(handle, 0, bytes);
      }
    } finally {
      stop.set(true);
    }
  }

  private static void refuseTorn(ReadSlices seen) {
    byte[] first = copyOf(seen);
    for (byte one : first) {
      if (one != first[0] || one >= 100) {
        throw new AssertionError("torn read: " + first[0] + ", " + one);
      }
    }
    if (!Arrays.equals(first, copyOf(seen))) {
      throw new AssertionError("written to while the sink looks at it");
    }
  }

  @Test
  void aSinkThatThrowsLeavesNothingPinned() {
    int mebibytes = 100; // more than the cache has room for
    try (TestFs t = new TestFs();
        FileHandle handle = t.open("/f", RW)) {
      byte[] bytes = new byte[1 << 20];
      for (int i = 0; i < mebibytes; i++) {
        Arrays.fill(bytes, (byte) i);
        write(handle, (long) i << 20, bytes);
      }
      for (int i = 0; i < 2 * mebibytes; i++) {
        long offset = (long) (i % mebibytes) << 20;
        assertThatThrownBy(
                () ->
                    handle.readTo(
                        offset,
                        1 << 20,
                        slices,
                        seen -> {
                          throw new IllegalStateException("sink");
                        }))
            .isInstanceOf(IllegalStateException.class);
        assertThat(slices.count()).isZero();
      }
      Arrays.fill(bytes, (byte) 7);
      assertThat(readTo(handle, 7 << 20, 1 << 20)).isEqualTo(bytes);
      write(handle, 0, bytes); // and no lock is held
    }
  }

  @Test
  void everyRangeThatIsTooMuchIsLeftToCopying() {
    try (TestFs t = new TestFs(FsOptions.DEFAULTS.withRecordBytes(4096));
        FileHandle handle = t.open("/f", RW)) {
      handle.truncate(64 << 20);
      write(handle, 0, new byte[4096 * (MOST_SLICES + 1)]);
      assertThat(readTo(handle, 0, 4096 * MOST_SLICES)).hasSize(4096 * MOST_SLICES);
      assertThat(readTo(handle, 1, 4096 * MOST_SLICES)).isNull();
      assertThat(readTo(handle, 0, 4096 * MOST_SLICES + 1)).isNull();
    }
    try (TestFs t = new TestFs(FsOptions.DEFAULTS.withRecordBytes(1 << 20));
        FileHandle handle = t.open("/f", RW)) {
      byte[] bytes = new byte[24 << 20];
      Arrays.fill(bytes, (byte) 1);
      write(handle, 0, bytes);
      int quarter = 16 << 20; // of all memory, of which the cache has most
      assertThat(readTo(handle, 0, quarter / 2)).hasSize(quarter / 2);
      assertThat(readTo(handle, 0, quarter + 1)).isNull();
      assertThat(readTo(handle, 0, quarter / 2)).hasSize(quarter / 2);
    }
  }

  @Test
  void aRangeForWhichMemoryIsRefusedIsLeftToCopying() {
    try (TestFs t = new TestFs(FsOptions.DEFAULTS.withRecordBytes(128 << 10))) {
      byte[] bytes = new byte[100_000];
      new SplittableRandom(3).nextBytes(bytes);
      try (FileHandle handle = t.open("/f", RW)) {
        write(handle, 0, bytes);
      }
      int refused = 0;
      for (int call = 0; call < 5; call++) {
        t.reimport();
        try (FileHandle handle = t.open("/f", RW)) {
          t.pool.failIn(call);
          byte[] seen = readTo(handle, 0, bytes.length);
          t.pool.failIn(-1);
          refused += seen == null ? 1 : 0;
          assertThat(readTo(handle, 0, bytes.length)).isEqualTo(bytes);
        }
      }
      assertThat(refused).isPositive();
    }
  }

  @Test
  void aDamagedBlockIsAnErrorBeforeAnythingIsShown() {
    try (TestFs t = new TestFs(FsOptions.DEFAULTS.withRecordBytes(4096))) {
      byte[] bytes = new byte[20 * 4096];
      new SplittableRandom(11).nextBytes(bytes);
      try (FileHandle handle = t.open("/f", RW)) {
        write(handle, 0, bytes);
      }
      t.reimport();
      assertThat(t.pool.damage(Arrays.copyOfRange(bytes, 10 * 4096, 11 * 4096))).isPositive();
      try (FileHandle handle = t.open("/f", RW)) {
        for (int i = 0; i < 100; i++) {
          assertThat(errno(() -> readTo(handle, 0, bytes.length))).isEqualTo(Errno.EIO);
          assertThat(slices.count()).isZero();
        }
        assertThat(readTo(handle, 0, 10 * 4096)).isEqualTo(Arrays.copyOf(bytes, 10 * 4096));
        write(handle, 10 * 4096, Arrays.copyOfRange(bytes, 10 * 4096, 11 * 4096));
        assertThat(readTo(handle, 0, bytes.length)).isEqualTo(bytes);
      }
    }
  }

  @Test
  void everyWrongUseHasItsErrnoAndTheTimeOfAccessIsKept() {
    try (TestFs t = new TestFs()) {
      t.write("/f", "text");
      t.mkdir("/d");
      FileHandle reader = t.open("/f", OpenFlags.O_RDONLY);
      try (FileHandle writer = t.open("/f", OpenFlags.O_WRONLY);
          FileHandle directory = t.open("/d", OpenFlags.O_DIRECTORY)) {
        assertThat(errno(() -> readTo(writer, 0, 1))).isEqualTo(Errno.EBADF);
        assertThat(errno(() -> readTo(directory, 0, 1))).isEqualTo(Errno.EISDIR);
        assertThat(errno(() -> readTo(reader, -1, 1))).isEqualTo(Errno.EINVAL);
        assertThat(errno(() -> readTo(reader, 0, -1))).isEqualTo(Errno.EINVAL);
      }
      int before = reader.getattr().atimeNanos();
      assertThat(readTo(reader, 0, 10)).isEqualTo(b("text"));
      assertThat(reader.getattr().atimeNanos()).isGreaterThan(before);
      reader.close();
      assertThat(errno(() -> readTo(reader, 0, 1))).isEqualTo(Errno.EBADF);
    }
  }

  @Test
  void closingTheFileSystemWaitsForSinks() {
    try (TestFs t = new TestFs();
        FileHandle handle = t.open("/f", RW)) {
      write(handle, 0, new byte[100_000]);
      AtomicBoolean closed = new AtomicBoolean();
      List<Task<Void>> closer = new ArrayList<>();
      handle.readTo(
          0,
          100_000,
          slices,
          seen -> {
            closer.add(
                t.world.fork(
                    "closer",
                    () -> {
                      t.reopen(FsOptions.DEFAULTS);
                      closed.set(true);
                    }));
            t.world.sleep(50_000_000);
            assertThat(closed).isFalse();
          });
      closer.forEach(Task::join);
      assertThat(closed).isTrue();
      assertThat(errno(() -> readTo(handle, 0, 1))).isEqualTo(Errno.EBADF);
    }
  }
}
