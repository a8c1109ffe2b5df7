package io.lcpfs.device;

import java.lang.foreign.MemorySegment;

/**
 * A block device: an array of {@link #totalBlocks} blocks of {@link #blockSize} bytes. Any number
 * of threads may call any method at once; the outcome of overlapping concurrent writes is either
 * one, block by block. A write may be torn or reordered by a crash until a {@link #flush} that
 * started after the write returned has itself returned.
 *
 * <p>Every failure is a {@link io.lcpfs.error.PoolException} with {@code DeviceFailed} (EIO), or
 * EINVAL for a range or buffer outside the contract, EROFS for a write to a read-only device.
 */
public interface BlockDevice extends AutoCloseable {

  /**
   * Reads {@code blockCount} blocks from {@code lba} into {@code target}, whose byteSize is exactly
   * {@code blockCount * blockSize()}. All of it is filled, or an exception is thrown.
   */
  void readBlocks(long lba, int blockCount, MemorySegment target);

  /** Writes {@code blockCount} blocks at {@code lba} from {@code source} of exactly that size. */
  void writeBlocks(long lba, int blockCount, MemorySegment source);

  /**
   * Makes every write that returned before this call durable. A failed flush means that any of
   * those writes may be lost; it must not be retried as if a later success covered them.
   */
  void flush();

  /**
   * Tells the device that the content of these blocks is no longer needed; they read as anything
   * afterwards. A device that has no use for it does nothing.
   */
  void discard(long lba, long blockCount);

  /** Bytes per block: a power of two, 512 to 65,536. */
  int blockSize();

  /** Number of blocks. */
  long totalBlocks();

  /** Bytes in all. */
  default long capacity() {
    return Math.multiplyExact(totalBlocks(), (long) blockSize());
  }

  /** What error messages and {@code pool status} call this device, for example its path. */
  String name();

  /** Whether writes are refused with EROFS. */
  default boolean readOnly() {
    return false;
  }

  /** Buffers given to this device should be aligned to this many bytes to avoid a copy. */
  default int preferredAlignment() {
    return 1;
  }

  @Override
  void close();
}
