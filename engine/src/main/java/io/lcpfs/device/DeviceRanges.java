package io.lcpfs.device;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;

/** The argument checks that every device makes: EINVAL with the device's name and the numbers. */
public final class DeviceRanges {
  private DeviceRanges() {}

  /** A power of two, 512 to 65,536, or EINVAL. */
  public static void checkBlockSize(String name, int blockSize) {
    if (Integer.bitCount(blockSize) != 1 || blockSize < 512 || blockSize > 65_536) {
      throw PoolException.refused(
          Errno.EINVAL,
          name + ": block size " + blockSize + " is not a power of two from 512 to 65536");
    }
  }

  /** {@code blockCount} blocks from {@code lba} (0 is allowed) lie on the device, or EINVAL. */
  public static void checkRange(BlockDevice device, long lba, long blockCount) {
    long total = device.totalBlocks();
    if (lba < 0 || blockCount < 0 || lba > total || blockCount > total - lba) {
      throw PoolException.refused(
          Errno.EINVAL,
          device.name()
              + ": "
              + blockCount
              + " blocks at "
              + lba
              + " are not on a device of "
              + total
              + " blocks");
    }
  }

  /** As {@link #checkRange}, and the buffer has exactly the size of the range, or EINVAL. */
  public static void checkTransfer(
      BlockDevice device, long lba, int blockCount, MemorySegment buffer) {
    checkRange(device, lba, blockCount);
    if (buffer.byteSize() != (long) blockCount * device.blockSize()) {
      throw PoolException.refused(
          Errno.EINVAL,
          device.name()
              + ": a buffer of "
              + buffer.byteSize()
              + " bytes for "
              + blockCount
              + " blocks of "
              + device.blockSize());
    }
  }

  /** The buffer of a read can be written to, or EINVAL. */
  public static void checkWritable(BlockDevice device, MemorySegment target) {
    if (target.isReadOnly()) {
      throw PoolException.refused(
          Errno.EINVAL, device.name() + ": the buffer of a read is read-only");
    }
  }
}
