package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.RamDevice;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Records of a quarter or a half of the cache, in files that several threads write and read at
 * random: whoever lacks memory waits for it, nobody is refused, and no group fails to get to disk.
 */
@Timeout(180)
class LargeRecordsSmallMemoryTest {
  private static final int THREADS = 4;
  private static final int STEPS = 80;

  private final PoolWorld world = new PoolWorld();

  @AfterEach
  void close() {
    world.close();
  }

  @ParameterizedTest
  @CsvSource({"4, 1", "32, 16"})
  void nobodyIsRefused(int cacheMib, int recordMib) throws Exception {
    int cache = cacheMib << 20;
    world.tuning = world.tuning.withCacheBytes(cache).withDirtyBytes(cache / 2);
    RamDevice disk = new RamDevice("ram", 512, (1024L << 20) / 512);
    try (PoolEngine pool = world.create(disk)) {
      world.format(pool).close();
      PosixFileSystem fs =
          PosixFileSystem.open(
              PoolWorld.objects(pool),
              world.env,
              FsOptions.DEFAULTS.withRecordBytes(recordMib << 20));
      try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
        List<Callable<Integer>> work = new ArrayList<>();
        for (int thread = 0; thread < THREADS; thread++) {
          int number = thread;
          work.add(() -> writeAndRead(fs, number, 3 * (recordMib << 20) + 12_345));
        }
        for (Future<Integer> worker : threads.invokeAll(work)) {
          assertThat(worker.get()).isPositive();
        }
      }
      world.assertFilesClean(pool);
      fs.close();
    }
  }

  @Test
  void whatThereIsNoMemoryToCompressIsStoredAsItIs() {
    AtomicBoolean refusing = new AtomicBoolean();
    world.tuning =
        world.tuning.withGate((bytes, forSync) -> !(refusing.get() && forSync && bytes > 64 << 10));
    RamDevice disk = new RamDevice("ram", 512, (64L << 20) / 512);
    try (PoolEngine pool = world.create(disk)) {
      PosixFileSystem fs = world.format(pool);
      byte[] content = new byte[1 << 20];
      Arrays.fill(content, (byte) 'x');
      long before = pool.dataset("").referencedBytes();
      refusing.set(true);
      int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT;
      try (FileHandle file = fs.paths().open("f".getBytes(UTF_8), flags, 0644, Caller.ROOT)) {
        file.write(0, MemorySegment.ofArray(content), 0, content.length);
        pool.sync();
        refusing.set(false);
        assertThat(pool.dataset("").referencedBytes() - before).isGreaterThan(content.length);
        byte[] seen = new byte[content.length];
        file.read(0, MemorySegment.ofArray(seen), 0, seen.length);
        assertThat(seen).isEqualTo(content);
      }
      world.assertFilesClean(pool);
      fs.close();
    }
  }

  private static int writeAndRead(PosixFileSystem fs, int number, int size) {
    Random random = new Random(number);
    byte[] model = new byte[size];
    byte[] seen = new byte[size];
    int reads = 0;
    byte[] path = ("file" + number).getBytes(UTF_8);
    int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT;
    try (FileHandle file = fs.paths().open(path, flags, 0644, Caller.ROOT)) {
      for (int step = 0; step < STEPS; step++) {
        int from = random.nextInt(size);
        int length = 1 + random.nextInt(Math.min(size - from, 700_000));
        if (random.nextInt(3) > 0) {
          for (int i = 0; i < length; i++) {
            // Bytes of which some blocks shrink: compression takes memory of its own.
            model[from + i] = (byte) (random.nextInt() & (number % 2 == 0 ? 0xff : 0x3));
          }
          for (int done = 0; done < length; ) {
            done +=
                file.write(
                    (long) from + done, MemorySegment.ofArray(model), from + done, length - done);
          }
        } else {
          int end = (int) file.size();
          int count = file.read(from, MemorySegment.ofArray(seen), from, length);
          assertThat(count).isEqualTo(Math.clamp(end - from, 0, length));
          assertThat(Arrays.equals(seen, from, from + count, model, from, from + count)).isTrue();
          reads++;
        }
      }
    }
    return reads;
  }
}
