package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileChange;
import io.lcpfs.posix.FileDiff;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a comparison reads follows what changed, not what there is. */
@Timeout(120)
class DiffCostTest {
  private static final int DIRECTORIES = 20;
  private static final int FILES = 500;

  /** Counts the bytes that are read. */
  private record Counting(MemoryDisk disk, AtomicLong bytes) implements BlockDevice {
    @Override
    public void readBlocks(long lba, int blockCount, MemorySegment target) {
      bytes.addAndGet((long) blockCount * disk.blockSize());
      disk.readBlocks(lba, blockCount, target);
    }

    @Override
    public void writeBlocks(long lba, int blockCount, MemorySegment source) {
      disk.writeBlocks(lba, blockCount, source);
    }

    @Override
    public void flush() {
      disk.flush();
    }

    @Override
    public void discard(long lba, long blockCount) {
      disk.discard(lba, blockCount);
    }

    @Override
    public int blockSize() {
      return disk.blockSize();
    }

    @Override
    public long totalBlocks() {
      return disk.totalBlocks();
    }

    @Override
    public String name() {
      return disk.name();
    }

    @Override
    public void close() {
      disk.close();
    }
  }

  private static byte[] b(String path) {
    return path.getBytes(UTF_8);
  }

  private static void create(PosixFileSystem fs, String path) {
    fs.paths().open(b(path), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0644, Caller.ROOT).close();
  }

  @Test
  void oneNameAmongTenThousandFilesReadsLittle() {
    try (PoolWorld world = new PoolWorld()) {
      AtomicLong bytes = new AtomicLong();
      Counting disk = new Counting(MemoryDisk.ofBytes(512, 128 << 20), bytes);
      try (PoolEngine pool = world.create(disk)) {
        PosixFileSystem fs = world.format(pool);
        for (int d = 0; d < DIRECTORIES; d++) {
          fs.paths().mkdir(b("/d" + d), 0755, Caller.ROOT);
          for (int i = 0; i < FILES; i++) {
            create(fs, "/d" + d + "/a-name-of-some-length-" + i);
          }
        }
        pool.snapshot(List.of(""), "a");
        fs.paths().unlink(b("/d3/a-name-of-some-length-7"), Caller.ROOT);
        create(fs, "/d4/new");
        pool.snapshot(List.of(""), "b");
        fs.close();
      }
      try (PoolEngine pool = world.open(disk)) {
        PosixFileSystem before = view(world, pool, "a");
        PosixFileSystem after = view(world, pool, "b");
        long start = bytes.get();
        List<String> told = new ArrayList<>();
        FileDiff.between(before, after, change -> told.add(line(change)));
        assertThat(told)
            .containsExactlyInAnyOrder(
                "M /d3", "M /d4", "- /d3/a-name-of-some-length-7", "+ /d4/new");
        assertThat(bytes.get() - start).as("bytes read").isLessThan(320 << 10);
        before.close();
        after.close();
      }
    }
  }

  private static String line(FileChange change) {
    return change.kind().letter() + " " + new String(change.path(), UTF_8);
  }

  private static PosixFileSystem view(PoolWorld world, PoolEngine pool, String name) {
    return PosixFileSystem.open(
        pool.snapshotObjects("", name), world.env, FsOptions.DEFAULTS.withReadOnly(true));
  }
}
