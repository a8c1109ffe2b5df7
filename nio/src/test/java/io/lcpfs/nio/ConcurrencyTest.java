package io.lcpfs.nio;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.PoolDevices;
import io.lcpfs.env.RealEnv;
import io.lcpfs.pool.OpenOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many threads on one file system, and the end of it under their hands. */
class ConcurrencyTest {
  private static final int THREADS = 4;

  @TempDir Path host;

  @Test
  void aFileSystemThatIsClosedUnderCallersEndsThemAndIsSound() throws Exception {
    Path image = host.resolve("p.img");
    for (int round = 0; round < 6; round++) {
      FileSystem fs = LcpfsFileSystems.openOrCreate(image, Map.of("size", "128M"));
      CountDownLatch running = new CountDownLatch(THREADS);
      int number = round;
      List<FutureTask<Throwable>> workers =
          IntStream.range(0, THREADS)
              .mapToObj(
                  worker ->
                      new FutureTask<>(
                          () -> failureOf(fs.getPath("/r" + number + "w" + worker), running)))
              .toList();
      workers.forEach(worker -> Thread.ofPlatform().start(worker));
      running.await();
      fs.close();
      for (FutureTask<Throwable> worker : workers) {
        assertThat(worker.get())
            .isInstanceOfAny(ClosedFileSystemException.class, ClosedChannelException.class);
      }
      try (RealEnv env = new RealEnv();
          var pool = PoolDevices.open(List.of(image), OpenOptions.standard(), env)) {
        assertThat(pool.verify(progress -> {}).findings()).isEmpty();
      }
    }
  }

  /** Works in a directory until that fails, and tells how. */
  private static Throwable failureOf(Path dir, CountDownLatch running) {
    try {
      Files.createDirectory(dir);
      for (int i = 0; ; i++) {
        work(dir, i);
        if (i == 50) {
          running.countDown();
        }
      }
    } catch (IOException | RuntimeException | AssertionError e) {
      running.countDown();
      return e;
    }
  }

  private static void work(Path dir, int i) throws IOException {
    Path file = dir.resolve("f" + i % 20);
    byte[] content = new byte[1 + i % 9000];
    Files.write(file, content);
    if (Files.readAllBytes(file).length != content.length) {
      throw new AssertionError("length of " + file);
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(100), 200_000);
      channel.read(ByteBuffer.allocate(100), 200_050);
    }
    Files.move(file, dir.resolve("g" + i % 7), StandardCopyOption.REPLACE_EXISTING);
    try (var names = Files.list(dir)) {
      // A stream that was closed with the file system ends early, as its javadoc says.
      if (names.count() == 0 && dir.getFileSystem().isOpen()) {
        throw new AssertionError("no names in " + dir);
      }
    }
    if (i % 5 == 0) {
      Files.delete(dir.resolve("g" + i % 7));
    }
  }
}
