package io.lcpfs.codec;

import static io.lcpfs.error.PoolException.corrupt;

/** The compression algorithms, by their number on disk. The level is not needed to decompress. */
public enum CompressionType {
  OFF(0),
  LZ4(1),
  ZSTD(2),
  LZMA(3);

  private final int code;

  CompressionType(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }

  /** The algorithm of an on-disk number; Corrupt when there is none. */
  public static CompressionType ofCode(int code) {
    return switch (code) {
      case 0 -> OFF;
      case 1 -> LZ4;
      case 2 -> ZSTD;
      case 3 -> LZMA;
      default -> throw corrupt("block_pointer.compression", code);
    };
  }
}
