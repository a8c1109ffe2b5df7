package io.lcpfs.codec;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The length field in front of compressed bytes, and the checks that all algorithms share. */
final class Frame {
  private static final ValueLayout.OfInt LENGTH =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Frame() {}

  static void checkBlock(MemorySegment block) {
    long bytes = block.byteSize();
    Check.that(bytes > 0 && bytes <= Compressor.MAX_BLOCK_BYTES, "block size", bytes);
  }

  /** How many compressed bytes fit behind the length field of {@code target}. 0 or less: none. */
  static int room(MemorySegment target) {
    return (int) Math.min(target.byteSize(), Compressor.MAX_BLOCK_BYTES) - Compressor.HEADER_BYTES;
  }

  /** Writes the length field; answers the size of the whole form. */
  static int seal(MemorySegment target, int compressedBytes) {
    target.set(LENGTH, 0, compressedBytes);
    return Compressor.HEADER_BYTES + compressedBytes;
  }

  /** The number of compressed bytes behind the length field; they lie within {@code source}. */
  static int open(MemorySegment source, String algorithm) {
    long bytes = source.byteSize();
    if (bytes < Compressor.HEADER_BYTES) {
      throw corrupt(algorithm, "only " + bytes + " bytes");
    }
    int length = source.get(LENGTH, 0);
    if (length <= 0 || length > bytes - Compressor.HEADER_BYTES) {
      throw corrupt(algorithm + ".length", length);
    }
    return length;
  }
}
