package io.lcpfs.codec;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ROR;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The BLAKE3 compression function on as many blocks at once as a vector has lanes, 16 or 8. Between
 * methods everything travels in arrays, because a vector handed to a method that is not inlined is
 * boxed; each method is small enough to be compiled by itself within a fraction of a second. Arrays
 * are word-major: {@code L} words 0 of all lanes, then {@code L} words 1, and so on.
 */
final class Blake3Lanes {
  private static final VectorSpecies<Integer> S =
      IntVector.SPECIES_PREFERRED.length() >= 16 ? IntVector.SPECIES_512 : IntVector.SPECIES_256;

  /** Lanes: how many blocks are compressed at once. */
  static final int L = S.length();

  /** Whether vectors of this shape are the machine's own; if not they are slower than none. */
  static final boolean USABLE = IntVector.SPECIES_PREFERRED.length() >= 8;

  /** Consecutive chunks of one segment that go to neighbouring lanes. */
  static final int GROUP = 4;

  /** The place in the message array of each word that a round takes, seven rounds of 16. */
  private static final int[] SCHEDULE = schedule();

  private static final IntVector LOW_1 = exchange(1, 0);
  private static final IntVector HIGH_1 = exchange(1, 1);
  private static final IntVector LOW_2 = exchange(2, 0);
  private static final IntVector HIGH_2 = exchange(2, 2);
  private static final IntVector LOW_4 = exchange(4, 0);
  private static final IntVector HIGH_4 = exchange(4, 4);
  private static final IntVector LOW_8 = exchange(8 % L, 0);
  private static final IntVector HIGH_8 = exchange(8 % L, 8 % L);
  private static final IntVector EVEN = everySecond(0);
  private static final IntVector ODD = everySecond(1);

  private Blake3Lanes() {}

  private static int[] schedule() {
    int[] permutation = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
    int[] places = new int[7 * 16];
    for (int i = 0; i < 16; i++) {
      places[i] = i * L;
    }
    for (int i = 16; i < places.length; i++) {
      places[i] = places[i / 16 * 16 - 16 + permutation[i % 16]];
    }
    return places;
  }

  /**
   * One step of a transposition: of two rows that are {@code distance} apart, the lanes with bit
   * {@code distance} equal to that of {@code bit}, from the first row and from the second in turn.
   */
  private static IntVector exchange(int distance, int bit) {
    int[] lanes = new int[L];
    for (int i = 0; i < L; i++) {
      lanes[i] = ((i & ~distance) | bit) + ((i & distance) == 0 ? 0 : L);
    }
    return IntVector.fromArray(S, lanes, 0);
  }

  private static IntVector everySecond(int first) {
    int[] lanes = new int[L];
    for (int i = 0; i < L; i++) {
      lanes[i] = 2 * i + first;
    }
    return IntVector.fromArray(S, lanes, 0);
  }

  /** Sets all chaining values to the key of unkeyed hashing. */
  static void start(int[] h) {
    IntVector.broadcast(S, Blake3Compression.IV0).intoArray(h, 0);
    IntVector.broadcast(S, Blake3Compression.IV1).intoArray(h, L);
    IntVector.broadcast(S, Blake3Compression.IV2).intoArray(h, 2 * L);
    IntVector.broadcast(S, Blake3Compression.IV3).intoArray(h, 3 * L);
    IntVector.broadcast(S, Blake3Compression.IV4).intoArray(h, 4 * L);
    IntVector.broadcast(S, Blake3Compression.IV5).intoArray(h, 5 * L);
    IntVector.broadcast(S, Blake3Compression.IV6).intoArray(h, 6 * L);
    IntVector.broadcast(S, Blake3Compression.IV7).intoArray(h, 7 * L);
  }

  /**
   * Compresses a block of 64 bytes in each lane.
   *
   * @param h 8 * L chaining words, replaced by the new ones
   * @param m 16 * L message words
   * @param counters the low half of each lane's chunk counter
   * @param counterHigh the upper half, the same in all lanes
   */
  static void compress(int[] h, int[] m, int[] counters, int counterHigh, int flags) {
    IntVector v0 = IntVector.fromArray(S, h, 0);
    IntVector v1 = IntVector.fromArray(S, h, L);
    IntVector v2 = IntVector.fromArray(S, h, 2 * L);
    IntVector v3 = IntVector.fromArray(S, h, 3 * L);
    IntVector v4 = IntVector.fromArray(S, h, 4 * L);
    IntVector v5 = IntVector.fromArray(S, h, 5 * L);
    IntVector v6 = IntVector.fromArray(S, h, 6 * L);
    IntVector v7 = IntVector.fromArray(S, h, 7 * L);
    IntVector v8 = IntVector.broadcast(S, Blake3Compression.IV0);
    IntVector v9 = IntVector.broadcast(S, Blake3Compression.IV1);
    IntVector v10 = IntVector.broadcast(S, Blake3Compression.IV2);
    IntVector v11 = IntVector.broadcast(S, Blake3Compression.IV3);
    IntVector v12 = IntVector.fromArray(S, counters, 0);
    IntVector v13 = IntVector.broadcast(S, counterHigh);
    IntVector v14 = IntVector.broadcast(S, Blake3Scratch.BLOCK_BYTES);
    IntVector v15 = IntVector.broadcast(S, flags);
    for (int r = 0; r < SCHEDULE.length; r += 16) {
      // Columns.
      v0 = v0.add(v4).add(IntVector.fromArray(S, m, SCHEDULE[r]));
      v1 = v1.add(v5).add(IntVector.fromArray(S, m, SCHEDULE[r + 2]));
      v2 = v2.add(v6).add(IntVector.fromArray(S, m, SCHEDULE[r + 4]));
      v3 = v3.add(v7).add(IntVector.fromArray(S, m, SCHEDULE[r + 6]));
      v12 = v12.lanewise(XOR, v0).lanewise(ROR, 16);
      v13 = v13.lanewise(XOR, v1).lanewise(ROR, 16);
      v14 = v14.lanewise(XOR, v2).lanewise(ROR, 16);
      v15 = v15.lanewise(XOR, v3).lanewise(ROR, 16);
      v8 = v8.add(v12);
      v9 = v9.add(v13);
      v10 = v10.add(v14);
      v11 = v11.add(v15);
      v4 = v4.lanewise(XOR, v8).lanewise(ROR, 12);
      v5 = v5.lanewise(XOR, v9).lanewise(ROR, 12);
      v6 = v6.lanewise(XOR, v10).lanewise(ROR, 12);
      v7 = v7.lanewise(XOR, v11).lanewise(ROR, 12);
      v0 = v0.add(v4).add(IntVector.fromArray(S, m, SCHEDULE[r + 1]));
      v1 = v1.add(v5).add(IntVector.fromArray(S, m, SCHEDULE[r + 3]));
      v2 = v2.add(v6).add(IntVector.fromArray(S, m, SCHEDULE[r + 5]));
      v3 = v3.add(v7).add(IntVector.fromArray(S, m, SCHEDULE[r + 7]));
      v12 = v12.lanewise(XOR, v0).lanewise(ROR, 8);
      v13 = v13.lanewise(XOR, v1).lanewise(ROR, 8);
      v14 = v14.lanewise(XOR, v2).lanewise(ROR, 8);
      v15 = v15.lanewise(XOR, v3).lanewise(ROR, 8);
      v8 = v8.add(v12);
      v9 = v9.add(v13);
      v10 = v10.add(v14);
      v11 = v11.add(v15);
      v4 = v4.lanewise(XOR, v8).lanewise(ROR, 7);
      v5 = v5.lanewise(XOR, v9).lanewise(ROR, 7);
      v6 = v6.lanewise(XOR, v10).lanewise(ROR, 7);
      v7 = v7.lanewise(XOR, v11).lanewise(ROR, 7);
      // Diagonals.
      v0 = v0.add(v5).add(IntVector.fromArray(S, m, SCHEDULE[r + 8]));
      v1 = v1.add(v6).add(IntVector.fromArray(S, m, SCHEDULE[r + 10]));
      v2 = v2.add(v7).add(IntVector.fromArray(S, m, SCHEDULE[r + 12]));
      v3 = v3.add(v4).add(IntVector.fromArray(S, m, SCHEDULE[r + 14]));
      v15 = v15.lanewise(XOR, v0).lanewise(ROR, 16);
      v12 = v12.lanewise(XOR, v1).lanewise(ROR, 16);
      v13 = v13.lanewise(XOR, v2).lanewise(ROR, 16);
      v14 = v14.lanewise(XOR, v3).lanewise(ROR, 16);
      v10 = v10.add(v15);
      v11 = v11.add(v12);
      v8 = v8.add(v13);
      v9 = v9.add(v14);
      v5 = v5.lanewise(XOR, v10).lanewise(ROR, 12);
      v6 = v6.lanewise(XOR, v11).lanewise(ROR, 12);
      v7 = v7.lanewise(XOR, v8).lanewise(ROR, 12);
      v4 = v4.lanewise(XOR, v9).lanewise(ROR, 12);
      v0 = v0.add(v5).add(IntVector.fromArray(S, m, SCHEDULE[r + 9]));
      v1 = v1.add(v6).add(IntVector.fromArray(S, m, SCHEDULE[r + 11]));
      v2 = v2.add(v7).add(IntVector.fromArray(S, m, SCHEDULE[r + 13]));
      v3 = v3.add(v4).add(IntVector.fromArray(S, m, SCHEDULE[r + 15]));
      v15 = v15.lanewise(XOR, v0).lanewise(ROR, 8);
      v12 = v12.lanewise(XOR, v1).lanewise(ROR, 8);
      v13 = v13.lanewise(XOR, v2).lanewise(ROR, 8);
      v14 = v14.lanewise(XOR, v3).lanewise(ROR, 8);
      v10 = v10.add(v15);
      v11 = v11.add(v12);
      v8 = v8.add(v13);
      v9 = v9.add(v14);
      v5 = v5.lanewise(XOR, v10).lanewise(ROR, 7);
      v6 = v6.lanewise(XOR, v11).lanewise(ROR, 7);
      v7 = v7.lanewise(XOR, v8).lanewise(ROR, 7);
      v4 = v4.lanewise(XOR, v9).lanewise(ROR, 7);
    }
    v0.lanewise(XOR, v8).intoArray(h, 0);
    v1.lanewise(XOR, v9).intoArray(h, L);
    v2.lanewise(XOR, v10).intoArray(h, 2 * L);
    v3.lanewise(XOR, v11).intoArray(h, 3 * L);
    v4.lanewise(XOR, v12).intoArray(h, 4 * L);
    v5.lanewise(XOR, v13).intoArray(h, 5 * L);
    v6.lanewise(XOR, v14).intoArray(h, 6 * L);
    v7.lanewise(XOR, v15).intoArray(h, 7 * L);
  }

  /**
   * Takes one 64-byte block of each of 16 chunks to the message array: lanes 4k to 4k+3 from the
   * four chunks that follow each other in {@code sk}, the first block at {@code ok}.
   */
  static void gather16(
      MemorySegment s0,
      long o0,
      MemorySegment s1,
      long o1,
      MemorySegment s2,
      long o2,
      MemorySegment s3,
      long o3,
      int[] m) {
    IntVector a0 = IntVector.fromMemorySegment(S, s0, o0, LITTLE_ENDIAN);
    IntVector a1 = IntVector.fromMemorySegment(S, s0, o0 + 1024, LITTLE_ENDIAN);
    IntVector a2 = IntVector.fromMemorySegment(S, s0, o0 + 2048, LITTLE_ENDIAN);
    IntVector a3 = IntVector.fromMemorySegment(S, s0, o0 + 3072, LITTLE_ENDIAN);
    IntVector a4 = IntVector.fromMemorySegment(S, s1, o1, LITTLE_ENDIAN);
    IntVector a5 = IntVector.fromMemorySegment(S, s1, o1 + 1024, LITTLE_ENDIAN);
    IntVector a6 = IntVector.fromMemorySegment(S, s1, o1 + 2048, LITTLE_ENDIAN);
    IntVector a7 = IntVector.fromMemorySegment(S, s1, o1 + 3072, LITTLE_ENDIAN);
    IntVector a8 = IntVector.fromMemorySegment(S, s2, o2, LITTLE_ENDIAN);
    IntVector a9 = IntVector.fromMemorySegment(S, s2, o2 + 1024, LITTLE_ENDIAN);
    IntVector a10 = IntVector.fromMemorySegment(S, s2, o2 + 2048, LITTLE_ENDIAN);
    IntVector a11 = IntVector.fromMemorySegment(S, s2, o2 + 3072, LITTLE_ENDIAN);
    IntVector a12 = IntVector.fromMemorySegment(S, s3, o3, LITTLE_ENDIAN);
    IntVector a13 = IntVector.fromMemorySegment(S, s3, o3 + 1024, LITTLE_ENDIAN);
    IntVector a14 = IntVector.fromMemorySegment(S, s3, o3 + 2048, LITTLE_ENDIAN);
    IntVector a15 = IntVector.fromMemorySegment(S, s3, o3 + 3072, LITTLE_ENDIAN);
    IntVector b0 = LOW_1.selectFrom(a0, a1);
    IntVector b1 = HIGH_1.selectFrom(a0, a1);
    IntVector b2 = LOW_1.selectFrom(a2, a3);
    IntVector b3 = HIGH_1.selectFrom(a2, a3);
    IntVector b4 = LOW_1.selectFrom(a4, a5);
    IntVector b5 = HIGH_1.selectFrom(a4, a5);
    IntVector b6 = LOW_1.selectFrom(a6, a7);
    IntVector b7 = HIGH_1.selectFrom(a6, a7);
    IntVector b8 = LOW_1.selectFrom(a8, a9);
    IntVector b9 = HIGH_1.selectFrom(a8, a9);
    IntVector b10 = LOW_1.selectFrom(a10, a11);
    IntVector b11 = HIGH_1.selectFrom(a10, a11);
    IntVector b12 = LOW_1.selectFrom(a12, a13);
    IntVector b13 = HIGH_1.selectFrom(a12, a13);
    IntVector b14 = LOW_1.selectFrom(a14, a15);
    IntVector b15 = HIGH_1.selectFrom(a14, a15);
    IntVector c0 = LOW_2.selectFrom(b0, b2);
    IntVector c2 = HIGH_2.selectFrom(b0, b2);
    IntVector c1 = LOW_2.selectFrom(b1, b3);
    IntVector c3 = HIGH_2.selectFrom(b1, b3);
    IntVector c4 = LOW_2.selectFrom(b4, b6);
    IntVector c6 = HIGH_2.selectFrom(b4, b6);
    IntVector c5 = LOW_2.selectFrom(b5, b7);
    IntVector c7 = HIGH_2.selectFrom(b5, b7);
    IntVector c8 = LOW_2.selectFrom(b8, b10);
    IntVector c10 = HIGH_2.selectFrom(b8, b10);
    IntVector c9 = LOW_2.selectFrom(b9, b11);
    IntVector c11 = HIGH_2.selectFrom(b9, b11);
    IntVector c12 = LOW_2.selectFrom(b12, b14);
    IntVector c14 = HIGH_2.selectFrom(b12, b14);
    IntVector c13 = LOW_2.selectFrom(b13, b15);
    IntVector c15 = HIGH_2.selectFrom(b13, b15);
    IntVector d0 = LOW_4.selectFrom(c0, c4);
    IntVector d4 = HIGH_4.selectFrom(c0, c4);
    IntVector d1 = LOW_4.selectFrom(c1, c5);
    IntVector d5 = HIGH_4.selectFrom(c1, c5);
    IntVector d2 = LOW_4.selectFrom(c2, c6);
    IntVector d6 = HIGH_4.selectFrom(c2, c6);
    IntVector d3 = LOW_4.selectFrom(c3, c7);
    IntVector d7 = HIGH_4.selectFrom(c3, c7);
    IntVector d8 = LOW_4.selectFrom(c8, c12);
    IntVector d12 = HIGH_4.selectFrom(c8, c12);
    IntVector d9 = LOW_4.selectFrom(c9, c13);
    IntVector d13 = HIGH_4.selectFrom(c9, c13);
    IntVector d10 = LOW_4.selectFrom(c10, c14);
    IntVector d14 = HIGH_4.selectFrom(c10, c14);
    IntVector d11 = LOW_4.selectFrom(c11, c15);
    IntVector d15 = HIGH_4.selectFrom(c11, c15);
    IntVector e0 = LOW_8.selectFrom(d0, d8);
    IntVector e8 = HIGH_8.selectFrom(d0, d8);
    IntVector e1 = LOW_8.selectFrom(d1, d9);
    IntVector e9 = HIGH_8.selectFrom(d1, d9);
    IntVector e2 = LOW_8.selectFrom(d2, d10);
    IntVector e10 = HIGH_8.selectFrom(d2, d10);
    IntVector e3 = LOW_8.selectFrom(d3, d11);
    IntVector e11 = HIGH_8.selectFrom(d3, d11);
    IntVector e4 = LOW_8.selectFrom(d4, d12);
    IntVector e12 = HIGH_8.selectFrom(d4, d12);
    IntVector e5 = LOW_8.selectFrom(d5, d13);
    IntVector e13 = HIGH_8.selectFrom(d5, d13);
    IntVector e6 = LOW_8.selectFrom(d6, d14);
    IntVector e14 = HIGH_8.selectFrom(d6, d14);
    IntVector e7 = LOW_8.selectFrom(d7, d15);
    IntVector e15 = HIGH_8.selectFrom(d7, d15);
    e0.intoArray(m, 0);
    e1.intoArray(m, L);
    e2.intoArray(m, 2 * L);
    e3.intoArray(m, 3 * L);
    e4.intoArray(m, 4 * L);
    e5.intoArray(m, 5 * L);
    e6.intoArray(m, 6 * L);
    e7.intoArray(m, 7 * L);
    e8.intoArray(m, 8 * L);
    e9.intoArray(m, 9 * L);
    e10.intoArray(m, 10 * L);
    e11.intoArray(m, 11 * L);
    e12.intoArray(m, 12 * L);
    e13.intoArray(m, 13 * L);
    e14.intoArray(m, 14 * L);
    e15.intoArray(m, 15 * L);
  }

  /** As {@link #gather16}, half a block (8 words, to {@code mAt}) of each of 8 chunks. */
  static void gather8(MemorySegment s0, long o0, MemorySegment s1, long o1, int[] m, int mAt) {
    IntVector a0 = IntVector.fromMemorySegment(S, s0, o0, LITTLE_ENDIAN);
    IntVector a1 = IntVector.fromMemorySegment(S, s0, o0 + 1024, LITTLE_ENDIAN);
    IntVector a2 = IntVector.fromMemorySegment(S, s0, o0 + 2048, LITTLE_ENDIAN);
    IntVector a3 = IntVector.fromMemorySegment(S, s0, o0 + 3072, LITTLE_ENDIAN);
    IntVector a4 = IntVector.fromMemorySegment(S, s1, o1, LITTLE_ENDIAN);
    IntVector a5 = IntVector.fromMemorySegment(S, s1, o1 + 1024, LITTLE_ENDIAN);
    IntVector a6 = IntVector.fromMemorySegment(S, s1, o1 + 2048, LITTLE_ENDIAN);
    IntVector a7 = IntVector.fromMemorySegment(S, s1, o1 + 3072, LITTLE_ENDIAN);
    IntVector b0 = LOW_1.selectFrom(a0, a1);
    IntVector b1 = HIGH_1.selectFrom(a0, a1);
    IntVector b2 = LOW_1.selectFrom(a2, a3);
    IntVector b3 = HIGH_1.selectFrom(a2, a3);
    IntVector b4 = LOW_1.selectFrom(a4, a5);
    IntVector b5 = HIGH_1.selectFrom(a4, a5);
    IntVector b6 = LOW_1.selectFrom(a6, a7);
    IntVector b7 = HIGH_1.selectFrom(a6, a7);
    IntVector c0 = LOW_2.selectFrom(b0, b2);
    IntVector c2 = HIGH_2.selectFrom(b0, b2);
    IntVector c1 = LOW_2.selectFrom(b1, b3);
    IntVector c3 = HIGH_2.selectFrom(b1, b3);
    IntVector c4 = LOW_2.selectFrom(b4, b6);
    IntVector c6 = HIGH_2.selectFrom(b4, b6);
    IntVector c5 = LOW_2.selectFrom(b5, b7);
    IntVector c7 = HIGH_2.selectFrom(b5, b7);
    IntVector d0 = LOW_4.selectFrom(c0, c4);
    IntVector d4 = HIGH_4.selectFrom(c0, c4);
    IntVector d1 = LOW_4.selectFrom(c1, c5);
    IntVector d5 = HIGH_4.selectFrom(c1, c5);
    IntVector d2 = LOW_4.selectFrom(c2, c6);
    IntVector d6 = HIGH_4.selectFrom(c2, c6);
    IntVector d3 = LOW_4.selectFrom(c3, c7);
    IntVector d7 = HIGH_4.selectFrom(c3, c7);
    d0.intoArray(m, mAt);
    d1.intoArray(m, mAt + L);
    d2.intoArray(m, mAt + 2 * L);
    d3.intoArray(m, mAt + 3 * L);
    d4.intoArray(m, mAt + 4 * L);
    d5.intoArray(m, mAt + 5 * L);
    d6.intoArray(m, mAt + 6 * L);
    d7.intoArray(m, mAt + 7 * L);
  }

  /**
   * Takes 2 * L neighbouring nodes to the message array as L parents' blocks.
   *
   * @param rows 8 rows of {@code stride} words: word w of node n at w * stride + n
   * @param at the first node
   */
  static void pair(int[] rows, int stride, int at, int[] m) {
    IntVector x0 = IntVector.fromArray(S, rows, at);
    IntVector y0 = IntVector.fromArray(S, rows, at + L);
    EVEN.selectFrom(x0, y0).intoArray(m, 0);
    ODD.selectFrom(x0, y0).intoArray(m, 8 * L);
    IntVector x1 = IntVector.fromArray(S, rows, stride + at);
    IntVector y1 = IntVector.fromArray(S, rows, stride + at + L);
    EVEN.selectFrom(x1, y1).intoArray(m, L);
    ODD.selectFrom(x1, y1).intoArray(m, 9 * L);
    IntVector x2 = IntVector.fromArray(S, rows, 2 * stride + at);
    IntVector y2 = IntVector.fromArray(S, rows, 2 * stride + at + L);
    EVEN.selectFrom(x2, y2).intoArray(m, 2 * L);
    ODD.selectFrom(x2, y2).intoArray(m, 10 * L);
    IntVector x3 = IntVector.fromArray(S, rows, 3 * stride + at);
    IntVector y3 = IntVector.fromArray(S, rows, 3 * stride + at + L);
    EVEN.selectFrom(x3, y3).intoArray(m, 3 * L);
    ODD.selectFrom(x3, y3).intoArray(m, 11 * L);
    IntVector x4 = IntVector.fromArray(S, rows, 4 * stride + at);
    IntVector y4 = IntVector.fromArray(S, rows, 4 * stride + at + L);
    EVEN.selectFrom(x4, y4).intoArray(m, 4 * L);
    ODD.selectFrom(x4, y4).intoArray(m, 12 * L);
    IntVector x5 = IntVector.fromArray(S, rows, 5 * stride + at);
    IntVector y5 = IntVector.fromArray(S, rows, 5 * stride + at + L);
    EVEN.selectFrom(x5, y5).intoArray(m, 5 * L);
    ODD.selectFrom(x5, y5).intoArray(m, 13 * L);
    IntVector x6 = IntVector.fromArray(S, rows, 6 * stride + at);
    IntVector y6 = IntVector.fromArray(S, rows, 6 * stride + at + L);
    EVEN.selectFrom(x6, y6).intoArray(m, 6 * L);
    ODD.selectFrom(x6, y6).intoArray(m, 14 * L);
    IntVector x7 = IntVector.fromArray(S, rows, 7 * stride + at);
    IntVector y7 = IntVector.fromArray(S, rows, 7 * stride + at + L);
    EVEN.selectFrom(x7, y7).intoArray(m, 7 * L);
    ODD.selectFrom(x7, y7).intoArray(m, 15 * L);
  }
}
