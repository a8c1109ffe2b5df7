package io.lcpfs.codec;

import java.lang.foreign.MemorySegment;

/** The compression algorithms. Their instances are shared and may be used from every thread. */
public final class Compressors {
  private static final Compressor OFF = new OffCodec();
  private static final ZstdCodec[] ZSTD = new ZstdCodec[20];
  private static final LzmaCodec[] LZMA = new LzmaCodec[10];

  /**
   * How much of a block is looked at first: enough to find repetition, a small part of the whole.
   */
  private static final int PROBE_BYTES = 16 << 10;

  static {
    for (int level = 1; level < ZSTD.length; level++) {
      ZSTD[level] = new ZstdCodec(level);
    }
    for (int level = 0; level < LZMA.length; level++) {
      LZMA[level] = new LzmaCodec(level);
    }
  }

  private Compressors() {}

  /** The compressor that a dataset asks for; that of OFF never shrinks anything. */
  public static Compressor of(Compression compression) {
    return switch (compression.type()) {
      case OFF -> OFF;
      case LZ4 -> Lz4Codec.INSTANCE;
      case ZSTD -> ZSTD[compression.level()];
      case LZMA -> LZMA[compression.level()];
    };
  }

  /** The algorithm that a block pointer names, to decompress with; any level reads all levels. */
  public static Compressor of(CompressionType type) {
    return switch (type) {
      case OFF -> OFF;
      case LZ4 -> Lz4Codec.INSTANCE;
      case ZSTD -> ZSTD[Compression.ZSTD_DEFAULT.level()];
      case LZMA -> LZMA[Compression.LZMA_DEFAULT.level()];
    };
  }

  /**
   * Whether a slow algorithm is worth trying on {@code source} so that it fits in {@code target},
   * which is scribbled on. Data that is compressed or encrypted already is recognised at several
   * GB/s by LZ4 and ZSTD-1, while a high level would search it at a few MB/s to find nothing. A
   * part from the middle is tried first, because that answers for most compressible blocks at once.
   * A target much smaller than the source is not judged: there a quick algorithm's failure says
   * little.
   */
  static boolean looksCompressible(MemorySegment source, MemorySegment target) {
    long size = source.byteSize();
    if (target.byteSize() < size * 3 / 4) {
      return true;
    }
    if (size > PROBE_BYTES) {
      MemorySegment probe = source.asSlice((size - PROBE_BYTES) / 2, PROBE_BYTES);
      long enough = target.byteSize() * PROBE_BYTES / size;
      if (Lz4Codec.INSTANCE.compress(probe, target.asSlice(0, enough)) > 0) {
        return true;
      }
    }
    return Lz4Codec.INSTANCE.compress(source, target) > 0 || ZSTD[1].compress(source, target) > 0;
  }
}
