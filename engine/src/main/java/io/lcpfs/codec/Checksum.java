package io.lcpfs.codec;

import java.lang.foreign.MemorySegment;

/** A 256-bit checksum of a block. */
public interface Checksum {

  /**
   * Writes the 32-byte checksum of all of {@code data} to {@code out} at {@code outOffsetBytes}.
   */
  void compute(MemorySegment data, MemorySegment out, long outOffsetBytes);

  /**
   * The checksums of {@code count} blocks of the same size at once (faster than one by one for
   * small blocks). {@code outs[i]} gets 32 bytes at offset 0.
   */
  default void computeMany(MemorySegment[] blocks, MemorySegment[] outs, int count) {
    for (int i = 0; i < count; i++) {
      compute(blocks[i], outs[i], 0);
    }
  }
}
