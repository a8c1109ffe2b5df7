package io.lcpfs.codec;

/**
 * What a dataset asks for: an algorithm and, for ZSTD 1-19 and LZMA 0-9, a level. Parsed from and
 * printed as the property value: {@code off}, {@code lz4}, {@code zstd}, {@code zstd-7}, {@code
 * lzma}, {@code lzma-2}.
 */
public record Compression(CompressionType type, int level) {
  public static final Compression OFF = new Compression(CompressionType.OFF, 0);
  public static final Compression LZ4 = new Compression(CompressionType.LZ4, 0);
  public static final Compression ZSTD_DEFAULT = new Compression(CompressionType.ZSTD, 3);
}
