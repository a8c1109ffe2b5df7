package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ReadAheadTest {
  private static final int RECORD_BYTES = 128 << 10;
  private static final int FILE_BYTES = 8 << 20;
  private static final long CACHE_BYTES = 4 << 20;

  /** A device that counts the bytes of records that are read. */
  private static final class Counting extends Kept {
    final AtomicLong recordBytes = new AtomicLong();

    Counting(long bytes) {
      super(bytes);
    }

    @Override
    public void readBlocks(long lba, int blockCount, MemorySegment target) {
      if (target.byteSize() >= RECORD_BYTES) {
        recordBytes.addAndGet(target.byteSize());
      }
      super.readBlocks(lba, blockCount, target);
    }
  }

  @Test
  void whatIsReadAheadKeepsToAnEighthOfTheCache() {
    Counting device = new Counting(64 << 20);
    byte[] path = PathCalls.path("f");
    try (PoolWorld world = new PoolWorld()) {
      world.tuning = world.tuning.withCacheBytes(CACHE_BYTES).withDirtyBytes(CACHE_BYTES / 4);
      try (PoolEngine pool = world.create(device)) {
        PosixFileSystem files = world.format(pool);
        byte[] content = new byte[FILE_BYTES];
        new Random(1).nextBytes(content);
        int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
        try (FileHandle file = files.paths().open(path, flags, 0644, Caller.ROOT)) {
          file.write(0, MemorySegment.ofArray(content), 0, FILE_BYTES);
        }
        files.sync();
      }
      try (PoolEngine pool = world.open(device)) {
        PosixFileSystem files = world.mount(pool);
        device.recordBytes.set(0);
        MemorySegment target = MemorySegment.ofArray(new byte[2 * RECORD_BYTES]);
        try (FileHandle file = files.paths().open(path, OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
          assertThat(file.read(0, target, 0, 2 * RECORD_BYTES)).isEqualTo(2 * RECORD_BYTES);
        }
      }
      // The two records that were asked for, and at most the window behind each.
      assertThat(device.recordBytes.get())
          .isGreaterThan(2 * RECORD_BYTES)
          .isLessThanOrEqualTo(2 * RECORD_BYTES + CACHE_BYTES / 8 + RECORD_BYTES);
    }
  }
}
