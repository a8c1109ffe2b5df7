package io.lcpfs.cli.owner;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** One end of a connection: whole frames in and out. Sending is safe from many threads. */
final class Connection implements AutoCloseable {
  private final SocketChannel channel;

  /** Keeps frames whole that several threads send. */
  private final ReentrantLock sending = new ReentrantLock();

  Connection(SocketChannel channel) {
    this.channel = channel;
  }

  void send(FrameBuilder frame) throws IOException {
    ByteBuffer bytes = frame.build();
    sending.lock();
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } finally {
      sending.unlock();
    }
  }

  /**
   * The next frame, or null when the other side closed between two.
   *
   * @throws Frame.Malformed for a length that no frame has
   * @throws IOException when it ends within one
   */
  @Nullable Frame receive() throws IOException {
    ByteBuffer length = ByteBuffer.allocate(4);
    if (!fill(length)) {
      return null;
    }
    int bytes = length.getInt(0);
    if (bytes < 1 || bytes > Protocol.MOST_FRAME_BYTES) {
      throw new Frame.Malformed(bytes + " bytes");
    }
    ByteBuffer body = receiveBody(bytes);
    byte type = body.get();
    return new Frame(type, body);
  }

  /** Grows with what arrives, so that a length alone makes nobody allocate. */
  private ByteBuffer receiveBody(int bytes) throws IOException {
    ByteBuffer body = ByteBuffer.allocate(Math.min(bytes, 64 << 10));
    while (true) {
      if (!fill(body)) {
        throw new IOException("the connection ended within a frame");
      }
      if (body.capacity() == bytes) {
        return body.flip();
      }
      ByteBuffer larger = ByteBuffer.allocate((int) Math.min(bytes, 4L * body.capacity()));
      larger.put(body.flip());
      body = larger;
    }
  }

  /** Reads until the buffer is full; false when nothing at all came. */
  private boolean fill(ByteBuffer buffer) throws IOException {
    int before = buffer.position();
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        if (buffer.position() == before) {
          return false;
        }
        throw new IOException("the connection ended within a frame");
      }
    }
    return true;
  }

  /** The frame for a failure. */
  static FrameBuilder failed(PoolException failure) {
    boolean posix = failure.error() instanceof PoolError.Posix;
    String text =
        failure.error() instanceof PoolError.Posix(var errno, var subject)
            ? subject
            : failure.error().message();
    return new FrameBuilder(Protocol.FAILED)
        .put((byte) (posix ? 1 : 0))
        .put(failure.errno().value())
        .put(text.length() > 4096 ? text.substring(0, 4096) : text);
  }

  /** The failure that a frame tells of. */
  static PoolException failure(Frame frame) {
    boolean posix = frame.getByte() == 1;
    int number = frame.getInt();
    String text = frame.getText();
    for (Errno errno : Errno.values()) {
      if (errno.value() == number) {
        return posix ? PoolException.posix(errno, text) : PoolException.refused(errno, text);
      }
    }
    return PoolException.refused(Errno.EIO, text);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
