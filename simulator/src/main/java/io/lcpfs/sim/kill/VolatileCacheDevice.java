package io.lcpfs.sim.kill;

import io.lcpfs.device.BlockDevice;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A device whose write cache is this process's memory: a write reaches the device below only with a
 * flush, block by block in random order, so that a killed process leaves any subset of its
 * unflushed writes, torn between blocks. Safe for use by many threads.
 */
public final class VolatileCacheDevice implements BlockDevice {
  private final BlockDevice below;
  private final Random random;
  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<Long, byte[]> cached = new TreeMap<>();

  /**
   * @param below keeps what was flushed; closed with this
   */
  public VolatileCacheDevice(BlockDevice below, long seed) {
    this.below = below;
    this.random = new Random(seed);
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    lock.lock();
    try {
      below.readBlocks(lba, blockCount, target);
      cached
          .subMap(lba, lba + blockCount)
          .forEach(
              (block, bytes) ->
                  MemorySegment.copy(
                      bytes,
                      0,
                      target,
                      ValueLayout.JAVA_BYTE,
                      (block - lba) * blockSize(),
                      bytes.length));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    lock.lock();
    try {
      for (int i = 0; i < blockCount; i++) {
        cached.put(
            lba + i,
            source.asSlice((long) i * blockSize(), blockSize()).toArray(ValueLayout.JAVA_BYTE));
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void flush() {
    lock.lock();
    try {
      List<Map.Entry<Long, byte[]>> blocks = new ArrayList<>(cached.entrySet());
      Collections.shuffle(blocks, random);
      for (Map.Entry<Long, byte[]> block : blocks) {
        below.writeBlocks(block.getKey(), 1, MemorySegment.ofArray(block.getValue()));
      }
      cached.clear();
      below.flush();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void discard(long lba, long blockCount) {
    // Discarding is advice; what is cached for the range is still written.
  }

  @Override
  public int blockSize() {
    return below.blockSize();
  }

  @Override
  public long totalBlocks() {
    return below.totalBlocks();
  }

  @Override
  public String name() {
    return below.name();
  }

  @Override
  public void close() {
    // What was not flushed is lost, as with a power failure.
    below.close();
  }
}
