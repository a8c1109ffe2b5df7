package io.lcpfs.codec;

import static io.lcpfs.error.PoolException.corrupt;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * ZSTD by the native library, one frame per block with its content size. A block is decompressed in
 * one step into its target, which serves as the window, so that whatever window a frame claims
 * allocates nothing.
 */
final class ZstdCodec implements Compressor {
  /** From this level on a cheaper algorithm first tells whether trying is worth it. */
  private static final int FIRST_GUARDED_LEVEL = 3;

  private static final String NAME = "zstd";
  private static final int MAGIC = 0xFD2FB528;
  private static final ValueLayout.OfInt WORD =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Compression contexts keep up to tens of MiB at high levels: only a few are kept per level. */
  private static final int IDLE_COMPRESSORS = 4;

  private static final int IDLE_DECOMPRESSORS = 16;

  private static final ScratchPool<ZstdDecompressCtx> DECOMPRESSORS =
      new ScratchPool<>(IDLE_DECOMPRESSORS, ZstdDecompressCtx::new, ZstdDecompressCtx::close);

  private final ScratchPool<ZstdCompressCtx> compressors;
  private final int level;

  ZstdCodec(int level) {
    this.level = level;
    this.compressors =
        new ScratchPool<>(
            IDLE_COMPRESSORS,
            () -> new ZstdCompressCtx().setLevel(level).setContentSize(true).setChecksum(false),
            ZstdCompressCtx::close);
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
    if (level >= FIRST_GUARDED_LEVEL && !Compressors.looksCompressible(source, target)) {
      return 0;
    }
    ZstdCompressCtx context = compressors.take();
    try {
      int compressed =
          context.compressDirectByteBuffer(
              target.asByteBuffer(),
              HEADER_BYTES,
              room,
              source.asByteBuffer(),
              0,
              (int) source.byteSize());
      return Frame.seal(target, compressed);
    } catch (ZstdException refusal) {
      if (refusal.getErrorCode() == Zstd.errDstSizeTooSmall()) {
        return 0;
      }
      throw refusal;
    } finally {
      compressors.give(context);
    }
  }

  @Override
  public void decompress(MemorySegment source, MemorySegment target) {
    Frame.checkBlock(target);
    NativeBuffers.run(source, target, ZstdCodec::decompressNative);
  }

  private static int decompressNative(MemorySegment source, MemorySegment target) {
    int length = Frame.open(source, NAME);
    int size = (int) target.byteSize();
    ByteBuffer from = source.asByteBuffer();
    checkFrame(source, from, length, size);
    ZstdDecompressCtx context = DECOMPRESSORS.take();
    int written;
    try {
      written =
          context.decompressDirectByteBuffer(
              target.asByteBuffer(), 0, size, from, HEADER_BYTES, length);
    } catch (ZstdException malformed) {
      throw corrupt(NAME, String.valueOf(malformed.getMessage()));
    } finally {
      DECOMPRESSORS.give(context);
    }
    if (written != size) {
      throw corrupt(NAME, written + " bytes instead of " + size);
    }
    return size;
  }

  /** Exactly one frame, of the current format, that says it holds {@code size} bytes. */
  private static void checkFrame(MemorySegment source, ByteBuffer from, int length, int size) {
    if (length < Integer.BYTES || source.get(WORD, HEADER_BYTES) != MAGIC) {
      throw corrupt(NAME + ".magic", length < Integer.BYTES ? 0 : source.get(WORD, HEADER_BYTES));
    }
    long claimed = Zstd.getDirectByteBufferFrameContentSize(from, HEADER_BYTES, length);
    if (claimed != size) {
      throw corrupt(NAME + ".content_size", claimed);
    }
    long frame = Zstd.findDirectByteBufferFrameCompressedSize(from, HEADER_BYTES, length);
    if (frame != length) {
      throw corrupt(NAME + ".frame_size", frame);
    }
  }
}
