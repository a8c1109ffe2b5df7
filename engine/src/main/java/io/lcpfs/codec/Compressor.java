package io.lcpfs.codec;

import java.lang.foreign.MemorySegment;

/**
 * A compression algorithm at one level. Instances are shared and may be used from every thread.
 * Native segments are worked on in place; heap segments over a byte array are copied first.
 *
 * <p>The compressed form starts with its own length, so that it may be padded: a 32-bit
 * little-endian count of the bytes that follow, then the algorithm's bytes.
 */
public interface Compressor {
  /** The largest block that can be compressed or decompressed: 16 MiB. */
  int MAX_BLOCK_BYTES = 16 << 20;

  /** The length field at the start of every compressed form, in bytes. */
  int HEADER_BYTES = 4;

  /**
   * Compresses all of {@code source}, 1 to {@link #MAX_BLOCK_BYTES} bytes.
   *
   * @param target where the compressed form goes; its size is the most that is worth storing, as
   *     7/8 of the source. What lies behind the compressed form is arbitrary afterwards.
   * @return bytes written, or 0 when the compressed form does not fit in the target; ZSTD from
   *     level 3 on and LZMA also answer 0 when LZ4 and ZSTD-1 together see that the source hardly
   *     shrinks
   */
  int compress(MemorySegment source, MemorySegment target);

  /**
   * Decompresses {@code source}, which may be longer than the compressed form in it, so that it
   * fills {@code target}, 1 to {@link #MAX_BLOCK_BYTES} bytes, exactly.
   *
   * @throws io.lcpfs.error.PoolException Corrupt when the source is not the compressed form of
   *     something as long as the target; the content of the target is then arbitrary
   */
  void decompress(MemorySegment source, MemorySegment target);
}
