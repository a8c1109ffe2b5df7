package io.lcpfs.alloc;

/** Runs of bits in an array of longs, lowest bit first. */
final class Bits {
  private Bits() {}

  static boolean get(long[] bits, int at) {
    return (bits[at >>> 6] >>> at & 1) != 0;
  }

  /** Sets the bits {@code from} (inclusive) to {@code to} (exclusive). */
  static void set(long[] bits, int from, int to) {
    if (from >= to) {
      return;
    }
    int first = from >>> 6;
    int last = (to - 1) >>> 6;
    long head = -1L << from;
    long tail = -1L >>> -to;
    if (first == last) {
      bits[first] |= head & tail;
      return;
    }
    bits[first] |= head;
    for (int word = first + 1; word < last; word++) {
      bits[word] = -1;
    }
    bits[last] |= tail;
  }
}
