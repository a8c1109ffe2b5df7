package io.lcpfs.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Fletcher's checksum with four running 64-bit sums over little-endian 32-bit words: every word
 * adds to the first sum, the first to the second, and so on. A length that is not a multiple of
 * four counts as if zeros followed.
 */
final class Fletcher4 {
  private static final ValueLayout.OfInt WORD =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong SUM =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Fletcher4() {}

  /** Writes the sums of all of {@code data}, 32 bytes, to {@code out}. */
  static void hash(MemorySegment data, MemorySegment out, long outOffsetBytes) {
    continueFrom(0, 0, 0, 0, data, 0, out, outOffsetBytes);
  }

  /** As {@link #hash}, with the sums of the bytes before {@code fromBytes} known. */
  static void continueFrom(
      long a0,
      long b0,
      long c0,
      long d0,
      MemorySegment data,
      long fromBytes,
      MemorySegment out,
      long outOffsetBytes) {
    long a = a0;
    long b = b0;
    long c = c0;
    long d = d0;
    long length = data.byteSize();
    long offset = fromBytes;
    for (; offset <= length - 4; offset += 4) {
      a += data.get(WORD, offset) & 0xFFFF_FFFFL;
      b += a;
      c += b;
      d += c;
    }
    if (offset < length) {
      long last = 0;
      for (int i = 0; offset + i < length; i++) {
        last |= (data.get(ValueLayout.JAVA_BYTE, offset + i) & 0xFFL) << (8 * i);
      }
      a += last;
      b += a;
      c += b;
      d += c;
    }
    out.set(SUM, outOffsetBytes, a);
    out.set(SUM, outOffsetBytes + 8, b);
    out.set(SUM, outOffsetBytes + 16, c);
    out.set(SUM, outOffsetBytes + 24, d);
  }
}
