package io.lcpfs.sim.world;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A running 64-bit hash: equal sequences give equal values. Not meant to withstand an adversary.
 */
public final class Digest {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long PRIME_1 = 0x9E3779B185EBCA87L;
  private static final long PRIME_2 = 0xC2B2AE3D27D4EB4FL;

  private long value = 0x27D4EB2F165667C5L;

  public void add(long number) {
    value = Long.rotateLeft(value ^ (number * PRIME_2), 27) * PRIME_1 + 0x85EBCA77C2B2AE63L;
  }

  public void add(String text) {
    add(of(text));
  }

  public long value() {
    return SimRandom.mix(value);
  }

  public static long of(String text) {
    Digest digest = new Digest();
    digest.add(text.length());
    for (int i = 0; i < text.length(); i++) {
      digest.add(text.charAt(i));
    }
    return digest.value();
  }

  public static long of(byte[] bytes) {
    return of(MemorySegment.ofArray(bytes));
  }

  /** A hash of length and content. */
  public static long of(MemorySegment bytes) {
    long size = bytes.byteSize();
    long a = size * PRIME_1;
    long b = PRIME_2;
    long offset = 0;
    for (; offset + 16 <= size; offset += 16) {
      a = Long.rotateLeft(a + bytes.get(LONG, offset) * PRIME_2, 31) * PRIME_1;
      b = Long.rotateLeft(b + bytes.get(LONG, offset + 8) * PRIME_1, 29) * PRIME_2;
    }
    for (; offset < size; offset++) {
      a = Long.rotateLeft(a ^ (bytes.get(ValueLayout.JAVA_BYTE, offset) * PRIME_2), 23) * PRIME_1;
    }
    return SimRandom.mix(a ^ Long.rotateLeft(b, 17));
  }
}
