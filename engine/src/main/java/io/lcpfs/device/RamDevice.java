package io.lcpfs.device;

import io.lcpfs.error.Check;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** A device in off-heap memory, zeros at first. Its content is gone with {@link #close}. */
public final class RamDevice implements BlockDevice {
  private static final int STRIPES = 64;

  private final String name;
  private final int blockSize;
  private final long totalBlocks;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;

  /** A block is copied under the stripe of its number, so that it is never half of two writes. */
  private final ReentrantLock[] stripes = new ReentrantLock[STRIPES];

  private final ReentrantReadWriteLock lifetime = new ReentrantReadWriteLock();
  private boolean closed;

  /**
   * @param blockSize a power of two, 512 to 65,536
   * @param totalBlocks at least 1
   * @throws PoolException ENOMEM when there is not that much memory
   */
  public RamDevice(String name, int blockSize, long totalBlocks) {
    DeviceRanges.checkBlockSize(name, blockSize);
    Check.that(totalBlocks > 0, "blocks of " + name, totalBlocks);
    this.name = name;
    this.blockSize = blockSize;
    this.totalBlocks = totalBlocks;
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new ReentrantLock();
    }
    this.memory = allocate();
  }

  private MemorySegment allocate() {
    long bytes = capacity();
    try {
      return arena.allocate(bytes, 4096);
    } catch (OutOfMemoryError e) {
      arena.close();
      throw new PoolException(new PoolError.OutOfMemory(bytes, bytes), e);
    }
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    DeviceRanges.checkTransfer(this, lba, blockCount, target);
    DeviceRanges.checkWritable(this, target);
    enter();
    try {
      for (int i = 0; i < blockCount; i++) {
        copy(lba + i, memory, (lba + i) * blockSize, target, (long) i * blockSize);
      }
    } finally {
      lifetime.readLock().unlock();
    }
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    DeviceRanges.checkTransfer(this, lba, blockCount, source);
    enter();
    try {
      for (int i = 0; i < blockCount; i++) {
        copy(lba + i, source, (long) i * blockSize, memory, (lba + i) * blockSize);
      }
    } finally {
      lifetime.readLock().unlock();
    }
  }

  private void copy(long lba, MemorySegment from, long fromAt, MemorySegment to, long toAt) {
    ReentrantLock stripe = stripes[(int) (lba % STRIPES)];
    stripe.lock();
    try {
      MemorySegment.copy(from, fromAt, to, toAt, blockSize);
    } finally {
      stripe.unlock();
    }
  }

  private void enter() {
    lifetime.readLock().lock();
    if (closed) {
      lifetime.readLock().unlock();
      throw new PoolException(new PoolError.Closed(name));
    }
  }

  @Override
  public void flush() {
    enter();
    lifetime.readLock().unlock();
  }

  @Override
  public void discard(long lba, long blockCount) {
    DeviceRanges.checkRange(this, lba, blockCount);
    flush();
  }

  @Override
  public int blockSize() {
    return blockSize;
  }

  @Override
  public long totalBlocks() {
    return totalBlocks;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void close() {
    lifetime.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        arena.close();
      }
    } finally {
      lifetime.writeLock().unlock();
    }
  }
}
