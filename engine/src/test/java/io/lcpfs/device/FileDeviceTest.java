package io.lcpfs.device;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileDeviceTest {
  private static final int BLOCK = 4096;

  @TempDir private Path dir;

  private Path file(String name, long bytes) {
    Path file = dir.resolve(name);
    FileDevice.create(file, bytes, false);
    return file;
  }

  private static void refused(Runnable call, Errno errno, String... words) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            PoolException.class,
            e -> {
              assertThat(e.errno()).isEqualTo(errno);
              for (String word : words) {
                assertThat(e.getMessage()).contains(word);
              }
            });
  }

  @Test
  void everySecondOpenerInThisProcessIsRefused() throws Exception {
    Path file = file("disk", 1 << 20);
    Path link = Files.createLink(dir.resolve("hard link"), file);
    Path symlink = Files.createSymbolicLink(dir.resolve("symlink"), file);
    try (FileDevice owner = FileDevice.open(file, OpenMode.READ_WRITE, BLOCK, DirectIo.AUTO)) {
      for (Path path : List.of(file, link, symlink)) {
        for (OpenMode mode : List.of(OpenMode.READ_WRITE, OpenMode.READ_ONLY)) {
          refused(
              () -> FileDevice.open(path, mode, BLOCK, DirectIo.AUTO).close(),
              Errno.EBUSY,
              path.toString(),
              "in use",
              "export it");
        }
        FileDevice.open(path, OpenMode.PROBE, BLOCK, DirectIo.AUTO).close();
      }
      owner.flush();
    }
    FileDevice.open(link, OpenMode.READ_WRITE, BLOCK, DirectIo.OFF).close();
  }

  @Test
  void everyReaderSharesWithReadersAndKeepsWritersOut() {
    Path file = file("disk", 1 << 20);
    try (FileDevice one = FileDevice.open(file, OpenMode.READ_ONLY, BLOCK, DirectIo.AUTO)) {
      FileDevice.open(file, OpenMode.READ_ONLY, BLOCK, DirectIo.AUTO).close();
      refused(
          () -> FileDevice.open(file, OpenMode.READ_WRITE, BLOCK, DirectIo.AUTO).close(),
          Errno.EBUSY);
      MemorySegment block = MemorySegment.ofArray(new byte[BLOCK]);
      refused(() -> one.writeBlocks(0, 1, block), Errno.EROFS);
      refused(() -> one.discard(0, 1), Errno.EROFS);
      assertThat(one.readOnly()).isTrue();
      one.flush();
    }
    FileDevice.open(file, OpenMode.READ_WRITE, BLOCK, DirectIo.AUTO).close();
  }

  @Test
  void anotherProcessIsRefusedEvenAfterAnotherChannelToTheFileWasClosed() throws Exception {
    Path file = file("disk", 1 << 20);
    Path opener = dir.resolve("Opener.java");
    Files.writeString(
        opener,
        """
        import io.lcpfs.device.*;
        class Opener {
          public static void main(String[] args) {
            try {
              FileDevice.open(
                  java.nio.file.Path.of(args[0]), OpenMode.READ_WRITE, 4096, DirectIo.AUTO).close();
              System.out.println("opened");
            } catch (io.lcpfs.error.PoolException e) {
              System.out.println(e.errno() + " " + e.getMessage());
            }
          }
        }
        """);
    try (FileDevice owner = FileDevice.open(file, OpenMode.READ_WRITE, BLOCK, DirectIo.AUTO)) {
      FileChannel.open(file, StandardOpenOption.WRITE).close();
      assertThat(openElsewhere(opener, file))
          .startsWith("EBUSY")
          .contains("in use by another process; export it there first");
      owner.flush();
    }
    assertThat(openElsewhere(opener, file)).startsWith("opened");
  }

  private String openElsewhere(Path opener, Path file) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                opener.toString(),
                file.toString())
            .redirectError(dir.resolve("stderr").toFile())
            .start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return said;
  }

  @Test
  void creatingNeverTouchesAFileThatExists() throws Exception {
    Path file = Files.writeString(dir.resolve("letter"), "dear");
    refused(() -> FileDevice.create(file, 1 << 20, false), Errno.EEXIST, "letter");
    assertThat(Files.readString(file)).isEqualTo("dear");
    refused(() -> FileDevice.create(dir.resolve("no/such"), 1 << 20, false), Errno.ENOENT);
  }

  @Test
  void aFileThatDoesNotFitIsRefusedAndLeavesNothing() {
    Path file = dir.resolve("huge");
    refused(() -> FileDevice.create(file, 1L << 43, true), Errno.ENOSPC, "huge");
    assertThat(file).doesNotExist();
  }

  @Test
  void preallocationTakesTheSpaceAndASparseFileDoesNot() throws Exception {
    Path sparse = file("sparse", 8 << 20);
    Path full = dir.resolve("full");
    FileDevice.create(full, 8 << 20, true);
    assertThat(allocatedBytes(sparse)).isLessThan(1 << 20);
    assertThat(allocatedBytes(full)).isGreaterThanOrEqualTo(8 << 20);
    assertThat(Files.size(sparse)).isEqualTo(Files.size(full)).isEqualTo(8 << 20);
  }

  private static long allocatedBytes(Path file) throws Exception {
    Process stat = new ProcessBuilder("stat", "-c", "%b", file.toString()).start();
    return Long.parseLong(new String(stat.getInputStream().readAllBytes(), UTF_8).strip()) * 512;
  }

  @Test
  void aDiscardGivesSpaceBackOnlyWhereAsked() throws Exception {
    for (boolean punch : new boolean[] {false, true}) {
      Path file = dir.resolve("punched-" + punch);
      FileDevice.create(file, 8 << 20, true);
      try (FileDevice device =
          FileDevice.open(file, OpenMode.READ_WRITE, BLOCK, DirectIo.AUTO, punch)) {
        device.discard(16, 1024);
      }
      assertThat(allocatedBytes(file)).isEqualTo((8L << 20) - (punch ? 4L << 20 : 0));
      assertThat(Files.size(file)).isEqualTo(8 << 20);
    }
  }

  @Test
  void whatIsNoDeviceIsRefusedWithItsReason() throws Exception {
    refused(() -> open(dir), Errno.EISDIR);
    refused(() -> open(dir.resolve("none")), Errno.ENOENT, "none does not exist");
    refused(() -> open(Path.of("/dev/null")), Errno.EINVAL, "neither a file nor a block device");
    Path tooShort = Files.writeString(dir.resolve("short"), "x");
    refused(() -> open(tooShort), Errno.EINVAL, "smaller");
    Path pipe = dir.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    refused(() -> open(pipe), Errno.EINVAL, "pipe");
    Path file = file("odd", 1 << 20);
    refused(() -> FileDevice.open(file, OpenMode.READ_WRITE, 1000, DirectIo.AUTO), Errno.EINVAL);
    refused(() -> FileDevice.open(file, OpenMode.READ_WRITE, 131_072, DirectIo.AUTO), Errno.EINVAL);
    open(file); // and none of the refusals left a claim behind
  }

  private static void open(Path path) {
    FileDevice.open(path, OpenMode.READ_WRITE, BLOCK, DirectIo.AUTO).close();
  }

  @Test
  void aFullFileSystemUnderASparseFileIsSaidSo() throws Exception {
    try (Mount small = Mount.tmpfs(dir.resolve("small"), 1 << 20)) {
      Path file = small.path().resolve("disk");
      FileDevice.create(file, 64 << 20, false);
      try (FileDevice device = FileDevice.open(file, OpenMode.READ_WRITE, BLOCK, DirectIo.OFF);
          Arena arena = Arena.ofConfined()) {
        MemorySegment blocks = arena.allocate(4 << 20, 4096).fill((byte) 1);
        assertThatThrownBy(() -> device.writeBlocks(0, 1024, blocks))
            .isInstanceOfSatisfying(
                PoolException.class,
                e -> {
                  assertThat(e.error()).isInstanceOf(PoolError.DeviceFailed.class);
                  assertThat(e.getMessage())
                      .contains("the file system that holds this file is full", "free space there");
                });
      }
    }
  }

  @Test
  void aFileCutShortUnderTheDeviceIsAFailureAndNotZeros() throws Exception {
    Path file = file("disk", 1 << 20);
    try (FileDevice device = FileDevice.open(file, OpenMode.READ_WRITE, BLOCK, DirectIo.AUTO);
        FileChannel other = FileChannel.open(file, StandardOpenOption.WRITE)) {
      other.truncate(10 * BLOCK + 5);
      MemorySegment block = MemorySegment.ofArray(new byte[BLOCK]);
      device.readBlocks(9, 1, block);
      assertThatThrownBy(() -> device.readBlocks(10, 1, block))
          .isInstanceOfSatisfying(
              PoolException.class,
              e -> assertThat(e.error()).isInstanceOf(PoolError.DeviceFailed.class))
          .hasMessageContaining("shorter");
    }
  }

  @Test
  void bytesBeyondTheLastWholeBlockAreLeftAlone() throws Exception {
    Path file = dir.resolve("tail");
    byte[] content = new byte[10 * BLOCK + 77];
    java.util.Arrays.fill(content, (byte) 7);
    Files.write(file, content);
    try (FileDevice device = FileDevice.open(file, OpenMode.READ_WRITE, BLOCK, DirectIo.AUTO)) {
      assertThat(device.totalBlocks()).isEqualTo(10);
      for (int lba = 0; lba < 10; lba++) {
        device.writeBlocks(lba, 1, MemorySegment.ofArray(new byte[BLOCK]));
      }
      device.flush();
    }
    byte[] after = Files.readAllBytes(file);
    assertThat(after).hasSize(content.length).endsWith((byte) 7);
    for (int i = 0; i < after.length; i++) {
      assertThat(after[i]).isEqualTo((byte) (i < 10 * BLOCK ? 0 : 7));
    }
  }

  @Test
  void aBlockDeviceIsOpenedWithItsSizeAndKeepsTheContract() throws Exception {
    Path file = file("image", 8 << 20);
    try (Loop loop = Loop.of(file)) {
      Path node = loop.path();
      for (DirectIo mode : List.of(DirectIo.OFF, DirectIo.AUTO)) {
        assertThat(
                DeviceContract.check(
                    () -> FileDevice.open(node, OpenMode.READ_WRITE, BLOCK, mode),
                    () -> FileDevice.open(node, OpenMode.READ_ONLY, BLOCK, mode),
                    9,
                    new ThreadEnv()))
            .isEmpty();
      }
      try (FileDevice device = FileDevice.open(node, OpenMode.READ_WRITE, BLOCK, DirectIo.AUTO)) {
        assertThat(device.special()).isTrue();
        assertThat(device.capacity()).isEqualTo(8 << 20);
        refused(() -> open(node), Errno.EBUSY, "in use");
        MemorySegment block = MemorySegment.ofArray(new byte[BLOCK]);
        block.set(ValueLayout.JAVA_BYTE, 0, (byte) 9);
        device.writeBlocks(2047, 1, block);
        device.flush();
      }
      open(node);
    }
    assertThat(Files.readAllBytes(file)[2047 * BLOCK]).isEqualTo((byte) 9);
  }
}
