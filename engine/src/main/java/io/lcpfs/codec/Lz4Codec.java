package io.lcpfs.codec;

import static io.lcpfs.error.PoolException.corrupt;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;

/** LZ4 blocks by the native library; the decompressor is the one that checks every bound. */
final class Lz4Codec implements Compressor {
  static final Lz4Codec INSTANCE = new Lz4Codec();

  private static final String NAME = "lz4";

  /** Of a longer block, a few parts are tried first. */
  private static final int PROBED_FROM = 64 << 10;

  private static final int PROBES = 4;
  private static final int PROBE_BYTES = 4 << 10;

  /** A part that shrinks less than this says nothing for the rest. */
  private static final int PROBE_LIMIT_BYTES = PROBE_BYTES * 15 / 16;

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
    int size = (int) source.byteSize();
    ByteBuffer from = source.asByteBuffer();
    ByteBuffer to = target.asByteBuffer();
    if (size > PROBED_FROM && room < size && !anyPartShrinks(from, to, size, room)) {
      return 0;
    }
    int compressed = compress(from, 0, size, to, room);
    return compressed == 0 ? 0 : Frame.seal(target, compressed);
  }

  /**
   * LZ4 skips ahead only where it finds nothing at all. Data with a match here and there, too few
   * to be worth anything, would be searched to the end of the target at 1 GB/s.
   */
  private boolean anyPartShrinks(ByteBuffer from, ByteBuffer to, int size, int room) {
    // With room for the worst case the library has nothing to throw.
    int most = Math.min(room, compressor.maxCompressedLength(PROBE_BYTES));
    for (int probe = 0; probe < PROBES; probe++) {
      int at = (int) ((2L * probe + 1) * size / (2 * PROBES)) - PROBE_BYTES / 2;
      int compressed = compress(from, at, PROBE_BYTES, to, most);
      if (compressed > 0 && compressed <= PROBE_LIMIT_BYTES) {
        return true;
      }
    }
    return false;
  }

  /** The compressed length, 0 when that is more than {@code room}. */
  private int compress(ByteBuffer from, int at, int length, ByteBuffer to, int room) {
    try {
      return compressor.compress(from, at, length, to, HEADER_BYTES, room);
    } catch (LZ4Exception _) {
      return 0; // The library's only refusal of a valid block: it does not fit.
    }
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
