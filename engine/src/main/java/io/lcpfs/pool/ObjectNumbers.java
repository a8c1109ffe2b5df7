package io.lcpfs.pool;

import java.util.TreeMap;
import java.util.function.LongConsumer;

/** A set of object numbers: a bit each, where there are any. */
final class ObjectNumbers {
  private static final int CHUNK_BITS = 1 << 12;

  private final TreeMap<Long, long[]> chunks = new TreeMap<>();

  /** Adds a number; answers false when it was there already. */
  boolean add(long number) {
    long[] chunk = chunks.computeIfAbsent(number / CHUNK_BITS, c -> new long[CHUNK_BITS / 64]);
    int bit = (int) (number % CHUNK_BITS);
    boolean added = (chunk[bit >>> 6] & 1L << (bit & 63)) == 0;
    chunk[bit >>> 6] |= 1L << (bit & 63);
    return added;
  }

  boolean contains(long number) {
    long[] chunk = chunks.get(number / CHUNK_BITS);
    int bit = (int) (number % CHUNK_BITS);
    return chunk != null && (chunk[bit >>> 6] & 1L << (bit & 63)) != 0;
  }

  /** Visits all numbers, the lowest first. */
  void forEach(LongConsumer visitor) {
    chunks.forEach(
        (id, chunk) -> {
          for (int word = 0; word < chunk.length; word++) {
            for (long rest = chunk[word]; rest != 0; rest &= rest - 1) {
              visitor.accept(id * CHUNK_BITS + word * 64L + Long.numberOfTrailingZeros(rest));
            }
          }
        });
  }
}
