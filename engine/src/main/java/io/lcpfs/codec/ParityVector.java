package io.lcpfs.codec;

import static io.lcpfs.codec.ParityScalar.TILE_BYTES;
import static io.lcpfs.codec.ParityScalar.ZEROS;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Parity on vectors of bytes. Tile by tile, four columns at a time are added to sums that wait in
 * the nearest cache, by Horner's rule from the last column to the first: a vector of sums is
 * doubled by adding it to itself, and where the top bit was set the field's reduction is added.
 *
 * <p>Solving multiplies by constants. A product is linear in the bits of a byte, so it is the sum
 * of two entries of tables as long as a vector: one for the low bits that count up to that length,
 * one for the bits above. Its entries repeat, since what is shifted down from the next byte comes
 * along in the index.
 *
 * <p>The loops are written out, as a vector handed to a method that is not inlined is boxed, and
 * each is small enough to be compiled by itself. Loaded only where the vector module is.
 */
final class ParityVector implements ParityKernel {
  static final ParityKernel INSTANCE = new ParityVector();

  private static final VectorSpecies<Byte> B = ByteVector.SPECIES_PREFERRED;

  /** Bytes in a vector. */
  private static final int W = B.length();

  /** Whether two tables suffice; every machine with vectors at all has them that long. */
  static final boolean USABLE = W >= 16;

  /** Bytes that each loop handles in a whole number of steps; the scalar kernel has the rest. */
  private static final int STEP = 2 * W;

  /** Loops are fastest when they count in int, and in segments from their start. */
  private static final int MOST_BYTES = 1 << 30;

  /** How many low bits of a byte the first table is for. */
  private static final int LOW = Math.min(8, Integer.numberOfTrailingZeros(W));

  /** For each coefficient its table for the low bits, then that for the others. */
  private static final byte[] TABLES = tables();

  private static final byte REDUCTION = GaloisField.REDUCTION;
  private static final byte REDUCTION_OF_SECOND = 2 * GaloisField.REDUCTION;

  private ParityVector() {}

  private static byte[] tables() {
    byte[] tables = new byte[256 * STEP];
    for (int coefficient = 0; coefficient < 256; coefficient++) {
      for (int i = 0; i < W; i++) {
        int low = i & ((1 << LOW) - 1);
        int high = (i << LOW) & 0xFF;
        tables[coefficient * STEP + i] = (byte) GaloisField.multiply(low, coefficient);
        tables[coefficient * STEP + W + i] = (byte) GaloisField.multiply(high, coefficient);
      }
    }
    return tables;
  }

  @Override
  public void sums(
      @Nullable MemorySegment[] columns,
      int count,
      long at,
      MemorySegment[] rows,
      long rowsAt,
      long bytes) {
    long whole = count == 0 ? 0 : bytes - bytes % STEP;
    // Columns of zeros on top, so that the first step has all it takes.
    int first = rows.length == 1 && count > 4 ? 8 : 4;
    MemorySegment[] sources = new MemorySegment[Math.max(count, first)];
    MemorySegment[] sums = new MemorySegment[rows.length];
    boolean zeros = count < first || Arrays.asList(columns).subList(0, count).contains(null);
    long most = zeros ? TILE_BYTES : MOST_BYTES;
    for (long done = 0; done < whole; done += most) {
      int piece = (int) Math.min(most, whole - done);
      for (int i = 0; i < sources.length; i++) {
        MemorySegment column = i < count ? columns[i] : null;
        sources[i] = column == null ? ZEROS : column.asSlice(at + done, piece);
      }
      for (int r = 0; r < rows.length; r++) {
        sums[r] = rows[r].asSlice(rowsAt + done, piece);
      }
      for (int from = 0; from < piece; from += TILE_BYTES) {
        int to = Math.min(from + TILE_BYTES, piece);
        switch (rows.length) {
          case 1 -> tileOfP(sources, sums[0], from, to);
          case 2 -> tileOfPq(sources, sums[0], sums[1], from, to);
          default -> tileOfPqr(sources, sums, from, to);
        }
      }
    }
    if (whole < bytes) {
      ParityScalar.INSTANCE.sums(columns, count, at + whole, rows, rowsAt + whole, bytes - whole);
    }
  }

  private static void tileOfP(MemorySegment[] columns, MemorySegment p, int from, int to) {
    int left = columns.length - 4;
    if (left >= 4) {
      left -= 4;
      start8P(columns, left, p, from, to);
    } else {
      start4P(columns, left, p, from, to);
    }
    while (left >= 4) {
      left -= 4;
      add4P(columns, left, p, from, to);
    }
    while (left > 0) {
      left--;
      add1P(columns[left], p, from, to);
    }
  }

  private static void tileOfPq(
      MemorySegment[] columns, MemorySegment p, MemorySegment q, int from, int to) {
    int left = columns.length - 4;
    start4Pq(columns, left, p, q, from, to);
    while (left >= 4) {
      left -= 4;
      add4Pq(columns, left, p, q, from, to);
    }
    while (left > 0) {
      left--;
      add1Pq(columns[left], p, q, from, to);
    }
  }

  private static void tileOfPqr(MemorySegment[] columns, MemorySegment[] rows, int from, int to) {
    int left = columns.length - 4;
    start4Pqr(columns, left, rows, from, to);
    while (left >= 4) {
      left -= 4;
      add4Pqr(columns, left, rows, from, to);
    }
    while (left > 0) {
      left--;
      add1Pqr(columns[left], rows, from, to);
    }
  }

  /** P of eight columns. */
  private static void start8P(
      MemorySegment[] columns, int first, MemorySegment p, int from, int to) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    MemorySegment s4 = columns[first + 4];
    MemorySegment s5 = columns[first + 5];
    MemorySegment s6 = columns[first + 6];
    MemorySegment s7 = columns[first + 7];
    for (int i = from; i < to; i += W) {
      ByteVector.fromMemorySegment(B, s7, i, LITTLE_ENDIAN)
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s6, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s5, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s4, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s3, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s2, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s1, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN))
          .intoMemorySegment(p, i, LITTLE_ENDIAN);
    }
  }

  /** P of four columns. */
  private static void start4P(
      MemorySegment[] columns, int first, MemorySegment p, int from, int to) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    for (int i = from; i < to; i += W) {
      ByteVector.fromMemorySegment(B, s3, i, LITTLE_ENDIAN)
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s2, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s1, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN))
          .intoMemorySegment(p, i, LITTLE_ENDIAN);
    }
  }

  private static void add4P(MemorySegment[] columns, int first, MemorySegment p, int from, int to) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    for (int i = from; i < to; i += W) {
      ByteVector.fromMemorySegment(B, p, i, LITTLE_ENDIAN)
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s3, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s2, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s1, i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN))
          .intoMemorySegment(p, i, LITTLE_ENDIAN);
    }
  }

  private static void add1P(MemorySegment column, MemorySegment p, int from, int to) {
    for (int i = from; i < to; i += W) {
      ByteVector.fromMemorySegment(B, p, i, LITTLE_ENDIAN)
          .lanewise(XOR, ByteVector.fromMemorySegment(B, column, i, LITTLE_ENDIAN))
          .intoMemorySegment(p, i, LITTLE_ENDIAN);
    }
  }

  /** P and Q of four columns. */
  private static void start4Pq(
      MemorySegment[] columns,
      int first,
      MemorySegment rowP,
      MemorySegment rowQ,
      int from,
      int to) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    ByteVector zero = ByteVector.zero(B);
    for (int i = from; i < to; i += W) {
      ByteVector d = ByteVector.fromMemorySegment(B, s3, i, LITTLE_ENDIAN);
      ByteVector p = d;
      ByteVector q = d;
      d = ByteVector.fromMemorySegment(B, s2, i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s1, i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      p.intoMemorySegment(rowP, i, LITTLE_ENDIAN);
      q.intoMemorySegment(rowQ, i, LITTLE_ENDIAN);
    }
  }

  private static void add4Pq(
      MemorySegment[] columns,
      int first,
      MemorySegment rowP,
      MemorySegment rowQ,
      int from,
      int to) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    ByteVector zero = ByteVector.zero(B);
    for (int i = from; i < to; i += W) {
      ByteVector d = ByteVector.fromMemorySegment(B, s3, i, LITTLE_ENDIAN);
      ByteVector p = ByteVector.fromMemorySegment(B, rowP, i, LITTLE_ENDIAN).lanewise(XOR, d);
      ByteVector q = ByteVector.fromMemorySegment(B, rowQ, i, LITTLE_ENDIAN);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s2, i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s1, i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      p.intoMemorySegment(rowP, i, LITTLE_ENDIAN);
      q.intoMemorySegment(rowQ, i, LITTLE_ENDIAN);
    }
  }

  private static void add1Pq(
      MemorySegment column, MemorySegment rowP, MemorySegment rowQ, int from, int to) {
    ByteVector zero = ByteVector.zero(B);
    for (int i = from; i < to; i += W) {
      ByteVector d = ByteVector.fromMemorySegment(B, column, i, LITTLE_ENDIAN);
      ByteVector.fromMemorySegment(B, rowP, i, LITTLE_ENDIAN)
          .lanewise(XOR, d)
          .intoMemorySegment(rowP, i, LITTLE_ENDIAN);
      ByteVector q = ByteVector.fromMemorySegment(B, rowQ, i, LITTLE_ENDIAN);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q.intoMemorySegment(rowQ, i, LITTLE_ENDIAN);
    }
  }

  /** P, Q and R of four columns, two vectors at a time: one alone waits for its own results. */
  private static void start4Pqr(
      MemorySegment[] columns, int first, MemorySegment[] rows, int from, int to) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    MemorySegment rowP = rows[0];
    MemorySegment rowQ = rows[1];
    MemorySegment rowR = rows[2];
    ByteVector zero = ByteVector.zero(B);
    for (int i = from; i < to; i += STEP) {
      ByteVector d = ByteVector.fromMemorySegment(B, s3, i, LITTLE_ENDIAN);
      ByteVector e = ByteVector.fromMemorySegment(B, s3, i + W, LITTLE_ENDIAN);
      ByteVector p = d;
      ByteVector p2 = e;
      ByteVector q = d;
      ByteVector q2 = e;
      ByteVector r = d;
      ByteVector r2 = e;
      d = ByteVector.fromMemorySegment(B, s2, i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s2, i + W, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      p2 = p2.lanewise(XOR, e);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q2 = q2.add(q2).lanewise(XOR, zero.blend(REDUCTION, q2.compare(LT, zero))).lanewise(XOR, e);
      ByteVector t = r.add(r);
      r =
          t.add(t)
              .lanewise(XOR, zero.blend(REDUCTION, t.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r.compare(LT, zero)))
              .lanewise(XOR, d);
      ByteVector t2 = r2.add(r2);
      r2 =
          t2.add(t2)
              .lanewise(XOR, zero.blend(REDUCTION, t2.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r2.compare(LT, zero)))
              .lanewise(XOR, e);
      d = ByteVector.fromMemorySegment(B, s1, i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s1, i + W, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      p2 = p2.lanewise(XOR, e);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q2 = q2.add(q2).lanewise(XOR, zero.blend(REDUCTION, q2.compare(LT, zero))).lanewise(XOR, e);
      t = r.add(r);
      r =
          t.add(t)
              .lanewise(XOR, zero.blend(REDUCTION, t.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r.compare(LT, zero)))
              .lanewise(XOR, d);
      t2 = r2.add(r2);
      r2 =
          t2.add(t2)
              .lanewise(XOR, zero.blend(REDUCTION, t2.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r2.compare(LT, zero)))
              .lanewise(XOR, e);
      d = ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s0, i + W, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      p2 = p2.lanewise(XOR, e);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q2 = q2.add(q2).lanewise(XOR, zero.blend(REDUCTION, q2.compare(LT, zero))).lanewise(XOR, e);
      t = r.add(r);
      r =
          t.add(t)
              .lanewise(XOR, zero.blend(REDUCTION, t.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r.compare(LT, zero)))
              .lanewise(XOR, d);
      t2 = r2.add(r2);
      r2 =
          t2.add(t2)
              .lanewise(XOR, zero.blend(REDUCTION, t2.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r2.compare(LT, zero)))
              .lanewise(XOR, e);
      p.intoMemorySegment(rowP, i, LITTLE_ENDIAN);
      p2.intoMemorySegment(rowP, i + W, LITTLE_ENDIAN);
      q.intoMemorySegment(rowQ, i, LITTLE_ENDIAN);
      q2.intoMemorySegment(rowQ, i + W, LITTLE_ENDIAN);
      r.intoMemorySegment(rowR, i, LITTLE_ENDIAN);
      r2.intoMemorySegment(rowR, i + W, LITTLE_ENDIAN);
    }
  }

  private static void add4Pqr(
      MemorySegment[] columns, int first, MemorySegment[] rows, int from, int to) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    MemorySegment rowP = rows[0];
    MemorySegment rowQ = rows[1];
    MemorySegment rowR = rows[2];
    ByteVector zero = ByteVector.zero(B);
    for (int i = from; i < to; i += STEP) {
      ByteVector d = ByteVector.fromMemorySegment(B, s3, i, LITTLE_ENDIAN);
      ByteVector e = ByteVector.fromMemorySegment(B, s3, i + W, LITTLE_ENDIAN);
      ByteVector p = ByteVector.fromMemorySegment(B, rowP, i, LITTLE_ENDIAN).lanewise(XOR, d);
      ByteVector p2 = ByteVector.fromMemorySegment(B, rowP, i + W, LITTLE_ENDIAN).lanewise(XOR, e);
      ByteVector q = ByteVector.fromMemorySegment(B, rowQ, i, LITTLE_ENDIAN);
      ByteVector q2 = ByteVector.fromMemorySegment(B, rowQ, i + W, LITTLE_ENDIAN);
      ByteVector r = ByteVector.fromMemorySegment(B, rowR, i, LITTLE_ENDIAN);
      ByteVector r2 = ByteVector.fromMemorySegment(B, rowR, i + W, LITTLE_ENDIAN);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q2 = q2.add(q2).lanewise(XOR, zero.blend(REDUCTION, q2.compare(LT, zero))).lanewise(XOR, e);
      ByteVector t = r.add(r);
      r =
          t.add(t)
              .lanewise(XOR, zero.blend(REDUCTION, t.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r.compare(LT, zero)))
              .lanewise(XOR, d);
      ByteVector t2 = r2.add(r2);
      r2 =
          t2.add(t2)
              .lanewise(XOR, zero.blend(REDUCTION, t2.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r2.compare(LT, zero)))
              .lanewise(XOR, e);
      d = ByteVector.fromMemorySegment(B, s2, i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s2, i + W, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      p2 = p2.lanewise(XOR, e);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q2 = q2.add(q2).lanewise(XOR, zero.blend(REDUCTION, q2.compare(LT, zero))).lanewise(XOR, e);
      t = r.add(r);
      r =
          t.add(t)
              .lanewise(XOR, zero.blend(REDUCTION, t.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r.compare(LT, zero)))
              .lanewise(XOR, d);
      t2 = r2.add(r2);
      r2 =
          t2.add(t2)
              .lanewise(XOR, zero.blend(REDUCTION, t2.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r2.compare(LT, zero)))
              .lanewise(XOR, e);
      d = ByteVector.fromMemorySegment(B, s1, i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s1, i + W, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      p2 = p2.lanewise(XOR, e);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q2 = q2.add(q2).lanewise(XOR, zero.blend(REDUCTION, q2.compare(LT, zero))).lanewise(XOR, e);
      t = r.add(r);
      r =
          t.add(t)
              .lanewise(XOR, zero.blend(REDUCTION, t.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r.compare(LT, zero)))
              .lanewise(XOR, d);
      t2 = r2.add(r2);
      r2 =
          t2.add(t2)
              .lanewise(XOR, zero.blend(REDUCTION, t2.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r2.compare(LT, zero)))
              .lanewise(XOR, e);
      d = ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s0, i + W, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      p2 = p2.lanewise(XOR, e);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q2 = q2.add(q2).lanewise(XOR, zero.blend(REDUCTION, q2.compare(LT, zero))).lanewise(XOR, e);
      t = r.add(r);
      r =
          t.add(t)
              .lanewise(XOR, zero.blend(REDUCTION, t.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r.compare(LT, zero)))
              .lanewise(XOR, d);
      t2 = r2.add(r2);
      r2 =
          t2.add(t2)
              .lanewise(XOR, zero.blend(REDUCTION, t2.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r2.compare(LT, zero)))
              .lanewise(XOR, e);
      p.intoMemorySegment(rowP, i, LITTLE_ENDIAN);
      p2.intoMemorySegment(rowP, i + W, LITTLE_ENDIAN);
      q.intoMemorySegment(rowQ, i, LITTLE_ENDIAN);
      q2.intoMemorySegment(rowQ, i + W, LITTLE_ENDIAN);
      r.intoMemorySegment(rowR, i, LITTLE_ENDIAN);
      r2.intoMemorySegment(rowR, i + W, LITTLE_ENDIAN);
    }
  }

  private static void add1Pqr(MemorySegment column, MemorySegment[] rows, int from, int to) {
    MemorySegment rowP = rows[0];
    MemorySegment rowQ = rows[1];
    MemorySegment rowR = rows[2];
    ByteVector zero = ByteVector.zero(B);
    for (int i = from; i < to; i += W) {
      ByteVector d = ByteVector.fromMemorySegment(B, column, i, LITTLE_ENDIAN);
      ByteVector.fromMemorySegment(B, rowP, i, LITTLE_ENDIAN)
          .lanewise(XOR, d)
          .intoMemorySegment(rowP, i, LITTLE_ENDIAN);
      ByteVector q = ByteVector.fromMemorySegment(B, rowQ, i, LITTLE_ENDIAN);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q.intoMemorySegment(rowQ, i, LITTLE_ENDIAN);
      ByteVector r = ByteVector.fromMemorySegment(B, rowR, i, LITTLE_ENDIAN);
      ByteVector t = r.add(r);
      r =
          t.add(t)
              .lanewise(XOR, zero.blend(REDUCTION, t.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r.compare(LT, zero)))
              .lanewise(XOR, d);
      r.intoMemorySegment(rowR, i, LITTLE_ENDIAN);
    }
  }

  @Override
  public void solve(
      MemorySegment[] sums,
      MemorySegment[] parity,
      int[] coefficients,
      MemorySegment target,
      long at,
      long bytes) {
    long whole = bytes - bytes % STEP;
    MemorySegment[] known = new MemorySegment[sums.length];
    MemorySegment[] left = new MemorySegment[sums.length];
    for (long done = 0; done < whole; done += MOST_BYTES) {
      int piece = (int) Math.min(MOST_BYTES, whole - done);
      for (int j = 0; j < sums.length; j++) {
        left[j] = sums[j].asSlice(done, piece);
        known[j] = parity[j].asSlice(at + done, piece);
      }
      MemorySegment result = target.asSlice(at + done, piece);
      switch (sums.length) {
        case 1 -> solve1(left, known, coefficients, result, piece);
        case 2 -> solve2(left, known, coefficients, result, piece);
        default -> solve3(left, known, coefficients, result, piece);
      }
    }
    if (whole < bytes) {
      ParityScalar.solve(sums, parity, coefficients, target, at, whole, bytes);
    }
  }

  private static void solve1(
      MemorySegment[] sums,
      MemorySegment[] parity,
      int[] coefficients,
      MemorySegment target,
      int bytes) {
    MemorySegment s0 = sums[0];
    MemorySegment p0 = parity[0];
    ByteVector low0 = ByteVector.fromArray(B, TABLES, coefficients[0] * STEP);
    ByteVector high0 = ByteVector.fromArray(B, TABLES, coefficients[0] * STEP + W);
    for (int i = 0; i < bytes; i += W) {
      ByteVector v0 =
          ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p0, i, LITTLE_ENDIAN));
      v0.selectFrom(low0)
          .lanewise(
              XOR,
              v0.reinterpretAsLongs().lanewise(LSHR, LOW).reinterpretAsBytes().selectFrom(high0))
          .intoMemorySegment(target, i, LITTLE_ENDIAN);
    }
  }

  private static void solve2(
      MemorySegment[] sums,
      MemorySegment[] parity,
      int[] coefficients,
      MemorySegment target,
      int bytes) {
    MemorySegment s0 = sums[0];
    MemorySegment p0 = parity[0];
    ByteVector low0 = ByteVector.fromArray(B, TABLES, coefficients[0] * STEP);
    ByteVector high0 = ByteVector.fromArray(B, TABLES, coefficients[0] * STEP + W);
    MemorySegment s1 = sums[1];
    MemorySegment p1 = parity[1];
    ByteVector low1 = ByteVector.fromArray(B, TABLES, coefficients[1] * STEP);
    ByteVector high1 = ByteVector.fromArray(B, TABLES, coefficients[1] * STEP + W);
    for (int i = 0; i < bytes; i += W) {
      ByteVector v0 =
          ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p0, i, LITTLE_ENDIAN));
      ByteVector v1 =
          ByteVector.fromMemorySegment(B, s1, i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p1, i, LITTLE_ENDIAN));
      v0.selectFrom(low0)
          .lanewise(
              XOR,
              v0.reinterpretAsLongs().lanewise(LSHR, LOW).reinterpretAsBytes().selectFrom(high0))
          .lanewise(XOR, v1.selectFrom(low1))
          .lanewise(
              XOR,
              v1.reinterpretAsLongs().lanewise(LSHR, LOW).reinterpretAsBytes().selectFrom(high1))
          .intoMemorySegment(target, i, LITTLE_ENDIAN);
    }
  }

  private static void solve3(
      MemorySegment[] sums,
      MemorySegment[] parity,
      int[] coefficients,
      MemorySegment target,
      int bytes) {
    MemorySegment s0 = sums[0];
    MemorySegment p0 = parity[0];
    ByteVector low0 = ByteVector.fromArray(B, TABLES, coefficients[0] * STEP);
    ByteVector high0 = ByteVector.fromArray(B, TABLES, coefficients[0] * STEP + W);
    MemorySegment s1 = sums[1];
    MemorySegment p1 = parity[1];
    ByteVector low1 = ByteVector.fromArray(B, TABLES, coefficients[1] * STEP);
    ByteVector high1 = ByteVector.fromArray(B, TABLES, coefficients[1] * STEP + W);
    MemorySegment s2 = sums[2];
    MemorySegment p2 = parity[2];
    ByteVector low2 = ByteVector.fromArray(B, TABLES, coefficients[2] * STEP);
    ByteVector high2 = ByteVector.fromArray(B, TABLES, coefficients[2] * STEP + W);
    for (int i = 0; i < bytes; i += W) {
      ByteVector v0 =
          ByteVector.fromMemorySegment(B, s0, i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p0, i, LITTLE_ENDIAN));
      ByteVector v1 =
          ByteVector.fromMemorySegment(B, s1, i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p1, i, LITTLE_ENDIAN));
      ByteVector v2 =
          ByteVector.fromMemorySegment(B, s2, i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p2, i, LITTLE_ENDIAN));
      v0.selectFrom(low0)
          .lanewise(
              XOR,
              v0.reinterpretAsLongs().lanewise(LSHR, LOW).reinterpretAsBytes().selectFrom(high0))
          .lanewise(XOR, v1.selectFrom(low1))
          .lanewise(
              XOR,
              v1.reinterpretAsLongs().lanewise(LSHR, LOW).reinterpretAsBytes().selectFrom(high1))
          .lanewise(XOR, v2.selectFrom(low2))
          .lanewise(
              XOR,
              v2.reinterpretAsLongs().lanewise(LSHR, LOW).reinterpretAsBytes().selectFrom(high2))
          .intoMemorySegment(target, i, LITTLE_ENDIAN);
    }
  }
}
