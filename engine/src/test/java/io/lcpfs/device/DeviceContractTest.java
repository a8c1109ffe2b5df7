package io.lcpfs.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceContractTest {
  private final ThreadEnv env = new ThreadEnv();

  @ParameterizedTest
  @ValueSource(ints = {512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536})
  void everyRamDeviceKeepsTheContract(int blockSize) {
    for (long blocks : new long[] {8, 100, 2000}) {
      assertThat(DeviceContract.check(() -> new RamDevice("ram", blockSize, blocks), blocks, env))
          .isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536})
  void everyFileDeviceKeepsTheContractBufferedAndDirect(int blockSize, @TempDir Path dir) {
    for (DirectIo mode : List.of(DirectIo.OFF, DirectIo.ON)) {
      for (boolean punch : new boolean[] {false, true}) {
        Path file = dir.resolve(mode + "-" + punch);
        FileDevice.create(file, 600L * blockSize + 100, punch);
        assertThat(
                DeviceContract.check(
                    () -> FileDevice.open(file, OpenMode.READ_WRITE, blockSize, mode, punch),
                    () -> FileDevice.open(file, OpenMode.READ_ONLY, blockSize, mode),
                    blockSize + (punch ? 1 : 0),
                    env))
            .isEmpty();
      }
    }
  }

  @Test
  void theContractIsKeptOnAFileSystemWithoutDirectIoToo(@TempDir Path dir) throws Exception {
    Path shm = Path.of("/dev/shm");
    Path place = Files.isWritable(shm) ? Files.createTempDirectory(shm, "device") : dir;
    try {
      Path file = place.resolve("disk");
      FileDevice.create(file, 1 << 20, true);
      assertThat(
              DeviceContract.check(
                  () -> FileDevice.open(file, OpenMode.READ_WRITE, 4096, DirectIo.AUTO),
                  () -> FileDevice.open(file, OpenMode.READ_ONLY, 4096, DirectIo.AUTO),
                  3,
                  env))
          .isEmpty();
    } finally {
      Files.deleteIfExists(place.resolve("disk"));
      Files.delete(place);
    }
  }

  /** A device with one mistake. */
  private static class Faulty implements BlockDevice {
    final BlockDevice inner = new RamDevice("faulty", 512, 64);

    @Override
    public void readBlocks(long lba, int blockCount, MemorySegment target) {
      inner.readBlocks(lba, blockCount, target);
    }

    @Override
    public void writeBlocks(long lba, int blockCount, MemorySegment source) {
      inner.writeBlocks(lba, blockCount, source);
    }

    @Override
    public void flush() {
      inner.flush();
    }

    @Override
    public void discard(long lba, long blockCount) {
      inner.discard(lba, blockCount);
    }

    @Override
    public int blockSize() {
      return 512;
    }

    @Override
    public long totalBlocks() {
      return 64;
    }

    @Override
    public String name() {
      return "faulty";
    }

    @Override
    public void close() {
      inner.close();
    }
  }

  @Test
  void everyPlantedMistakeIsFound() {
    MemorySegment zeros = MemorySegment.ofArray(new byte[512]);
    List<BlockDevice> mistakes = new ArrayList<>();
    mistakes.add(
        new Faulty() { // loses the last block
          @Override
          public void writeBlocks(long lba, int blockCount, MemorySegment source) {
            super.writeBlocks(lba, blockCount, source);
            if (lba + blockCount == 64) {
              super.writeBlocks(63, 1, zeros);
            }
          }
        });
    mistakes.add(
        new Faulty() { // discards one block too many
          @Override
          public void discard(long lba, long blockCount) {
            super.discard(lba, blockCount);
            if (blockCount > 0) {
              super.writeBlocks(lba + blockCount, 1, zeros);
            }
          }
        });
    mistakes.add(
        new Faulty() { // wraps around at the end
          @Override
          public void writeBlocks(long lba, int blockCount, MemorySegment source) {
            super.writeBlocks(Math.min(lba, 64 - blockCount), blockCount, source);
          }
        });
    mistakes.add(
        new Faulty() { // takes a buffer that is too long
          @Override
          public void readBlocks(long lba, int blockCount, MemorySegment target) {
            super.readBlocks(
                lba, blockCount, target.asSlice(0, Math.min(target.byteSize(), blockCount * 512L)));
          }
        });
    mistakes.add(
        new Faulty() { // cannot use heap memory
          @Override
          public void readBlocks(long lba, int blockCount, MemorySegment target) {
            super.readBlocks(lba, blockCount, target);
            if (!target.isNative() && target.byteSize() > 512) {
              target.set(
                  ValueLayout.JAVA_BYTE, 7, (byte) (target.get(ValueLayout.JAVA_BYTE, 7) + 1));
            }
          }
        });
    mistakes.add(
        new Faulty() { // tears a range
          @Override
          public void writeBlocks(long lba, int blockCount, MemorySegment source) {
            super.writeBlocks(
                lba, blockCount / 2 + 1, source.asSlice(0, (blockCount / 2 + 1) * 512L));
          }
        });
    mistakes.add(
        new Faulty() { // still answers after close
          @Override
          public void close() {}
        });
    mistakes.add(
        new Faulty() { // says the wrong capacity
          @Override
          public long capacity() {
            return 1;
          }
        });
    mistakes.add(
        new Faulty() { // cannot be flushed
          @Override
          public void flush() {
            throw new IllegalStateException("flush");
          }
        });
    for (int i = 0; i < mistakes.size(); i++) {
      BlockDevice device = mistakes.get(i);
      assertThat(DeviceContract.check(() -> device, i, env)).as("mistake %d", i).isNotEmpty();
    }
    assertThat(DeviceContract.check(Faulty::new, 0, env)).as("without one").isEmpty();
  }

  @Test
  void aDeviceThatForgetsFlushedBlocksIsFound() {
    assertThat(
            DeviceContract.check(
                () -> new RamDevice("ram", 512, 64), () -> new RamDevice("ram", 512, 64), 5, env))
        .extracting(DeviceContract.Finding::promise)
        .containsOnly("flushed blocks are there after reopening");
  }

  @Test
  void everyReadDuringACloseIsWholeOrRefused(@TempDir Path dir) {
    Path file = dir.resolve("disk");
    FileDevice.create(file, 1 << 20, true);
    for (int round = 0; round < 20; round++) {
      BlockDevice device =
          round % 2 == 0
              ? new RamDevice("ram", 4096, 256)
              : FileDevice.open(file, OpenMode.READ_WRITE, 4096, DirectIo.AUTO);
      List<Task<Void>> readers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        readers.add(
            env.fork(
                "reader",
                () -> {
                  MemorySegment block = MemorySegment.ofArray(new byte[4096]);
                  assertThatThrownBy(
                          () -> {
                            while (true) {
                              device.writeBlocks(7, 1, block);
                              device.readBlocks(7, 1, block);
                            }
                          })
                      .isInstanceOfSatisfying(
                          PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
                }));
      }
      device.close();
      readers.forEach(Task::join);
    }
  }
}
