package io.lcpfs.zap;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * SipHash-2-4 with a 128-bit key and a 64-bit result: an outsider who can choose names but does not
 * know the key cannot make them collide. Source: Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF".
 */
final class SipHash {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, LITTLE_ENDIAN);

  private SipHash() {}

  static long hash(long k0, long k1, byte[] bytes, int offset, int length) {
    long v0 = k0 ^ 0x736f6d6570736575L;
    long v1 = k1 ^ 0x646f72616e646f6dL;
    long v2 = k0 ^ 0x6c7967656e657261L;
    long v3 = k1 ^ 0x7465646279746573L;
    int wholeEnd = offset + (length & ~7);
    // Words of eight bytes, the last one with what is left and the length on top; then four rounds
    // more.
    for (int at = offset, finish = 0; finish < 3; ) {
      long m;
      int rounds = 2;
      if (at < wholeEnd) {
        m = (long) LONG.get(bytes, at);
        at += 8;
      } else if (finish == 0) {
        m = lastWord(bytes, wholeEnd, length);
        finish = 1;
      } else {
        m = 0;
        v2 ^= 0xff;
        rounds = 4;
        finish = 3;
      }
      v3 ^= m;
      for (int i = 0; i < rounds; i++) {
        v0 += v1;
        v1 = Long.rotateLeft(v1, 13) ^ v0;
        v0 = Long.rotateLeft(v0, 32);
        v2 += v3;
        v3 = Long.rotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = Long.rotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = Long.rotateLeft(v1, 17) ^ v2;
        v2 = Long.rotateLeft(v2, 32);
      }
      v0 ^= m;
    }
    return v0 ^ v1 ^ v2 ^ v3;
  }

  private static long lastWord(byte[] bytes, int from, int length) {
    long word = (long) length << 56;
    for (int i = 0; i < (length & 7); i++) {
      word |= (bytes[from + i] & 0xffL) << (8 * i);
    }
    return word;
  }
}
