package io.lcpfs.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ParityTest {
  private static final byte GUARD = 0x5A;

  /** A few vectors, and bytes that fill none. */
  private static final int LONGEST = 203;

  @AfterEach
  void unplug() {
    Parity.plug(null);
  }

  private static byte[][] columns(int count, int longest, SplittableRandom random) {
    byte[][] columns = new byte[count][];
    for (int i = 0; i < count; i++) {
      columns[i] = new byte[i == 0 ? longest : longest - random.nextInt(4) * longest / 5];
      random.nextBytes(columns[i]);
    }
    return columns;
  }

  private static MemorySegment[] segments(byte[][] columns) {
    return Arrays.stream(columns).map(MemorySegment::ofArray).toArray(MemorySegment[]::new);
  }

  /** Copies of some length inside larger arrays whose other bytes nobody may touch. */
  private static final class Guarded {
    private static final int MARGIN = 9;
    final byte[][] memory;
    final MemorySegment[] segments;

    Guarded(byte[][] columns) {
      memory = new byte[columns.length][];
      segments = new MemorySegment[columns.length];
      for (int i = 0; i < columns.length; i++) {
        memory[i] = new byte[columns[i].length + 2 * MARGIN];
        Arrays.fill(memory[i], GUARD);
        System.arraycopy(columns[i], 0, memory[i], MARGIN, columns[i].length);
        segments[i] = MemorySegment.ofArray(memory[i]).asSlice(MARGIN, columns[i].length);
      }
    }

    void lose(int column) {
      segments[column].fill((byte) 0xEE);
    }

    byte[] column(int column) {
      byte[] whole = memory[column];
      for (int i = 0; i < MARGIN; i++) {
        assertThat(whole[i]).isEqualTo(GUARD);
        assertThat(whole[whole.length - 1 - i]).isEqualTo(GUARD);
      }
      return Arrays.copyOfRange(whole, MARGIN, whole.length - MARGIN);
    }
  }

  /** All sets of 1 to {@code most} of {@code places} places. */
  private static List<Set<Integer>> losses(int places, int most) {
    List<Set<Integer>> losses = new ArrayList<>();
    for (int bits = 1; bits < 1 << places; bits++) {
      if (Integer.bitCount(bits) <= most) {
        Set<Integer> loss = new TreeSet<>();
        for (int place = 0; place < places; place++) {
          if ((bits >> place & 1) == 1) {
            loss.add(place);
          }
        }
        losses.add(loss);
      }
    }
    return losses;
  }

  private static int[] array(Set<Integer> places) {
    return places.stream().mapToInt(Integer::intValue).toArray();
  }

  private static void rebuildEveryLoss(int dataColumns, int rows, SplittableRandom random) {
    byte[][] data = columns(dataColumns, LONGEST, random);
    byte[][] parity = ParityReference.parity(data, rows);
    Guarded generated = new Guarded(parity);
    for (int r = 0; r < rows; r++) {
      generated.lose(r);
    }
    Parity.generate(segments(data), generated.segments);
    for (int r = 0; r < rows; r++) {
      assertThat(generated.column(r))
          .as("row %d of %d columns", r, dataColumns)
          .isEqualTo(parity[r]);
    }
    for (Set<Integer> lost : losses(dataColumns + rows, rows)) {
      Guarded left = new Guarded(data);
      Guarded leftParity = new Guarded(parity);
      byte[][] torn = data.clone();
      byte[][] tornParity = parity.clone();
      for (int place : lost) {
        if (place < dataColumns) {
          left.lose(place);
          torn[place] = new byte[0];
        } else {
          leftParity.lose(place - dataColumns);
          tornParity[place - dataColumns] = new byte[parity[0].length];
        }
      }
      Parity.reconstruct(left.segments, leftParity.segments, array(lost));
      byte[][] expected = ParityReference.data(torn, tornParity, lost);
      for (int i = 0; i < dataColumns; i++) {
        assertThat(left.column(i)).as("column %d, lost %s", i, lost).isEqualTo(data[i]);
        assertThat(Arrays.copyOf(data[i], LONGEST)).isEqualTo(expected[i]);
      }
      for (int r = 0; r < rows; r++) {
        assertThat(leftParity.column(r)).as("row %d, lost %s", r, lost).isEqualTo(parity[r]);
      }
    }
  }

  private static void rebuildEveryLossOfEveryWidth() {
    SplittableRandom random = new SplittableRandom(5);
    for (int rows = 1; rows <= 3; rows++) {
      for (int width = rows + 1; width <= 16; width++) {
        rebuildEveryLoss(width - rows, rows, random);
      }
    }
  }

  @Test
  void everyLossOfEveryWidthUpTo16IsRebuiltBitByBit() {
    rebuildEveryLossOfEveryWidth();
  }

  @Test
  void everyLossOfEveryWidthUpTo16IsRebuiltByVectors() {
    Parity.plug(ParityVector.INSTANCE);
    rebuildEveryLossOfEveryWidth();
  }

  @Test
  void everyLossAmong255ColumnsLeavesEquationsWithOneSolution() {
    int[][] weight = new int[3][255];
    for (int row = 0; row < 3; row++) {
      for (int i = 0; i < 255; i++) {
        weight[row][i] = ParityReference.weight(row, i);
        assertThat(weight[row][i]).isNotZero();
      }
    }
    for (int x = 0; x < 255; x++) {
      for (int y = 0; y < x; y++) {
        int pq = minor(weight, 0, 1, x, y);
        int pr = minor(weight, 0, 2, x, y);
        int qr = minor(weight, 1, 2, x, y);
        if (pq == 0 || pr == 0 || qr == 0) {
          throw new AssertionError("two solutions for columns " + y + ", " + x);
        }
        for (int z = 0; z < y; z++) {
          int determinant =
              ParityReference.multiply(weight[0][z], qr)
                  ^ ParityReference.multiply(weight[1][z], pr)
                  ^ ParityReference.multiply(weight[2][z], pq);
          if (determinant == 0) {
            throw new AssertionError("two solutions for columns " + z + ", " + y + ", " + x);
          }
        }
      }
    }
  }

  private static int minor(int[][] weight, int row, int otherRow, int x, int y) {
    return ParityReference.multiply(weight[row][x], weight[otherRow][y])
        ^ ParityReference.multiply(weight[row][y], weight[otherRow][x]);
  }

  @Test
  void everyLossAmong255LongColumnsOfAnyLengthIsRebuilt() {
    SplittableRandom random = new SplittableRandom(9);
    byte[][] data = columns(255, 3_001, random);
    byte[][] parity = ParityReference.parity(data, 3);
    for (int round = 0; round < 12; round++) {
      if (round == 6) {
        Parity.plug(ParityVector.INSTANCE);
      }
      Guarded left = new Guarded(data);
      Guarded leftParity = new Guarded(parity);
      Set<Integer> lost = new TreeSet<>();
      while (lost.size() < 3) {
        lost.add(random.nextInt(258));
      }
      for (int place : lost) {
        (place < 255 ? left : leftParity).lose(place % 255);
      }
      Parity.reconstruct(left.segments, leftParity.segments, array(lost));
      for (int place : lost) {
        assertThat(place < 255 ? left.column(place) : leftParity.column(place - 255))
            .as("column %d, lost %s", place, lost)
            .isEqualTo(place < 255 ? data[place] : parity[place - 255]);
      }
    }
  }

  @Test
  void everyColumnThatIsNotWantedIsLeftOut() {
    SplittableRandom random = new SplittableRandom(7);
    byte[][] data = columns(6, 5000, random);
    byte[][] parity = ParityReference.parity(data, 3);
    for (Set<Integer> lost : losses(9, 3)) {
      for (int wanted : lost) {
        boolean dataIsWhole = lost.stream().noneMatch(place -> place < 6 && place != wanted);
        if (wanted < 6 || dataIsWhole) {
          Guarded left = new Guarded(data);
          Guarded leftParity = new Guarded(parity);
          @Nullable MemorySegment[] columns = left.segments.clone();
          @Nullable MemorySegment[] rows = leftParity.segments.clone();
          for (int place : lost) {
            (place < 6 ? columns : rows)[place % 6] = null;
          }
          Guarded target =
              new Guarded(new byte[][] {wanted < 6 ? data[wanted] : parity[wanted - 6]});
          target.lose(0);
          (wanted < 6 ? columns : rows)[wanted % 6] = target.segments[0];
          Parity.reconstruct(columns, rows, array(lost));
          assertThat(target.column(0))
              .as("column %d of lost %s", wanted, lost)
              .isEqualTo(wanted < 6 ? data[wanted] : parity[wanted - 6]);
        }
      }
    }
  }

  @Test
  void everyEmptyColumnIsAllowed() {
    byte[][] data = {new byte[0], {1, 2, 3}, new byte[0]};
    byte[][] parity = ParityReference.parity(data, 2);
    Guarded left = new Guarded(data);
    left.lose(0);
    left.lose(1);
    Parity.reconstruct(left.segments, segments(parity), 0, 1);
    assertThat(left.column(1)).containsExactly(1, 2, 3);
    byte[][] nothing = {new byte[0], new byte[0]};
    Parity.generate(segments(nothing), segments(nothing));
    Parity.reconstruct(segments(nothing), segments(nothing), 0, 1);
  }

  @Test
  void theExampleOfTheFormatDocumentHolds() {
    byte[][] data = {{0x01}, {(byte) 0x80}, {(byte) 0xFF}};
    byte[][] parity = new byte[3][1];
    Parity.generate(segments(data), segments(parity));
    assertThat(parity).isDeepEqualTo(new byte[][] {{0x7E}, {(byte) 0xC7}, {0x70}});
  }

  private static MemorySegment[] sizes(int... sizes) {
    MemorySegment[] segments = new MemorySegment[sizes.length];
    for (int i = 0; i < sizes.length; i++) {
      segments[i] = MemorySegment.ofArray(new byte[sizes[i]]);
    }
    return segments;
  }

  private static void refused(String why, Runnable call) {
    assertThatThrownBy(call::run).isInstanceOf(AssertionError.class).hasMessageContaining(why);
  }

  @Test
  void everyImpossibleInputIsRefused() {
    int[] many = new int[256];
    refused("data columns: 0", () -> Parity.generate(sizes(), sizes(0)));
    refused("data columns: 256", () -> Parity.generate(sizes(many), sizes(0)));
    refused("parity columns: 0", () -> Parity.generate(sizes(8), sizes()));
    refused("parity columns: 4", () -> Parity.generate(sizes(8), sizes(8, 8, 8, 8)));
    refused("parity column size: 7", () -> Parity.generate(sizes(8, 7), sizes(8, 7)));
    refused("parity column size: 9", () -> Parity.generate(sizes(8, 7), sizes(9)));
    refused("lost column: 3", () -> Parity.reconstruct(sizes(8, 8), sizes(8), 3));
    refused("lost column: -1", () -> Parity.reconstruct(sizes(8, 8), sizes(8), -1));
    refused("lost twice: 1", () -> Parity.reconstruct(sizes(8, 8), sizes(8, 8), 1, 1));
    refused("more columns lost", () -> Parity.reconstruct(sizes(8, 8), sizes(8), 0, 1));
    refused("more columns lost", () -> Parity.reconstruct(sizes(8, 8), sizes(8), 0, 2));
    refused("parity column size: 8", () -> Parity.reconstruct(sizes(9, 8), sizes(8), 0));
    refused("parity column size: 7", () -> Parity.reconstruct(sizes(8, 8), sizes(8, 7), 0));
    refused("parity column size: 9", () -> Parity.reconstruct(sizes(8, 8), sizes(9), 0));
    @Nullable MemorySegment[] holed = sizes(8, 8);
    holed[1] = null;
    refused("data column is missing: 1", () -> Parity.reconstruct(holed, sizes(8), 0));
    refused("without data column: 1", () -> Parity.reconstruct(holed, sizes(8, 8), 1, 2));
    @Nullable MemorySegment[] noP = sizes(8, 8);
    noP[0] = null;
    refused("parity column is missing: 0", () -> Parity.reconstruct(sizes(8, 8), noP, 1));
  }

  @Test
  void aPluggedKernelDoesAllTheWork() {
    int[] calls = new int[2];
    Parity.plug(
        new ParityKernel() {
          @Override
          public void sums(
              @Nullable MemorySegment[] columns,
              int count,
              long at,
              MemorySegment[] rows,
              long rowsAt,
              long bytes) {
            calls[0]++;
            ParityScalar.INSTANCE.sums(columns, count, at, rows, rowsAt, bytes);
          }

          @Override
          public void solve(
              MemorySegment[] sums,
              MemorySegment[] parity,
              int[] coefficients,
              MemorySegment target,
              long at,
              long bytes) {
            calls[1]++;
            ParityScalar.INSTANCE.solve(sums, parity, coefficients, target, at, bytes);
          }
        });
    int[] before = calls.clone();
    rebuildEveryLoss(3, 2, new SplittableRandom(1));
    assertThat(calls[0]).isGreaterThan(before[0]);
    assertThat(calls[1]).isGreaterThan(before[1]);
    Parity.plug(null);
    before = calls.clone();
    rebuildEveryLoss(3, 2, new SplittableRandom(1));
    assertThat(calls).isEqualTo(before);
  }

  /** Ours with other coefficients, or with sums that lack the last byte. */
  private record Liar(boolean inSums) implements ParityKernel {
    @Override
    public void sums(
        @Nullable MemorySegment[] columns,
        int count,
        long at,
        MemorySegment[] rows,
        long rowsAt,
        long bytes) {
      ParityScalar.INSTANCE.sums(columns, count, at, rows, rowsAt, inSums ? bytes - 1 : bytes);
    }

    @Override
    public void solve(
        MemorySegment[] sums,
        MemorySegment[] parity,
        int[] coefficients,
        MemorySegment target,
        long at,
        long bytes) {
      int[] others = coefficients.clone();
      others[others.length - 1] ^= inSums ? 0 : 1;
      ParityScalar.INSTANCE.solve(sums, parity, others, target, at, bytes);
    }
  }

  @Test
  void everyKernelThatComputesSomethingElseIsRefused() {
    for (boolean inSums : new boolean[] {true, false}) {
      assertThatThrownBy(() -> Parity.plug(new Liar(inSums)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Liar");
    }
    rebuildEveryLoss(3, 2, new SplittableRandom(1));
  }
}
