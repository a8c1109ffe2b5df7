package io.lcpfs.codec;

import static io.lcpfs.error.PoolException.corrupt;

import java.lang.foreign.MemorySegment;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;

/** LZ4 blocks by the native library; the decompressor is the one that checks every bound. */
final class Lz4Codec implements Compressor {
  static final Lz4Codec INSTANCE = new Lz4Codec();

  private static final String NAME = "lz4";

  private final LZ4Compressor compressor;
  private final LZ4SafeDecompressor decompressor;

  private Lz4Codec() {
    LZ4Factory factory = LZ4Factory.fastestInstance();
    compressor = factory.fastCompressor();
    decompressor = factory.safeDecompressor();
  }

  @Override
  public int compress(MemorySegment source, MemorySegment target) {
    Frame.checkBlock(source);
    return NativeBuffers.run(source, target, this::compressNative);
  }

  private int compressNative(MemorySegment source, MemorySegment target) {
    int room = Frame.room(target);
    if (room <= 0) {
      return 0;
    }
    int compressed;
    try {
      compressed =
          compressor.compress(
              source.asByteBuffer(),
              0,
              (int) source.byteSize(),
              target.asByteBuffer(),
              HEADER_BYTES,
              room);
    } catch (LZ4Exception _) {
      return 0; // The library's only refusal of a valid block: it does not fit.
    }
    return Frame.seal(target, compressed);
  }

  @Override
  public void decompress(MemorySegment source, MemorySegment target) {
    Frame.checkBlock(target);
    NativeBuffers.run(source, target, this::decompressNative);
  }

  private int decompressNative(MemorySegment source, MemorySegment target) {
    int length = Frame.open(source, NAME);
    int size = (int) target.byteSize();
    int written;
    try {
      written =
          decompressor.decompress(
              source.asByteBuffer(), HEADER_BYTES, length, target.asByteBuffer(), 0, size);
    } catch (LZ4Exception malformed) {
      throw corrupt(NAME, String.valueOf(malformed.getMessage()));
    }
    if (written != size) {
      throw corrupt(NAME, written + " bytes instead of " + size);
    }
    return size;
  }
}
