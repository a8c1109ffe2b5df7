package io.lcpfs.nio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.FileLock;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** A file channel whose calls run on an executor. */
final class LcpfsAsyncChannel extends AsynchronousFileChannel {
  private static final class Shared {
    static final ExecutorService EXECUTOR =
        Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("lcpfs-nio-", 0).factory());
  }

  private final LcpfsFileChannel channel;
  private final ChannelMode mode;
  private final ExecutorService executor;

  /**
   * @param executor where calls run; null for one that all such channels share
   */
  LcpfsAsyncChannel(
      LcpfsFileChannel channel, ChannelMode mode, @Nullable ExecutorService executor) {
    this.channel = channel;
    this.mode = mode;
    this.executor = executor == null ? Shared.EXECUTOR : executor;
  }

  private <T> Future<T> submit(Callable<T> call) {
    if (!isOpen()) {
      return CompletableFuture.failedFuture(new ClosedChannelException());
    }
    return executor.submit(call);
  }

  private <T, A extends @Nullable Object> void submit(
      Callable<T> call, A attachment, CompletionHandler<T, ? super A> handler) {
    Objects.requireNonNull(handler);
    executor.execute(
        () -> {
          T result;
          try {
            result = call.call();
          } catch (Exception e) {
            handler.failed(e, attachment);
            return;
          }
          handler.completed(result, attachment);
        });
  }

  private void checkRead(ByteBuffer target, long position) {
    if (position < 0) {
      throw new IllegalArgumentException("negative position " + position);
    }
    if (target.isReadOnly()) {
      throw new IllegalArgumentException("the buffer is read-only");
    }
    if (!mode.read()) {
      throw new NonReadableChannelException();
    }
  }

  private void checkWrite(ByteBuffer source, long position) {
    Objects.requireNonNull(source);
    if (position < 0) {
      throw new IllegalArgumentException("negative position " + position);
    }
    if (!mode.write()) {
      throw new NonWritableChannelException();
    }
  }

  @Override
  public <A extends @Nullable Object> void read(
      ByteBuffer target,
      long position,
      A attachment,
      CompletionHandler<Integer, ? super A> handler) {
    checkRead(target, position);
    submit(() -> channel.read(target, position), attachment, handler);
  }

  @Override
  public Future<Integer> read(ByteBuffer target, long position) {
    checkRead(target, position);
    return submit(() -> channel.read(target, position));
  }

  @Override
  public <A extends @Nullable Object> void write(
      ByteBuffer source,
      long position,
      A attachment,
      CompletionHandler<Integer, ? super A> handler) {
    checkWrite(source, position);
    submit(() -> channel.write(source, position), attachment, handler);
  }

  @Override
  public Future<Integer> write(ByteBuffer source, long position) {
    checkWrite(source, position);
    return submit(() -> channel.write(source, position));
  }

  @Override
  public <A extends @Nullable Object> void lock(
      long position,
      long size,
      boolean shared,
      A attachment,
      CompletionHandler<FileLock, ? super A> handler) {
    Objects.requireNonNull(handler);
    if (!isOpen()) {
      submit(() -> channel.lock(this, position, size, shared), attachment, handler);
      return;
    }
    try {
      // No other process can hold it: it is had at once, or overlaps one of this JVM.
      FileLock lock = channel.lock(this, position, size, shared);
      submit(() -> lock, attachment, handler);
    } catch (IOException e) {
      submit(
          () -> {
            throw e;
          },
          attachment,
          handler);
    }
  }

  @Override
  public Future<FileLock> lock(long position, long size, boolean shared) {
    try {
      return CompletableFuture.completedFuture(channel.lock(this, position, size, shared));
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) throws IOException {
    return channel.lock(this, position, size, shared);
  }

  @Override
  public long size() throws IOException {
    return channel.size();
  }

  @Override
  public AsynchronousFileChannel truncate(long size) throws IOException {
    channel.truncate(size);
    return this;
  }

  @Override
  public void force(boolean metadata) throws IOException {
    channel.force(metadata);
  }

  @Override
  public boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
