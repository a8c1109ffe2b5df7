package io.lcpfs.codec;

import static io.lcpfs.codec.Blake3Scratch.CHUNK_BYTES;
import static io.lcpfs.codec.Blake3Scratch.WORD;

import java.lang.foreign.MemorySegment;

/** BLAKE3-256, unkeyed, one chunk at a time. The twin that every other kernel is held against. */
final class Blake3Scalar {
  private Blake3Scalar() {}

  /** Writes the hash of all of {@code data}, of any length, to {@code out}. */
  static void hash(MemorySegment data, MemorySegment out, long outOffsetBytes) {
    Blake3Scratch scratch = Blake3Scratch.take();
    try {
      hash(scratch, data);
      MemorySegment.copy(scratch.stack, 0, out, WORD, outOffsetBytes, 8);
    } finally {
      Blake3Scratch.give(scratch);
    }
  }

  private static void hash(Blake3Scratch scratch, MemorySegment data) {
    long length = data.byteSize();
    if (length <= CHUNK_BYTES) {
      scratch.chunk(data, 0, (int) length, 0, Blake3Compression.ROOT, scratch.stack, 0);
      return;
    }
    long chunk = 0;
    long offset = 0;
    for (; length - offset > CHUNK_BYTES; offset += CHUNK_BYTES) {
      scratch.chunk(data, offset, CHUNK_BYTES, chunk, 0, scratch.chunkValue, 0);
      chunk++;
      scratch.push(scratch.chunkValue, 0, chunk);
    }
    scratch.chunk(data, offset, (int) (length - offset), chunk, 0, scratch.chunkValue, 0);
    scratch.finish(scratch.chunkValue, 0);
  }
}
