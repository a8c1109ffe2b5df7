package io.lcpfs.pool;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A disk that loses its power at a chosen write or flush. Of what was written since the last flush,
 * each write then is there, is not, or is torn, as the seed has it.
 */
final class CrashDisk implements BlockDevice {
  private static final int SECTOR = 512;

  private record Write(int offset, byte[] data) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final byte[] seen;
  private final byte[] durable;
  private final List<Write> unflushed = new ArrayList<>();
  private final Random random;
  private final boolean lying;
  private long requestsLeft;
  private boolean dead;

  /**
   * @param requests the write or flush at which the power goes, counted from 1
   * @param lying whether flushes do nothing
   */
  CrashDisk(byte[] image, long requests, long seed, boolean lying) {
    this.lying = lying;
    seen = image.clone();
    durable = image.clone();
    requestsLeft = requests;
    random = new Random(seed);
  }

  /** Cuts the power now, unless it is cut; answers what is on the disk afterwards. */
  byte[] crash() {
    lock.lock();
    try {
      die();
      return durable.clone();
    } finally {
      lock.unlock();
    }
  }

  boolean isDead() {
    lock.lock();
    try {
      return dead;
    } finally {
      lock.unlock();
    }
  }

  private void die() {
    if (dead) {
      return;
    }
    dead = true;
    for (Write write : unflushed) {
      int fate = random.nextInt(3);
      for (int at = 0; at < write.data.length; at += SECTOR) {
        if (fate == 0 || (fate == 1 && random.nextBoolean())) {
          System.arraycopy(write.data, at, durable, write.offset + at, SECTOR);
        }
      }
    }
    unflushed.clear();
  }

  private void spend(String request) {
    if (!dead && --requestsLeft == 0) {
      die();
    }
    if (dead) {
      throw new PoolException(new PoolError.DeviceFailed(name(), request, "no power"));
    }
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    lock.lock();
    try {
      MemorySegment.copy(
          seen, (int) lba * SECTOR, target, ValueLayout.JAVA_BYTE, 0, blockCount * SECTOR);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    lock.lock();
    try {
      byte[] data = source.toArray(ValueLayout.JAVA_BYTE);
      int offset = (int) lba * SECTOR;
      if (!dead) {
        unflushed.add(new Write(offset, data)); // the write of the crash itself may be torn too
      }
      spend("write");
      System.arraycopy(data, 0, seen, offset, data.length);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void flush() {
    lock.lock();
    try {
      spend("flush");
      if (lying) {
        return;
      }
      for (Write write : unflushed) {
        System.arraycopy(write.data, 0, durable, write.offset, write.data.length);
      }
      unflushed.clear();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void discard(long lba, long blockCount) {}

  @Override
  public int blockSize() {
    return SECTOR;
  }

  @Override
  public long totalBlocks() {
    return seen.length / SECTOR;
  }

  @Override
  public String name() {
    return "disk";
  }

  @Override
  public void close() {}
}
