package io.lcpfs.codec;

import static io.lcpfs.error.PoolException.corrupt;

import java.lang.foreign.MemorySegment;

/**
 * No compression: nothing ever shrinks, and what is stored is the data itself, without a length.
 */
final class OffCodec implements Compressor {
  @Override
  public int compress(MemorySegment source, MemorySegment target) {
    return 0;
  }

  @Override
  public void decompress(MemorySegment source, MemorySegment target) {
    Frame.checkBlock(target);
    if (source.byteSize() < target.byteSize()) {
      throw corrupt("block.size", source.byteSize());
    }
    MemorySegment.copy(source, 0, target, 0, target.byteSize());
  }
}
