package io.lcpfs.pool;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.RamDevice;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** A device that keeps its content when a pool closes it. */
class Kept implements BlockDevice {
  private final RamDevice device;
  long discardedBlocks;

  Kept(long bytes) {
    device = new RamDevice("ram", 512, bytes / 512);
  }

  /** Another device with what is on this one now. */
  Kept copy() {
    Kept copy = new Kept(device.capacity());
    byte[] chunk = new byte[1 << 20];
    int blocks = chunk.length / 512;
    for (long at = 0; at < totalBlocks(); at += blocks) {
      device.readBlocks(at, blocks, MemorySegment.ofArray(chunk));
      copy.device.writeBlocks(at, blocks, MemorySegment.ofArray(chunk));
    }
    return copy;
  }

  /** Turns the bits of a range, in bytes, multiples of 512. */
  void damage(long offsetBytes, int lengthBytes) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[lengthBytes]);
    device.readBlocks(offsetBytes / 512, lengthBytes / 512, bytes);
    for (int i = 0; i < lengthBytes; i++) {
      bytes.set(ValueLayout.JAVA_BYTE, i, (byte) ~bytes.get(ValueLayout.JAVA_BYTE, i));
    }
    device.writeBlocks(offsetBytes / 512, lengthBytes / 512, bytes);
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    device.readBlocks(lba, blockCount, target);
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    device.writeBlocks(lba, blockCount, source);
  }

  @Override
  public void flush() {
    device.flush();
  }

  /** What is discarded may read as anything: here, as noise. */
  @Override
  public void discard(long lba, long blockCount) {
    byte[] noise = new byte[(int) (blockCount * blockSize())];
    new Random(lba).nextBytes(noise);
    device.writeBlocks(lba, (int) blockCount, MemorySegment.ofArray(noise));
    discardedBlocks += blockCount;
  }

  @Override
  public int blockSize() {
    return device.blockSize();
  }

  @Override
  public long totalBlocks() {
    return device.totalBlocks();
  }

  @Override
  public String name() {
    return device.name();
  }

  @Override
  public void close() {}
}
