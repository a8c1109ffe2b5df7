package io.lcpfs.pool;

import io.lcpfs.device.BlockDevice;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A disk in memory that survives its pool: a base image that is never written, and above it the
 * pages that were. Many disks can share one base, each as cheap as what is written to it.
 */
final class MemoryDisk implements BlockDevice {
  private static final int PAGE = 4096;

  private final int blockBytes;
  private final byte[] base;
  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<Integer, byte[]> pages = new TreeMap<>();
  private final BitSet writtenPages = new BitSet();
  private final AtomicInteger failingReads = new AtomicInteger();
  private volatile boolean failing;

  MemoryDisk(int blockBytes, byte[] base) {
    this.blockBytes = blockBytes;
    this.base = base;
  }

  /** An empty disk. */
  static MemoryDisk ofBytes(int blockBytes, int bytes) {
    return new MemoryDisk(blockBytes, new byte[bytes]);
  }

  /** What is on the disk now, as a base for others. */
  byte[] image() {
    lock.lock();
    try {
      byte[] image = base.clone();
      for (Map.Entry<Integer, byte[]> page : pages.entrySet()) {
        System.arraycopy(page.getValue(), 0, image, page.getKey() * PAGE, PAGE);
      }
      return image;
    } finally {
      lock.unlock();
    }
  }

  /** The pages of 4 KiB that were ever written. */
  BitSet writtenPages() {
    lock.lock();
    try {
      return (BitSet) writtenPages.clone();
    } finally {
      lock.unlock();
    }
  }

  /** Overwrites any bytes, past the pool. */
  void overwrite(long offset, byte[] bytes) {
    write(offset, MemorySegment.ofArray(bytes));
  }

  /** Whether all further requests fail. */
  void setFailing(boolean value) {
    failing = value;
  }

  /** Makes the next {@code count} reads fail. */
  void failReads(int count) {
    failingReads.set(count);
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    if (failingReads.get() > 0 && failingReads.getAndDecrement() > 0) {
      throw new io.lcpfs.error.PoolException(
          new io.lcpfs.error.PoolError.DeviceFailed(name(), "read", "for a moment"));
    }
    refuseIfFailing("read");
    int from = Math.toIntExact(lba * blockBytes);
    int length = blockCount * blockBytes;
    MemorySegment.copy(base, from, target, ValueLayout.JAVA_BYTE, 0, length);
    lock.lock();
    try {
      Map<Integer, byte[]> changed =
          pages.subMap(from / PAGE, true, (from + length - 1) / PAGE, true);
      for (Map.Entry<Integer, byte[]> page : changed.entrySet()) {
        int start = Math.max(from, page.getKey() * PAGE);
        int end = Math.min(from + length, (page.getKey() + 1) * PAGE);
        MemorySegment.copy(
            page.getValue(),
            start % PAGE,
            target,
            ValueLayout.JAVA_BYTE,
            start - from,
            end - start);
      }
    } finally {
      lock.unlock();
    }
  }

  private void refuseIfFailing(String operation) {
    if (failing) {
      throw new io.lcpfs.error.PoolException(
          new io.lcpfs.error.PoolError.DeviceFailed(name(), operation, "unplugged"));
    }
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    refuseIfFailing("write");
    write(lba * blockBytes, source);
  }

  private void write(long offset, MemorySegment source) {
    int from = Math.toIntExact(offset);
    int length = Math.toIntExact(source.byteSize());
    lock.lock();
    try {
      for (int at = from; at < from + length; ) {
        int number = at / PAGE;
        int inside = at % PAGE;
        int n = Math.min(PAGE - inside, from + length - at);
        byte[] page =
            pages.computeIfAbsent(number, p -> Arrays.copyOfRange(base, p * PAGE, (p + 1) * PAGE));
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, at - from, page, inside, n);
        writtenPages.set(number);
        at += n;
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void flush() {
    refuseIfFailing("flush");
  }

  @Override
  public void discard(long lba, long blockCount) {}

  @Override
  public int blockSize() {
    return blockBytes;
  }

  @Override
  public long totalBlocks() {
    return base.length / blockBytes;
  }

  @Override
  public String name() {
    return "disk";
  }

  @Override
  public void close() {}
}
