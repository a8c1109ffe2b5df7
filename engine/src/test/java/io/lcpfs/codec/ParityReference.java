package io.lcpfs.codec;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/**
 * Parity from first principles, sharing nothing with the engine: products by long multiplication of
 * polynomials and long division by x^8 + x^4 + x^3 + x^2 + 1, solutions by elimination over the
 * whole matrix of what is left. Columns are byte arrays; a short one counts as if zeros followed.
 */
final class ParityReference {
  private static final int POLYNOMIAL = 0b1_0001_1101;
  private static final int[][] PRODUCTS = new int[256][256];

  static {
    for (int left = 0; left < 256; left++) {
      for (int right = 0; right < 256; right++) {
        PRODUCTS[left][right] = longMultiply(left, right);
      }
    }
  }

  private ParityReference() {}

  private static int longMultiply(int left, int right) {
    int product = 0;
    for (int bit = 0; bit < 8; bit++) {
      if ((right >> bit & 1) == 1) {
        product ^= left << bit;
      }
    }
    for (int degree = 14; degree >= 8; degree--) {
      if ((product >> degree & 1) == 1) {
        product ^= POLYNOMIAL << (degree - 8);
      }
    }
    return product;
  }

  static int multiply(int left, int right) {
    return PRODUCTS[left][right];
  }

  static int power(int base, int exponent) {
    int power = 1;
    for (int i = 0; i < exponent; i++) {
      power = PRODUCTS[power][base];
    }
    return power;
  }

  /** How often data column {@code column} counts in parity column {@code row}: 1, 2^i or 4^i. */
  static int weight(int row, int column) {
    return power(1 << row, column);
  }

  private static int at(byte[] column, int index) {
    return index < column.length ? column[index] & 0xFF : 0;
  }

  /** {@code rows} parity columns of the data. */
  static byte[][] parity(byte[][] data, int rows) {
    int longest = 0;
    for (byte[] column : data) {
      longest = Math.max(longest, column.length);
    }
    byte[][] parity = new byte[rows][longest];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < data.length; column++) {
        int weight = weight(row, column);
        for (int i = 0; i < data[column].length; i++) {
          parity[row][i] ^= (byte) multiply(at(data[column], i), weight);
        }
      }
    }
    return parity;
  }

  /**
   * All data columns, each as long as parity, from those of data and parity that are not in {@code
   * lost}. Each column that is left is one equation over all data columns.
   */
  static byte[][] data(byte[][] data, byte[][] parity, Set<Integer> lost) {
    int k = data.length;
    int bytes = parity[0].length;
    List<int[]> equations = new ArrayList<>();
    List<byte[]> values = new ArrayList<>();
    for (int place = 0; place < k + parity.length && equations.size() < k; place++) {
      if (!lost.contains(place)) {
        int[] equation = new int[k];
        for (int i = 0; i < k; i++) {
          equation[i] = place < k ? (place == i ? 1 : 0) : weight(place - k, i);
        }
        equations.add(equation);
        values.add(Arrays.copyOf(place < k ? data[place] : parity[place - k], bytes));
      }
    }
    for (int i = 0; i < k; i++) {
      int pivot = i;
      while (equations.get(pivot)[i] == 0) {
        pivot++;
      }
      Collections.swap(equations, i, pivot);
      Collections.swap(values, i, pivot);
      int inverse = 1;
      while (multiply(inverse, equations.get(i)[i]) != 1) {
        inverse++;
      }
      add(equations.get(i), values.get(i), inverse ^ 1, equations.get(i), values.get(i));
      for (int other = 0; other < k; other++) {
        int times = equations.get(other)[i];
        if (other != i && times != 0) {
          add(equations.get(other), values.get(other), times, equations.get(i), values.get(i));
        }
      }
    }
    return values.toArray(byte[][]::new);
  }

  /** Adds a multiple of one equation to another, or to itself. */
  private static void add(
      int[] equation, byte[] value, int times, int[] addend, byte[] addendValue) {
    for (int i = 0; i < equation.length; i++) {
      equation[i] ^= multiply(times, addend[i]);
    }
    for (int i = 0; i < value.length; i++) {
      value[i] ^= (byte) multiply(times, addendValue[i] & 0xFF);
    }
  }
}
