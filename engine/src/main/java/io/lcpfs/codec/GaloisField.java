package io.lcpfs.codec;

import io.lcpfs.error.Check;

/**
 * The field of 256 elements that parity is computed in: polynomials over one bit, modulo {@code x^8
 * + x^4 + x^3 + x^2 + 1} (0x11d). Addition is exclusive or; {@code x}, the number 2, generates all
 * 255 elements other than 0.
 */
final class GaloisField {
  /** What {@code x^8} is equal to. */
  static final int REDUCTION = 0x1d;

  /** How many powers of 2 there are, hence also the most columns that parity tells apart. */
  static final int ORDER = 255;

  /** The powers of 2, twice over, so that a sum of two logarithms needs no remainder. */
  private static final byte[] POWERS = new byte[2 * ORDER];

  private static final int[] LOGARITHMS = new int[256];

  static {
    int power = 1;
    for (int exponent = 0; exponent < ORDER; exponent++) {
      POWERS[exponent] = (byte) power;
      POWERS[exponent + ORDER] = (byte) power;
      LOGARITHMS[power] = exponent;
      power <<= 1;
      if (power > 0xFF) {
        power = (power & 0xFF) ^ REDUCTION;
      }
    }
  }

  private GaloisField() {}

  static int multiply(int left, int right) {
    return left == 0 || right == 0 ? 0 : POWERS[LOGARITHMS[left] + LOGARITHMS[right]] & 0xFF;
  }

  static int inverse(int element) {
    Check.that(element > 0 && element <= 0xFF, "element with an inverse", element);
    return POWERS[ORDER - LOGARITHMS[element]] & 0xFF;
  }

  /** 2 to the power of {@code exponent}, which is not negative. */
  static int powerOfTwo(int exponent) {
    return POWERS[exponent % ORDER] & 0xFF;
  }

  /** The inverse of a square matrix, which is used up, by Gauss-Jordan elimination. */
  static int[][] inverse(int[][] matrix) {
    int size = matrix.length;
    int[][] inverse = new int[size][size];
    for (int i = 0; i < size; i++) {
      inverse[i][i] = 1;
    }
    for (int column = 0; column < size; column++) {
      int pivot = column;
      while (pivot < size && matrix[pivot][column] == 0) {
        pivot++;
      }
      Check.that(pivot < size, "matrix has no inverse, column", column);
      swap(matrix, column, pivot);
      swap(inverse, column, pivot);
      int factor = inverse(matrix[column][column]);
      scale(matrix[column], factor);
      scale(inverse[column], factor);
      for (int row = 0; row < size; row++) {
        if (row != column) {
          int times = matrix[row][column];
          addMultiple(matrix[row], matrix[column], times);
          addMultiple(inverse[row], inverse[column], times);
        }
      }
    }
    return inverse;
  }

  private static void swap(int[][] matrix, int one, int other) {
    int[] row = matrix[one];
    matrix[one] = matrix[other];
    matrix[other] = row;
  }

  private static void scale(int[] row, int factor) {
    for (int i = 0; i < row.length; i++) {
      row[i] = multiply(row[i], factor);
    }
  }

  private static void addMultiple(int[] row, int[] other, int times) {
    for (int i = 0; i < row.length; i++) {
      row[i] ^= multiply(other[i], times);
    }
  }
}
