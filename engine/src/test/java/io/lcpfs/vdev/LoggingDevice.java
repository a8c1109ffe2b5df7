package io.lcpfs.vdev;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.DeviceRanges;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongPredicate;

/** A device in memory that remembers its writes and flushes, and fails where it is told to. */
final class LoggingDevice implements BlockDevice {
  /** A write, or a flush where {@code data} is empty. */
  record Event(long offset, byte[] data) {
    boolean isFlush() {
      return data.length == 0;
    }
  }

  private final int blockBytes;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition begun = lock.newCondition();
  final byte[] content;
  final List<Event> events = new ArrayList<>();
  volatile LongPredicate failReadAt = offset -> false;
  volatile LongPredicate failWriteAt = offset -> false;
  volatile boolean failFlush;
  volatile CountDownLatch writesMayEnd = new CountDownLatch(0);
  int writing;
  int mostWriting;
  long bytesWriting;
  long mostBytesWriting;

  LoggingDevice(long capacity, int blockBytes) {
    this.content = new byte[(int) capacity];
    this.blockBytes = blockBytes;
  }

  LoggingDevice(byte[] content, int blockBytes) {
    this.content = content;
    this.blockBytes = blockBytes;
  }

  private PoolException failed(String operation) {
    return new PoolException(new PoolError.DeviceFailed(name(), operation, "told to"));
  }

  /** Returns when so many writes are under way at once, or after a minute without. */
  void awaitWriting(int count) throws InterruptedException {
    long left = TimeUnit.MINUTES.toNanos(1);
    lock.lock();
    try {
      while (writing < count && left > 0) {
        left = begun.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    DeviceRanges.checkTransfer(this, lba, blockCount, target);
    for (long block = lba; block < lba + blockCount; block++) {
      if (failReadAt.test(block * blockBytes)) {
        throw failed("read");
      }
    }
    lock.lock();
    try {
      MemorySegment.copy(
          content,
          (int) (lba * blockBytes),
          target,
          ValueLayout.JAVA_BYTE,
          0,
          blockCount * blockBytes);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    DeviceRanges.checkTransfer(this, lba, blockCount, source);
    long offset = lba * blockBytes;
    lock.lock();
    try {
      writing++;
      begun.signalAll();
      bytesWriting += source.byteSize();
      mostWriting = Math.max(mostWriting, writing);
      mostBytesWriting = Math.max(mostBytesWriting, bytesWriting);
    } finally {
      lock.unlock();
    }
    try {
      writesMayEnd.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    lock.lock();
    try {
      writing--;
      bytesWriting -= source.byteSize();
      for (int at = 0; at < blockCount; at++) {
        if (failWriteAt.test(offset + (long) at * blockBytes)) {
          throw failed("write");
        }
      }
      byte[] data = source.toArray(ValueLayout.JAVA_BYTE);
      System.arraycopy(data, 0, content, (int) offset, data.length);
      events.add(new Event(offset, data));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void flush() {
    lock.lock();
    try {
      if (failFlush) {
        throw failed("flush");
      }
      events.add(new Event(0, new byte[0]));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void discard(long lba, long blockCount) {
    DeviceRanges.checkRange(this, lba, blockCount);
  }

  @Override
  public int blockSize() {
    return blockBytes;
  }

  @Override
  public long totalBlocks() {
    return content.length / blockBytes;
  }

  @Override
  public String name() {
    return "logging";
  }

  @Override
  public void close() {}
}
