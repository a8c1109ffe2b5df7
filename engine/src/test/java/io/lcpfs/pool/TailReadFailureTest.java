package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Small contents share a block, and the device fails when a group is to write it anew. */
class TailReadFailureTest {
  private final PoolWorld world = new PoolWorld();
  private final MemoryDisk disk = MemoryDisk.ofBytes(512, 64 << 20);

  @AfterEach
  void close() {
    world.close();
  }

  private static void write(PosixFileSystem fs, String path, String content) {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_TRUNC | OpenFlags.O_RDWR;
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    try (FileHandle file = fs.paths().open(PathCalls.path(path), flags, 0644, Caller.ROOT)) {
      assertThat(file.write(0, MemorySegment.ofArray(bytes), 0, bytes.length))
          .isEqualTo(bytes.length);
    }
  }

  private static String read(PosixFileSystem fs, String path) {
    byte[] bytes = new byte[100];
    try (FileHandle file =
        fs.paths().open(PathCalls.path(path), OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
      int count = file.read(0, MemorySegment.ofArray(bytes), 0, bytes.length);
      return new String(bytes, 0, count, StandardCharsets.UTF_8);
    }
  }

  private void changeWhileReadsFail(int failures) {
    try (PoolEngine pool = world.create(disk)) {
      PosixFileSystem fs = world.format(pool);
      write(fs, "/kept", "stays as it is");
      write(fs, "/changed", "before");
      fs.close();
    }
    try (PoolEngine pool = world.open(disk)) {
      PosixFileSystem fs = world.mount(pool);
      write(fs, "/changed", "after");
      disk.failReads(failures);
      pool.sync();
      disk.failReads(0);
      assertThat(read(fs, "/changed")).isEqualTo("after");
      assertThat(read(fs, "/kept")).isEqualTo("stays as it is");
      fs.close();
    }
    try (PoolEngine pool = world.open(disk)) {
      PosixFileSystem fs = world.mount(pool);
      assertThat(read(fs, "/changed")).isEqualTo("after");
      assertThat(read(fs, "/kept")).isEqualTo("stays as it is");
      fs.close();
    }
  }

  @Test
  void aDeviceThatFailsOnceIsAskedAgain() {
    changeWhileReadsFail(1);
    try (PoolEngine pool = world.open(disk)) {
      PoolWorld.assertClean(pool);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void aDeviceThatGoesOnFailingCostsNoContent(int failures) {
    changeWhileReadsFail(failures);
    try (PoolEngine pool = world.open(disk)) {
      assertThat(pool.verify(progress -> {}).findings())
          .allMatch(finding -> finding.what().matches("slot \\d+ has \\d+ bytes, .* has 0 in it"));
    }
  }
}
