package io.lcpfs.codec;

import java.lang.foreign.MemorySegment;

/** BLAKE3-256 by whichever kernel is faster for the size and at this time. */
final class Blake3 implements Checksum {
  /** Four chunks; below, a vector is mostly empty. */
  private static final int LEAST_VECTOR_BYTES = 4 << 10;

  @Override
  public void compute(MemorySegment data, MemorySegment out, long outOffsetBytes) {
    if (data.byteSize() >= LEAST_VECTOR_BYTES && Kernels.vector()) {
      Blake3Vector.hash(data, out, outOffsetBytes);
    } else {
      Blake3Scalar.hash(data, out, outOffsetBytes);
    }
  }

  @Override
  public void computeMany(MemorySegment[] blocks, MemorySegment[] outs, int count) {
    if (Kernels.vector()) {
      Blake3Vector.hashMany(blocks, outs, count);
    } else {
      Checksum.super.computeMany(blocks, outs, count);
    }
  }
}
