package io.lcpfs.posix;

import io.lcpfs.device.BlockDevice;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;

/** A device of any size that needs memory only for what was written; outlives its pool. */
final class SparseDevice implements BlockDevice {
  private static final int BLOCK_BYTES = 4096;

  private final ConcurrentHashMap<Long, byte[]> blocks = new ConcurrentHashMap<>();
  private final long totalBlocks;

  SparseDevice(long bytes) {
    totalBlocks = bytes / BLOCK_BYTES;
  }

  /** Another device with the same content. */
  SparseDevice copy() {
    SparseDevice twin = new SparseDevice(capacity());
    twin.blocks.putAll(blocks);
    return twin;
  }

  /** Changes a byte in every block that holds just {@code content}; answers how many. */
  int damage(byte[] content) {
    int damaged = 0;
    for (byte[] block : blocks.values()) {
      if (Arrays.equals(block, content)) {
        block[100] ^= 1;
        damaged++;
      }
    }
    return damaged;
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    for (int i = 0; i < blockCount; i++) {
      byte[] block = blocks.get(lba + i);
      MemorySegment to = target.asSlice((long) i * BLOCK_BYTES, BLOCK_BYTES);
      if (block == null) {
        to.fill((byte) 0);
      } else {
        to.copyFrom(MemorySegment.ofArray(block));
      }
    }
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    for (int i = 0; i < blockCount; i++) {
      byte[] block = new byte[BLOCK_BYTES];
      MemorySegment.ofArray(block).copyFrom(source.asSlice((long) i * BLOCK_BYTES, BLOCK_BYTES));
      blocks.put(lba + i, block);
    }
  }

  @Override
  public void flush() {}

  @Override
  public void discard(long lba, long blockCount) {}

  @Override
  public int blockSize() {
    return BLOCK_BYTES;
  }

  @Override
  public long totalBlocks() {
    return totalBlocks;
  }

  @Override
  public String name() {
    return "sparse";
  }

  @Override
  public void close() {}
}
