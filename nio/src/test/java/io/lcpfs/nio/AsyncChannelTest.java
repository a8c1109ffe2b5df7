package io.lcpfs.nio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.FileLock;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** AsynchronousFileChannel. */
class AsyncChannelTest {
  private TestPool pool;
  private Path file;
  private AsynchronousFileChannel channel;

  @BeforeEach
  void openFile() throws IOException {
    pool = TestPool.create();
    file = Files.writeString(pool.path("/a"), "0123456789");
    channel = AsynchronousFileChannel.open(file, READ, WRITE);
  }

  @AfterEach
  void closeAll() throws IOException {
    channel.close();
    pool.close();
  }

  /** A handler that completes a future; the attachment must come along. */
  private static <T> CompletionHandler<T, String> into(CompletableFuture<T> future) {
    return new CompletionHandler<>() {
      @Override
      public void completed(T result, String attachment) {
        assertThat(attachment).isEqualTo("attached");
        future.complete(result);
      }

      @Override
      public void failed(Throwable failure, String attachment) {
        future.completeExceptionally(failure);
      }
    };
  }

  @Test
  void futuresAndHandlersTellHowMuchWasDone() throws Exception {
    ByteBuffer buffer = ByteBuffer.allocate(4);
    assertThat(channel.read(buffer, 3).get()).isEqualTo(4);
    assertThat(UTF_8.decode(buffer.flip()).toString()).isEqualTo("3456");
    CompletableFuture<Integer> written = new CompletableFuture<>();
    channel.write(ByteBuffer.wrap(new byte[] {'x'}), 9, "attached", into(written));
    assertThat(written.get()).isEqualTo(1);
    CompletableFuture<Integer> atEnd = new CompletableFuture<>();
    channel.read(buffer.clear(), 10, "attached", into(atEnd));
    assertThat(atEnd.get()).isEqualTo(-1);
    assertThat(channel.write(ByteBuffer.wrap(new byte[] {'y'}), 10).get()).isEqualTo(1);
    channel.force(true);
    assertThat(channel.truncate(10).size()).isEqualTo(10);
    assertThat(Files.readString(file)).isEqualTo("012345678x");
  }

  @Test
  void theGivenExecutorRunsTheCalls() throws Exception {
    try (ExecutorService executor = Executors.newSingleThreadExecutor();
        AsynchronousFileChannel own = AsynchronousFileChannel.open(file, Set.of(READ), executor)) {
      CompletableFuture<String> thread = new CompletableFuture<>();
      own.read(
          ByteBuffer.allocate(1),
          0,
          "attached",
          new CompletionHandler<Integer, String>() {
            @Override
            public void completed(Integer result, String attachment) {
              thread.complete(Thread.currentThread().getName());
            }

            @Override
            public void failed(Throwable failure, String attachment) {
              thread.completeExceptionally(failure);
            }
          });
      assertThat(thread.get())
          .isEqualTo(executor.submit(() -> Thread.currentThread().getName()).get());
    }
  }

  @Test
  void argumentsAreCheckedAtOnce() throws IOException {
    assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(1), -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(1).asReadOnlyBuffer(), 0))
        .isInstanceOf(IllegalArgumentException.class);
    try (AsynchronousFileChannel reader = AsynchronousFileChannel.open(file, READ);
        AsynchronousFileChannel writer = AsynchronousFileChannel.open(file, WRITE)) {
      assertThatThrownBy(() -> reader.write(ByteBuffer.allocate(1), 0))
          .isInstanceOf(NonWritableChannelException.class);
      assertThatThrownBy(() -> writer.read(ByteBuffer.allocate(1), 0))
          .isInstanceOf(NonReadableChannelException.class);
    }
    assertThatThrownBy(() -> AsynchronousFileChannel.open(file, APPEND))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void locksAreHadAtOnceOrOverlap() throws Exception {
    FileLock lock = channel.lock(0, 5, false).get();
    assertThat(lock.acquiredBy()).isSameAs(channel);
    assertThatThrownBy(() -> channel.tryLock(4, 1, true))
        .isInstanceOf(OverlappingFileLockException.class);
    CompletableFuture<FileLock> second = new CompletableFuture<>();
    channel.lock(5, 5, true, "attached", into(second));
    assertThat(second.get().isShared()).isTrue();
    lock.release();
    assertThat(lock.isValid()).isFalse();
    channel.close();
    assertThat(second.get().isValid()).isFalse();
  }

  @Test
  void aClosedChannelFailsItsCalls() throws Exception {
    channel.close();
    assertThat(channel.isOpen()).isFalse();
    assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(1), 0).get())
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(ClosedChannelException.class);
    CompletableFuture<Integer> write = new CompletableFuture<>();
    channel.write(ByteBuffer.allocate(1), 0, "attached", into(write));
    assertThatThrownBy(write::get).hasCauseInstanceOf(ClosedChannelException.class);
    assertThatThrownBy(() -> channel.size()).isInstanceOf(ClosedChannelException.class);
    assertThatThrownBy(() -> channel.lock().get()).hasCauseInstanceOf(ClosedChannelException.class);
  }
}
