package io.lcpfs.codec;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The two loops that parity consists of, so that a native library can stand in for ours (see {@link
 * Parity#plug}). Lengths, ranges and numbers of columns have been checked by {@link Parity}; no
 * segment that is written overlaps another. Implementations hold no state that a thread could see
 * of another, and may be called from every thread. Native and heap segments both occur.
 */
public interface ParityKernel {
  /**
   * Writes the first one, two or three of the sums P, Q, R: in each byte, row r becomes the sum of
   * {@code 2^(r * i) * columns[i]} over all i below {@code count}.
   *
   * @param columns the bytes {@code at} to {@code at + bytes} of each count; null is a column of
   *     zeros, but the last one is never null
   * @param count how many columns, at most 255; 0 makes all sums zero
   * @param rows where the sums go, from {@code rowsAt} on
   */
  void sums(
      @Nullable MemorySegment[] columns,
      int count,
      long at,
      MemorySegment[] rows,
      long rowsAt,
      long bytes);

  /**
   * Writes the sum of {@code coefficients[j] * (sums[j] + parity[j])} over all j, of which there
   * are one, two or three: a lost column, where each {@code sums[j]} is a sum over the columns that
   * are left, and {@code parity[j]} the same sum over all columns.
   *
   * @param sums read from their start on
   * @param parity read from {@code at} on
   * @param coefficients elements of the field, 0 to 255
   * @param target written from {@code at} on
   */
  void solve(
      MemorySegment[] sums,
      MemorySegment[] parity,
      int[] coefficients,
      MemorySegment target,
      long at,
      long bytes);
}
