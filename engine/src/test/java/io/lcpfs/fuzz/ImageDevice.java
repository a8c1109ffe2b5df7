package io.lcpfs.fuzz;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.DeviceRanges;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** A device over an array, whose content outlives {@link #close}. */
final class ImageDevice implements BlockDevice {
  private static final int BLOCK_BYTES = 512;

  private final MemorySegment bytes;
  private final AtomicLong transferred = new AtomicLong();
  private volatile long budget = Long.MAX_VALUE;

  ImageDevice(byte[] image) {
    this.bytes = MemorySegment.ofArray(image);
  }

  /** From now on only so many bytes can be read and written, then every transfer fails. */
  void limit(long moreBytes) {
    budget = transferred.get() + moreBytes;
  }

  private void charge(int blockCount) {
    if (transferred.addAndGet((long) blockCount * BLOCK_BYTES) > budget) {
      throw new PoolException(new PoolError.DeviceFailed(name(), "transfer", "over the budget"));
    }
  }

  boolean overBudget() {
    return transferred.get() > budget;
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    DeviceRanges.checkTransfer(this, lba, blockCount, target);
    charge(blockCount);
    MemorySegment.copy(bytes, lba * BLOCK_BYTES, target, 0, target.byteSize());
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    DeviceRanges.checkTransfer(this, lba, blockCount, source);
    charge(blockCount);
    MemorySegment.copy(source, 0, bytes, lba * BLOCK_BYTES, source.byteSize());
  }

  @Override
  public void flush() {}

  @Override
  public void discard(long lba, long blockCount) {
    DeviceRanges.checkRange(this, lba, blockCount);
  }

  @Override
  public int blockSize() {
    return BLOCK_BYTES;
  }

  @Override
  public long totalBlocks() {
    return bytes.byteSize() / BLOCK_BYTES;
  }

  @Override
  public String name() {
    return "image";
  }

  @Override
  public void close() {}
}
