package io.lcpfs.codec;

import static io.lcpfs.error.PoolException.corrupt;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.tukaani.xz.FinishableOutputStream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.UnsupportedOptionsException;

/**
 * LZMA2 streams by the XZ library. The dictionary is the block's size rounded up to a power of two,
 * on both sides, so that what a reader allocates follows from the block's size alone.
 */
final class LzmaCodec implements Compressor {
  private static final String NAME = "lzma";
  private static final ValueLayout.OfShort SIZE =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /**
   * A whole LZMA2 chunk of our own holds some 64 KiB of compressed data or 2 MiB of plain data; an
   * average below this many plain bytes is a stream made to keep its reader busy.
   */
  private static final int LEAST_CHUNK_BYTES = 16 << 10;

  private static final int MOST_SHORT_CHUNKS = 4;

  private static final ScratchPool<LzmaScratch> POOL =
      new ScratchPool<>(4, LzmaScratch::new, _ -> {});

  private final int level;

  LzmaCodec(int level) {
    this.level = level;
  }

  /** {@code preset} matters to a writer only. */
  private static LZMA2Options options(int preset, int blockBytes)
      throws UnsupportedOptionsException {
    LZMA2Options options = new LZMA2Options(preset);
    int rounded = (int) Long.highestOneBit(blockBytes * 2L - 1);
    options.setDictSize(Math.max(LZMA2Options.DICT_SIZE_MIN, rounded));
    return options;
  }

  @Override
  public int compress(MemorySegment source, MemorySegment target) {
    Frame.checkBlock(source);
    int room = Frame.room(target);
    if (room <= 0 || !Compressors.looksCompressible(source, target)) {
      return 0;
    }
    LzmaScratch scratch = POOL.take();
    try {
      int size = (int) source.byteSize();
      byte[] data = scratch.data(size);
      MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, data, 0, size);
      LzmaScratch.Sink sink = scratch.sink(target, room);
      // Not closed: all that close would give back is in the scratch, and it throws once more.
      FinishableOutputStream encoder = options(level, size).getOutputStream(sink, scratch.arrays());
      encoder.write(data, 0, size);
      encoder.finish();
      return Frame.seal(target, sink.writtenBytes());
    } catch (LzmaScratch.Full _) {
      return 0;
    } catch (IOException impossible) {
      throw new IllegalStateException("levels 0 to 9 exist, memory does not fail", impossible);
    } finally {
      scratch.release();
      POOL.give(scratch);
    }
  }

  @Override
  public void decompress(MemorySegment source, MemorySegment target) {
    Frame.checkBlock(target);
    int length = Frame.open(source, NAME);
    int size = (int) target.byteSize();
    LzmaScratch scratch = POOL.take();
    try {
      checkChunks(source.asSlice(HEADER_BYTES, length), size);
      byte[] data = scratch.data(size);
      try (InputStream decoder =
          options(LZMA2Options.PRESET_MIN, size)
              .getInputStream(scratch.feed(source, length), scratch.arrays())) {
        int have = decoder.readNBytes(data, 0, size);
        if (have != size || decoder.read() >= 0) {
          throw corrupt(NAME, "not " + size + " bytes");
        }
      }
      MemorySegment.copy(data, 0, target, ValueLayout.JAVA_BYTE, 0, size);
    } catch (IOException | IndexOutOfBoundsException malformed) {
      throw corrupt(NAME, malformed.toString());
    } finally {
      scratch.release();
      POOL.give(scratch);
    }
  }

  /**
   * Walks the chunk headers before anything is decoded: together the chunks hold {@code
   * plainBytes}, end where the stream ends, only the first one brings decoder properties (each time
   * costs the reader an allocation), and they are not absurdly many.
   */
  private static void checkChunks(MemorySegment stream, int plainBytes) {
    long end = stream.byteSize();
    long plain = 0;
    long at = 0;
    int chunks = 0;
    boolean propertiesSeen = false;
    while (true) {
      int control = at < end ? stream.get(ValueLayout.JAVA_BYTE, at) & 0xFF : -1;
      if (control == 0) {
        break;
      }
      boolean packed = control >= 0x80;
      boolean properties = control >= 0xC0;
      int header = properties ? 6 : packed ? 5 : 3;
      boolean resets = control == 1 || control >= 0xE0;
      if (control < 0
          || (!packed && control > 2)
          || resets != (chunks == 0)
          || (properties && propertiesSeen)
          || end - at < header) {
        throw corrupt(NAME + ".chunk", control);
      }
      propertiesSeen |= properties;
      int low = stream.get(SIZE, at + 1) & 0xFFFF;
      int bytes = (packed ? (control & 0x1F) << 16 : 0) + low + 1;
      plain += bytes;
      at += header + (packed ? (stream.get(SIZE, at + 3) & 0xFFFF) + 1 : bytes);
      chunks++;
    }
    if (plain != plainBytes) {
      throw corrupt(NAME + ".plain_size", plain);
    }
    if (at != end - 1) {
      throw corrupt(NAME + ".stream_size", at);
    }
    if (chunks > MOST_SHORT_CHUNKS + plain / LEAST_CHUNK_BYTES) {
      throw corrupt(NAME + ".chunks", chunks);
    }
  }
}
