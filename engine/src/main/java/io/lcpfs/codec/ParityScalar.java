package io.lcpfs.codec;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Parity with eight bytes to a long. To double them all, the seven low bits of each move up, and
 * each byte whose top bit was set gets the field's reduction; eight bytes that are 0 or 1 times a
 * constant below 256 never carry into each other, so one multiplication does that for all.
 */
final class ParityScalar implements ParityKernel {
  static final ParityKernel INSTANCE = new ParityScalar();

  /** Sums are made piece by piece, so that they stay in the nearest cache over all columns. */
  static final int TILE_BYTES = 4 << 10;

  /** What a column that is not there is read as; one tile. */
  static final MemorySegment ZEROS = Arena.global().allocate(TILE_BYTES, 64).asReadOnly();

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private static final long LOW_BITS = 0x0101_0101_0101_0101L;
  private static final long ALL_BUT_LOW_BITS = ~LOW_BITS;
  private static final long ALL_BUT_TWO_LOW_BITS = ~(3 * LOW_BITS);

  /** What {@code x^9} is equal to. */
  private static final int REDUCTION_OF_SECOND = 2 * GaloisField.REDUCTION;

  private ParityScalar() {}

  @Override
  public void sums(
      @Nullable MemorySegment[] columns,
      int count,
      long at,
      MemorySegment[] rows,
      long rowsAt,
      long bytes) {
    for (long done = 0; done < bytes; done += TILE_BYTES) {
      int tile = (int) Math.min(TILE_BYTES, bytes - done);
      tile(columns, count, at + done, rows, rowsAt + done, tile);
    }
  }

  /** By Horner's rule, from the last column to the first. */
  private static void tile(
      @Nullable MemorySegment[] columns,
      int count,
      long at,
      MemorySegment[] rows,
      long rowsAt,
      int bytes) {
    MemorySegment last = count == 0 ? null : columns[count - 1];
    for (MemorySegment row : rows) {
      MemorySegment.copy(last == null ? ZEROS : last, last == null ? 0 : at, row, rowsAt, bytes);
    }
    for (int i = count - 2; i >= 0; i--) {
      MemorySegment column = columns[i];
      MemorySegment source = column == null ? ZEROS : column;
      long sourceAt = column == null ? 0 : at;
      switch (rows.length) {
        case 1 -> {
          if (column != null) {
            addToP(source, sourceAt, rows[0], rowsAt, bytes);
          }
        }
        case 2 -> addToPq(source, sourceAt, rows[0], rows[1], rowsAt, bytes);
        default -> addToPqr(source, sourceAt, rows[0], rows[1], rows[2], rowsAt, bytes);
      }
    }
  }

  private static void addToP(
      MemorySegment column, long at, MemorySegment p, long rowsAt, int bytes) {
    int whole = bytes & -8;
    for (int i = 0; i < whole; i += 8) {
      p.set(LONG, rowsAt + i, p.get(LONG, rowsAt + i) ^ column.get(LONG, at + i));
    }
    for (int i = whole; i < bytes; i++) {
      p.set(BYTE, rowsAt + i, (byte) (p.get(BYTE, rowsAt + i) ^ column.get(BYTE, at + i)));
    }
  }

  private static void addToPq(
      MemorySegment column, long at, MemorySegment p, MemorySegment q, long rowsAt, int bytes) {
    int whole = bytes & -8;
    for (int i = 0; i < whole; i += 8) {
      long data = column.get(LONG, at + i);
      p.set(LONG, rowsAt + i, p.get(LONG, rowsAt + i) ^ data);
      q.set(LONG, rowsAt + i, twice(q.get(LONG, rowsAt + i)) ^ data);
    }
    for (int i = whole; i < bytes; i++) {
      byte data = column.get(BYTE, at + i);
      p.set(BYTE, rowsAt + i, (byte) (p.get(BYTE, rowsAt + i) ^ data));
      q.set(BYTE, rowsAt + i, (byte) (twice(q.get(BYTE, rowsAt + i) & 0xFFL) ^ data));
    }
  }

  private static void addToPqr(
      MemorySegment column,
      long at,
      MemorySegment p,
      MemorySegment q,
      MemorySegment r,
      long rowsAt,
      int bytes) {
    int whole = bytes & -8;
    for (int i = 0; i < whole; i += 8) {
      long data = column.get(LONG, at + i);
      p.set(LONG, rowsAt + i, p.get(LONG, rowsAt + i) ^ data);
      q.set(LONG, rowsAt + i, twice(q.get(LONG, rowsAt + i)) ^ data);
      r.set(LONG, rowsAt + i, fourfold(r.get(LONG, rowsAt + i)) ^ data);
    }
    for (int i = whole; i < bytes; i++) {
      byte data = column.get(BYTE, at + i);
      p.set(BYTE, rowsAt + i, (byte) (p.get(BYTE, rowsAt + i) ^ data));
      q.set(BYTE, rowsAt + i, (byte) (twice(q.get(BYTE, rowsAt + i) & 0xFFL) ^ data));
      r.set(BYTE, rowsAt + i, (byte) (fourfold(r.get(BYTE, rowsAt + i) & 0xFFL) ^ data));
    }
  }

  private static long twice(long eight) {
    return ((eight << 1) & ALL_BUT_LOW_BITS) ^ ((eight >>> 7) & LOW_BITS) * GaloisField.REDUCTION;
  }

  private static long fourfold(long eight) {
    return ((eight << 2) & ALL_BUT_TWO_LOW_BITS)
        ^ ((eight >>> 6) & LOW_BITS) * GaloisField.REDUCTION
        ^ ((eight >>> 7) & LOW_BITS) * REDUCTION_OF_SECOND;
  }

  @Override
  public void solve(
      MemorySegment[] sums,
      MemorySegment[] parity,
      int[] coefficients,
      MemorySegment target,
      long at,
      long bytes) {
    solve(sums, parity, coefficients, target, at, 0, bytes);
  }

  /** As {@link #solve}, for the bytes {@code from} to {@code to} of the range only. */
  static void solve(
      MemorySegment[] sums,
      MemorySegment[] parity,
      int[] coefficients,
      MemorySegment target,
      long at,
      long from,
      long to) {
    for (int j = 0; j < sums.length; j++) {
      for (long done = from; done < to; done += TILE_BYTES) {
        int tile = (int) Math.min(TILE_BYTES, to - done);
        if (j == 0) {
          target.asSlice(at + done, tile).fill((byte) 0);
        }
        addMultiple(coefficients[j], sums[j], done, parity[j], target, at + done, tile);
      }
    }
  }

  /** A product is the sum of the multiples of the bits: bit b set counts 2^b times the constant. */
  private static void addMultiple(
      int coefficient,
      MemorySegment sums,
      long sumsAt,
      MemorySegment parity,
      MemorySegment target,
      long at,
      int bytes) {
    long times0 = coefficient;
    long times1 = twice(times0);
    long times2 = twice(times1);
    long times3 = twice(times2);
    long times4 = twice(times3);
    long times5 = twice(times4);
    long times6 = twice(times5);
    long times7 = twice(times6);
    int whole = bytes & -8;
    for (int i = 0; i < whole; i += 8) {
      long eight = sums.get(LONG, sumsAt + i) ^ parity.get(LONG, at + i);
      long product =
          (eight & LOW_BITS) * times0
              ^ ((eight >>> 1) & LOW_BITS) * times1
              ^ ((eight >>> 2) & LOW_BITS) * times2
              ^ ((eight >>> 3) & LOW_BITS) * times3
              ^ ((eight >>> 4) & LOW_BITS) * times4
              ^ ((eight >>> 5) & LOW_BITS) * times5
              ^ ((eight >>> 6) & LOW_BITS) * times6
              ^ ((eight >>> 7) & LOW_BITS) * times7;
      target.set(LONG, at + i, target.get(LONG, at + i) ^ product);
    }
    for (int i = whole; i < bytes; i++) {
      int one = (sums.get(BYTE, sumsAt + i) ^ parity.get(BYTE, at + i)) & 0xFF;
      int product = GaloisField.multiply(one, coefficient);
      target.set(BYTE, at + i, (byte) (target.get(BYTE, at + i) ^ product));
    }
  }
}
