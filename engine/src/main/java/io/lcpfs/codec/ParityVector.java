package io.lcpfs.codec;

import static io.lcpfs.codec.ParityScalar.TILE_BYTES;
import static io.lcpfs.codec.ParityScalar.ZEROS;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
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
    long whole = bytes - bytes % STEP;
    if (whole > 0 && count > 0) {
      // Columns of zeros on top, so that the first step has all it takes and no more are left over
      // than a few single ones.
      int first = rows.length == 1 && count > 4 ? 8 : 4;
      int above = Math.max(0, first - count);
      MemorySegment[] sources = new MemorySegment[count + above];
      long[] offsets = new long[count + above];
      for (int i = 0; i < sources.length; i++) {
        MemorySegment column = i < count ? columns[i] : null;
        sources[i] = column == null ? ZEROS : column;
      }
      for (long done = 0; done < whole; done += TILE_BYTES) {
        for (int i = 0; i < sources.length; i++) {
          offsets[i] = i < count && columns[i] != null ? at + done : 0;
        }
        int tile = (int) Math.min(TILE_BYTES, whole - done);
        switch (rows.length) {
          case 1 -> tileOfP(sources, offsets, rows[0], rowsAt + done, tile);
          case 2 -> tileOfPq(sources, offsets, rows[0], rows[1], rowsAt + done, tile);
          default -> tileOfPqr(sources, offsets, rows, rowsAt + done, tile);
        }
      }
    } else {
      whole = 0;
    }
    if (whole < bytes) {
      ParityScalar.INSTANCE.sums(columns, count, at + whole, rows, rowsAt + whole, bytes - whole);
    }
  }

  private static void tileOfP(
      MemorySegment[] columns, long[] offsets, MemorySegment p, long rowsAt, int bytes) {
    int left = columns.length - 4;
    if (left >= 4) {
      left -= 4;
      start8P(columns, offsets, left, p, rowsAt, bytes);
    } else {
      start4P(columns, offsets, left, p, rowsAt, bytes);
    }
    while (left >= 4) {
      left -= 4;
      add4P(columns, offsets, left, p, rowsAt, bytes);
    }
    while (left > 0) {
      left--;
      add1P(columns[left], offsets[left], p, rowsAt, bytes);
    }
  }

  private static void tileOfPq(
      MemorySegment[] columns,
      long[] offsets,
      MemorySegment p,
      MemorySegment q,
      long rowsAt,
      int bytes) {
    int left = columns.length - 4;
    start4Pq(columns, offsets, left, p, q, rowsAt, bytes);
    while (left >= 4) {
      left -= 4;
      add4Pq(columns, offsets, left, p, q, rowsAt, bytes);
    }
    while (left > 0) {
      left--;
      add1Pq(columns[left], offsets[left], p, q, rowsAt, bytes);
    }
  }

  private static void tileOfPqr(
      MemorySegment[] columns, long[] offsets, MemorySegment[] rows, long rowsAt, int bytes) {
    int left = columns.length - 4;
    start4Pqr(columns, offsets, left, rows, rowsAt, bytes);
    while (left >= 4) {
      left -= 4;
      add4Pqr(columns, offsets, left, rows, rowsAt, bytes);
    }
    while (left > 0) {
      left--;
      add1Pqr(columns[left], offsets[left], rows, rowsAt, bytes);
    }
  }

  /** P of eight columns. */
  private static void start8P(
      MemorySegment[] columns, long[] offsets, int first, MemorySegment p, long rowsAt, int bytes) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    MemorySegment s4 = columns[first + 4];
    MemorySegment s5 = columns[first + 5];
    MemorySegment s6 = columns[first + 6];
    MemorySegment s7 = columns[first + 7];
    long a0 = offsets[first];
    long a1 = offsets[first + 1];
    long a2 = offsets[first + 2];
    long a3 = offsets[first + 3];
    long a4 = offsets[first + 4];
    long a5 = offsets[first + 5];
    long a6 = offsets[first + 6];
    long a7 = offsets[first + 7];
    for (int i = 0; i < bytes; i += W) {
      ByteVector.fromMemorySegment(B, s7, a7 + i, LITTLE_ENDIAN)
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s6, a6 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s5, a5 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s4, a4 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s3, a3 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s2, a2 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s1, a1 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s0, a0 + i, LITTLE_ENDIAN))
          .intoMemorySegment(p, rowsAt + i, LITTLE_ENDIAN);
    }
  }

  /** P of four columns. */
  private static void start4P(
      MemorySegment[] columns, long[] offsets, int first, MemorySegment p, long rowsAt, int bytes) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    long a0 = offsets[first];
    long a1 = offsets[first + 1];
    long a2 = offsets[first + 2];
    long a3 = offsets[first + 3];
    for (int i = 0; i < bytes; i += W) {
      ByteVector.fromMemorySegment(B, s3, a3 + i, LITTLE_ENDIAN)
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s2, a2 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s1, a1 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s0, a0 + i, LITTLE_ENDIAN))
          .intoMemorySegment(p, rowsAt + i, LITTLE_ENDIAN);
    }
  }

  private static void add4P(
      MemorySegment[] columns, long[] offsets, int first, MemorySegment p, long rowsAt, int bytes) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    long a0 = offsets[first];
    long a1 = offsets[first + 1];
    long a2 = offsets[first + 2];
    long a3 = offsets[first + 3];
    for (int i = 0; i < bytes; i += W) {
      ByteVector.fromMemorySegment(B, p, rowsAt + i, LITTLE_ENDIAN)
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s3, a3 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s2, a2 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s1, a1 + i, LITTLE_ENDIAN))
          .lanewise(XOR, ByteVector.fromMemorySegment(B, s0, a0 + i, LITTLE_ENDIAN))
          .intoMemorySegment(p, rowsAt + i, LITTLE_ENDIAN);
    }
  }

  private static void add1P(
      MemorySegment column, long at, MemorySegment p, long rowsAt, int bytes) {
    for (int i = 0; i < bytes; i += W) {
      ByteVector.fromMemorySegment(B, p, rowsAt + i, LITTLE_ENDIAN)
          .lanewise(XOR, ByteVector.fromMemorySegment(B, column, at + i, LITTLE_ENDIAN))
          .intoMemorySegment(p, rowsAt + i, LITTLE_ENDIAN);
    }
  }

  /** P and Q of four columns. */
  private static void start4Pq(
      MemorySegment[] columns,
      long[] offsets,
      int first,
      MemorySegment rowP,
      MemorySegment rowQ,
      long rowsAt,
      int bytes) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    long a0 = offsets[first];
    long a1 = offsets[first + 1];
    long a2 = offsets[first + 2];
    long a3 = offsets[first + 3];
    ByteVector zero = ByteVector.zero(B);
    for (int i = 0; i < bytes; i += W) {
      ByteVector d = ByteVector.fromMemorySegment(B, s3, a3 + i, LITTLE_ENDIAN);
      ByteVector p = d;
      ByteVector q = d;
      d = ByteVector.fromMemorySegment(B, s2, a2 + i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s1, a1 + i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s0, a0 + i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      p.intoMemorySegment(rowP, rowsAt + i, LITTLE_ENDIAN);
      q.intoMemorySegment(rowQ, rowsAt + i, LITTLE_ENDIAN);
    }
  }

  private static void add4Pq(
      MemorySegment[] columns,
      long[] offsets,
      int first,
      MemorySegment rowP,
      MemorySegment rowQ,
      long rowsAt,
      int bytes) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    long a0 = offsets[first];
    long a1 = offsets[first + 1];
    long a2 = offsets[first + 2];
    long a3 = offsets[first + 3];
    ByteVector zero = ByteVector.zero(B);
    for (int i = 0; i < bytes; i += W) {
      ByteVector d = ByteVector.fromMemorySegment(B, s3, a3 + i, LITTLE_ENDIAN);
      ByteVector p =
          ByteVector.fromMemorySegment(B, rowP, rowsAt + i, LITTLE_ENDIAN).lanewise(XOR, d);
      ByteVector q = ByteVector.fromMemorySegment(B, rowQ, rowsAt + i, LITTLE_ENDIAN);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s2, a2 + i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s1, a1 + i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      d = ByteVector.fromMemorySegment(B, s0, a0 + i, LITTLE_ENDIAN);
      p = p.lanewise(XOR, d);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      p.intoMemorySegment(rowP, rowsAt + i, LITTLE_ENDIAN);
      q.intoMemorySegment(rowQ, rowsAt + i, LITTLE_ENDIAN);
    }
  }

  private static void add1Pq(
      MemorySegment column,
      long at,
      MemorySegment rowP,
      MemorySegment rowQ,
      long rowsAt,
      int bytes) {
    ByteVector zero = ByteVector.zero(B);
    for (int i = 0; i < bytes; i += W) {
      ByteVector d = ByteVector.fromMemorySegment(B, column, at + i, LITTLE_ENDIAN);
      ByteVector.fromMemorySegment(B, rowP, rowsAt + i, LITTLE_ENDIAN)
          .lanewise(XOR, d)
          .intoMemorySegment(rowP, rowsAt + i, LITTLE_ENDIAN);
      ByteVector q = ByteVector.fromMemorySegment(B, rowQ, rowsAt + i, LITTLE_ENDIAN);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q.intoMemorySegment(rowQ, rowsAt + i, LITTLE_ENDIAN);
    }
  }

  /** P, Q and R of four columns, two vectors at a time: one alone waits for its own results. */
  private static void start4Pqr(
      MemorySegment[] columns,
      long[] offsets,
      int first,
      MemorySegment[] rows,
      long rowsAt,
      int bytes) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    long a0 = offsets[first];
    long a1 = offsets[first + 1];
    long a2 = offsets[first + 2];
    long a3 = offsets[first + 3];
    MemorySegment rowP = rows[0];
    MemorySegment rowQ = rows[1];
    MemorySegment rowR = rows[2];
    ByteVector zero = ByteVector.zero(B);
    for (int i = 0; i < bytes; i += STEP) {
      ByteVector d = ByteVector.fromMemorySegment(B, s3, a3 + i, LITTLE_ENDIAN);
      ByteVector e = ByteVector.fromMemorySegment(B, s3, a3 + i + W, LITTLE_ENDIAN);
      ByteVector p = d;
      ByteVector p2 = e;
      ByteVector q = d;
      ByteVector q2 = e;
      ByteVector r = d;
      ByteVector r2 = e;
      d = ByteVector.fromMemorySegment(B, s2, a2 + i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s2, a2 + i + W, LITTLE_ENDIAN);
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
      d = ByteVector.fromMemorySegment(B, s1, a1 + i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s1, a1 + i + W, LITTLE_ENDIAN);
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
      d = ByteVector.fromMemorySegment(B, s0, a0 + i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s0, a0 + i + W, LITTLE_ENDIAN);
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
      p.intoMemorySegment(rowP, rowsAt + i, LITTLE_ENDIAN);
      p2.intoMemorySegment(rowP, rowsAt + i + W, LITTLE_ENDIAN);
      q.intoMemorySegment(rowQ, rowsAt + i, LITTLE_ENDIAN);
      q2.intoMemorySegment(rowQ, rowsAt + i + W, LITTLE_ENDIAN);
      r.intoMemorySegment(rowR, rowsAt + i, LITTLE_ENDIAN);
      r2.intoMemorySegment(rowR, rowsAt + i + W, LITTLE_ENDIAN);
    }
  }

  private static void add4Pqr(
      MemorySegment[] columns,
      long[] offsets,
      int first,
      MemorySegment[] rows,
      long rowsAt,
      int bytes) {
    MemorySegment s0 = columns[first];
    MemorySegment s1 = columns[first + 1];
    MemorySegment s2 = columns[first + 2];
    MemorySegment s3 = columns[first + 3];
    long a0 = offsets[first];
    long a1 = offsets[first + 1];
    long a2 = offsets[first + 2];
    long a3 = offsets[first + 3];
    MemorySegment rowP = rows[0];
    MemorySegment rowQ = rows[1];
    MemorySegment rowR = rows[2];
    ByteVector zero = ByteVector.zero(B);
    for (int i = 0; i < bytes; i += STEP) {
      ByteVector d = ByteVector.fromMemorySegment(B, s3, a3 + i, LITTLE_ENDIAN);
      ByteVector e = ByteVector.fromMemorySegment(B, s3, a3 + i + W, LITTLE_ENDIAN);
      ByteVector p =
          ByteVector.fromMemorySegment(B, rowP, rowsAt + i, LITTLE_ENDIAN).lanewise(XOR, d);
      ByteVector p2 =
          ByteVector.fromMemorySegment(B, rowP, rowsAt + i + W, LITTLE_ENDIAN).lanewise(XOR, e);
      ByteVector q = ByteVector.fromMemorySegment(B, rowQ, rowsAt + i, LITTLE_ENDIAN);
      ByteVector q2 = ByteVector.fromMemorySegment(B, rowQ, rowsAt + i + W, LITTLE_ENDIAN);
      ByteVector r = ByteVector.fromMemorySegment(B, rowR, rowsAt + i, LITTLE_ENDIAN);
      ByteVector r2 = ByteVector.fromMemorySegment(B, rowR, rowsAt + i + W, LITTLE_ENDIAN);
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
      d = ByteVector.fromMemorySegment(B, s2, a2 + i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s2, a2 + i + W, LITTLE_ENDIAN);
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
      d = ByteVector.fromMemorySegment(B, s1, a1 + i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s1, a1 + i + W, LITTLE_ENDIAN);
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
      d = ByteVector.fromMemorySegment(B, s0, a0 + i, LITTLE_ENDIAN);
      e = ByteVector.fromMemorySegment(B, s0, a0 + i + W, LITTLE_ENDIAN);
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
      p.intoMemorySegment(rowP, rowsAt + i, LITTLE_ENDIAN);
      p2.intoMemorySegment(rowP, rowsAt + i + W, LITTLE_ENDIAN);
      q.intoMemorySegment(rowQ, rowsAt + i, LITTLE_ENDIAN);
      q2.intoMemorySegment(rowQ, rowsAt + i + W, LITTLE_ENDIAN);
      r.intoMemorySegment(rowR, rowsAt + i, LITTLE_ENDIAN);
      r2.intoMemorySegment(rowR, rowsAt + i + W, LITTLE_ENDIAN);
    }
  }

  private static void add1Pqr(
      MemorySegment column, long at, MemorySegment[] rows, long rowsAt, int bytes) {
    MemorySegment rowP = rows[0];
    MemorySegment rowQ = rows[1];
    MemorySegment rowR = rows[2];
    ByteVector zero = ByteVector.zero(B);
    for (int i = 0; i < bytes; i += W) {
      ByteVector d = ByteVector.fromMemorySegment(B, column, at + i, LITTLE_ENDIAN);
      ByteVector.fromMemorySegment(B, rowP, rowsAt + i, LITTLE_ENDIAN)
          .lanewise(XOR, d)
          .intoMemorySegment(rowP, rowsAt + i, LITTLE_ENDIAN);
      ByteVector q = ByteVector.fromMemorySegment(B, rowQ, rowsAt + i, LITTLE_ENDIAN);
      q = q.add(q).lanewise(XOR, zero.blend(REDUCTION, q.compare(LT, zero))).lanewise(XOR, d);
      q.intoMemorySegment(rowQ, rowsAt + i, LITTLE_ENDIAN);
      ByteVector r = ByteVector.fromMemorySegment(B, rowR, rowsAt + i, LITTLE_ENDIAN);
      ByteVector t = r.add(r);
      r =
          t.add(t)
              .lanewise(XOR, zero.blend(REDUCTION, t.compare(LT, zero)))
              .lanewise(XOR, zero.blend(REDUCTION_OF_SECOND, r.compare(LT, zero)))
              .lanewise(XOR, d);
      r.intoMemorySegment(rowR, rowsAt + i, LITTLE_ENDIAN);
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
    // In pieces, because loops are fastest when they count in int.
    long whole = bytes - bytes % STEP;
    for (long done = 0; done < whole; done += TILE_BYTES) {
      int tile = (int) Math.min(TILE_BYTES, whole - done);
      switch (sums.length) {
        case 1 -> solve1(sums, parity, coefficients, target, done, at + done, tile);
        case 2 -> solve2(sums, parity, coefficients, target, done, at + done, tile);
        default -> solve3(sums, parity, coefficients, target, done, at + done, tile);
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
      long sumsAt,
      long at,
      int bytes) {
    MemorySegment s0 = sums[0];
    MemorySegment p0 = parity[0];
    ByteVector low0 = ByteVector.fromArray(B, TABLES, coefficients[0] * STEP);
    ByteVector high0 = ByteVector.fromArray(B, TABLES, coefficients[0] * STEP + W);
    for (int i = 0; i < bytes; i += W) {
      ByteVector v0 =
          ByteVector.fromMemorySegment(B, s0, sumsAt + i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p0, at + i, LITTLE_ENDIAN));
      v0.selectFrom(low0)
          .lanewise(
              XOR,
              v0.reinterpretAsLongs().lanewise(LSHR, LOW).reinterpretAsBytes().selectFrom(high0))
          .intoMemorySegment(target, at + i, LITTLE_ENDIAN);
    }
  }

  private static void solve2(
      MemorySegment[] sums,
      MemorySegment[] parity,
      int[] coefficients,
      MemorySegment target,
      long sumsAt,
      long at,
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
          ByteVector.fromMemorySegment(B, s0, sumsAt + i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p0, at + i, LITTLE_ENDIAN));
      ByteVector v1 =
          ByteVector.fromMemorySegment(B, s1, sumsAt + i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p1, at + i, LITTLE_ENDIAN));
      v0.selectFrom(low0)
          .lanewise(
              XOR,
              v0.reinterpretAsLongs().lanewise(LSHR, LOW).reinterpretAsBytes().selectFrom(high0))
          .lanewise(XOR, v1.selectFrom(low1))
          .lanewise(
              XOR,
              v1.reinterpretAsLongs().lanewise(LSHR, LOW).reinterpretAsBytes().selectFrom(high1))
          .intoMemorySegment(target, at + i, LITTLE_ENDIAN);
    }
  }

  private static void solve3(
      MemorySegment[] sums,
      MemorySegment[] parity,
      int[] coefficients,
      MemorySegment target,
      long sumsAt,
      long at,
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
          ByteVector.fromMemorySegment(B, s0, sumsAt + i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p0, at + i, LITTLE_ENDIAN));
      ByteVector v1 =
          ByteVector.fromMemorySegment(B, s1, sumsAt + i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p1, at + i, LITTLE_ENDIAN));
      ByteVector v2 =
          ByteVector.fromMemorySegment(B, s2, sumsAt + i, LITTLE_ENDIAN)
              .lanewise(XOR, ByteVector.fromMemorySegment(B, p2, at + i, LITTLE_ENDIAN));
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
          .intoMemorySegment(target, at + i, LITTLE_ENDIAN);
    }
  }
}
