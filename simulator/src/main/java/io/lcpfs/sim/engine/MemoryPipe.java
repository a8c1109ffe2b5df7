package io.lcpfs.sim.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Bytes from one task to another through a small buffer. It may be cut: after so many bytes the
 * reader finds the end of it, and the writer nobody who reads.
 */
final class MemoryPipe {
  private static final int BUFFER_BYTES = 32 << 10;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final long cutAt;
  private long written;
  private long read;
  private boolean writerDone;
  private boolean readerDone;

  /**
   * @param cutAt bytes that pass; {@link Long#MAX_VALUE} for all
   */
  MemoryPipe(long cutAt) {
    this.cutAt = cutAt;
  }

  /** Bytes that were written. */
  long written() {
    lock.lock();
    try {
      return written;
    } finally {
      lock.unlock();
    }
  }

  /** Whether more was written than passes. */
  boolean isCut() {
    return written() >= cutAt;
  }

  /** Where the writer writes; closing it is the end of the stream. */
  OutputStream out() {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        lock.lock();
        try {
          for (int done = 0; done < length; ) {
            while (written - read == BUFFER_BYTES && !readerDone) {
              changed.awaitUninterruptibly();
            }
            if (readerDone || written >= cutAt) {
              throw new IOException("nobody reads any more");
            }
            int at = (int) (written % BUFFER_BYTES);
            int room = Math.min(BUFFER_BYTES - at, BUFFER_BYTES - (int) (written - read));
            int count = (int) Math.min(Math.min(room, length - done), cutAt - written);
            System.arraycopy(bytes, offset + done, buffer, at, count);
            written += count;
            done += count;
            changed.signalAll();
          }
        } finally {
          lock.unlock();
        }
      }

      @Override
      public void close() {
        end(true);
      }
    };
  }

  /** Where the reader reads; closing it makes the writer fail. */
  InputStream in() {
    return new InputStream() {
      @Override
      public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
      }

      @Override
      public int read(byte[] bytes, int offset, int length) {
        lock.lock();
        try {
          while (written == read && !writerDone && written < cutAt) {
            changed.awaitUninterruptibly();
          }
          if (written == read) {
            return -1;
          }
          int at = (int) (read % BUFFER_BYTES);
          int count = (int) Math.min(Math.min(length, BUFFER_BYTES - at), written - read);
          System.arraycopy(buffer, at, bytes, offset, count);
          read += count;
          changed.signalAll();
          return count;
        } finally {
          lock.unlock();
        }
      }

      @Override
      public void close() {
        end(false);
      }
    };
  }

  private void end(boolean ofWriter) {
    lock.lock();
    try {
      writerDone |= ofWriter;
      readerDone |= !ofWriter;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
