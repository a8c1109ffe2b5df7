package io.lcpfs.codec;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Fletcher-4 as many interleaved sums: stream j takes the words j, j + S, j + 2S of S streams (the
 * low and the high halves of each 64-bit lane), and the four sums of each stream give those of the
 * whole.
 *
 * <p>A word that is K-th from the end counts C(K,1), C(K+1,2), C(K+2,3) times in the second to
 * fourth sum. In stream j a word that is k-th from the stream's end has K = S * k - j. Each of
 * those three polynomials in k is a whole-number combination of 1, C(k,1), C(k+1,2), C(k+2,3),
 * which are the counts of the stream's own sums; the factors follow from the values at k = 0, -1,
 * -2, -3.
 */
final class Fletcher4Vector {
  private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final int STREAMS = 2 * LANES;

  /** Bytes per step: one vector. */
  private static final int STEP = SPECIES.vectorByteSize();

  private static final int LEAST_BYTES = 8 * STEP;

  /** For sum s of the whole (0 to 3) and stream j: the factors of the stream's four sums. */
  private static final long[] FACTORS = factors();

  private Fletcher4Vector() {}

  private static long[] factors() {
    long[] factors = new long[4 * STREAMS * 4];
    for (int stream = 0; stream < STREAMS; stream++) {
      for (int sum = 0; sum < 4; sum++) {
        long[] p = new long[4];
        for (int i = 0; i < 4; i++) {
          p[i] = count(sum, -(long) STREAMS * i - stream);
        }
        int at = (sum * STREAMS + stream) * 4;
        factors[at] = p[0];
        factors[at + 1] = p[0] - p[1];
        factors[at + 2] = p[0] - 2 * p[1] + p[2];
        factors[at + 3] = p[0] - 3 * p[1] + 3 * p[2] - p[3];
      }
    }
    return factors;
  }

  /** How often a word counts in sum {@code sum} when it is {@code k}-th from the end. */
  private static long count(int sum, long k) {
    return switch (sum) {
      case 0 -> 1;
      case 1 -> k;
      case 2 -> k * (k + 1) / 2;
      default -> k * (k + 1) * (k + 2) / 6;
    };
  }

  /** Writes the sums of all of {@code data}, 32 bytes, to {@code out}. */
  static void hash(MemorySegment data, MemorySegment out, long outOffsetBytes) {
    long end = data.byteSize() / STEP * STEP;
    if (end < LEAST_BYTES) {
      Fletcher4.hash(data, out, outOffsetBytes);
      return;
    }
    LongVector zero = LongVector.zero(SPECIES);
    LongVector lowA = zero;
    LongVector lowB = zero;
    LongVector lowC = zero;
    LongVector lowD = zero;
    LongVector highA = zero;
    LongVector highB = zero;
    LongVector highC = zero;
    LongVector highD = zero;
    for (long at = 0; at < end; at += STEP) {
      LongVector words = LongVector.fromMemorySegment(SPECIES, data, at, LITTLE_ENDIAN);
      lowA = lowA.add(words.and(0xFFFF_FFFFL));
      highA = highA.add(words.lanewise(VectorOperators.LSHR, 32));
      lowB = lowB.add(lowA);
      highB = highB.add(highA);
      lowC = lowC.add(lowB);
      highC = highC.add(highB);
      lowD = lowD.add(lowC);
      highD = highD.add(highC);
    }
    long[] sums = new long[8 * LANES];
    lowA.intoArray(sums, 0);
    lowB.intoArray(sums, LANES);
    lowC.intoArray(sums, 2 * LANES);
    lowD.intoArray(sums, 3 * LANES);
    highA.intoArray(sums, 4 * LANES);
    highB.intoArray(sums, 5 * LANES);
    highC.intoArray(sums, 6 * LANES);
    highD.intoArray(sums, 7 * LANES);
    Fletcher4.continueFrom(
        whole(sums, 0),
        whole(sums, 1),
        whole(sums, 2),
        whole(sums, 3),
        data,
        end,
        out,
        outOffsetBytes);
  }

  private static long whole(long[] sums, int sum) {
    long total = 0;
    for (int stream = 0; stream < STREAMS; stream++) {
      int at = (sum * STREAMS + stream) * 4;
      int from = (stream & 1) * 4 * LANES + stream / 2;
      for (int i = 0; i <= sum; i++) {
        total += FACTORS[at + i] * sums[from + i * LANES];
      }
    }
    return total;
  }
}
