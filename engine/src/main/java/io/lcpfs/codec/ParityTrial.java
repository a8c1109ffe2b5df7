package io.lcpfs.codec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A little of everything that a parity kernel does, over data that is always the same: to compare a
 * kernel with ours, and to warm one up.
 */
final class ParityTrial {
  /** Each loop of the kernels has its turn: eight, four and single columns, and too few. */
  private static final int[] COUNTS = {3, 13};

  private static final int MOST_COLUMNS = 13;
  private static final int GAP = 6;

  /** A tile, and the end of one that fills no vector. */
  private static final int BYTES = ParityScalar.TILE_BYTES + 77;

  /** Where in its segment each range begins. */
  private static final int AT = 3;

  private static final int[] COEFFICIENTS = {0x02, 0x8E, 0xFF};

  private final @Nullable MemorySegment[] columns = new MemorySegment[MOST_COLUMNS];
  private final MemorySegment[] parity;
  private final MemorySegment[] rows;
  private final MemorySegment target;

  ParityTrial(Arena arena) {
    long state = 1;
    for (int i = 0; i < MOST_COLUMNS; i++) {
      MemorySegment column = arena.allocate(AT + BYTES, 64);
      for (long at = 0; at < column.byteSize(); at++) {
        state = state * 6364136223846793005L + 1442695040888963407L;
        column.set(ValueLayout.JAVA_BYTE, at, (byte) (state >>> 56));
      }
      columns[i] = column;
    }
    parity = new MemorySegment[Parity.MOST_PARITY_COLUMNS];
    rows = new MemorySegment[Parity.MOST_PARITY_COLUMNS];
    for (int r = 0; r < rows.length; r++) {
      parity[r] = arena.allocate(AT + BYTES, 64).fill((byte) (r + 0x55));
      rows[r] = arena.allocate(BYTES, 64);
    }
    target = arena.allocate(AT + BYTES, 64);
    columns[GAP] = null;
  }

  /** Whether {@code kernel} computes what our plain one does. */
  static boolean agrees(ParityKernel kernel) {
    try (Arena arena = Arena.ofShared()) {
      ParityTrial trial = new ParityTrial(arena);
      ParityTrial ours = new ParityTrial(arena);
      for (int rowCount = 1; rowCount <= Parity.MOST_PARITY_COLUMNS; rowCount++) {
        for (int count : COUNTS) {
          trial.run(kernel, count, rowCount);
          ours.run(ParityScalar.INSTANCE, count, rowCount);
          for (int r = 0; r < rowCount; r++) {
            if (trial.rows[r].mismatch(ours.rows[r]) >= 0) {
              return false;
            }
          }
          if (trial.target.mismatch(ours.target) >= 0) {
            return false;
          }
        }
      }
      return true;
    }
  }

  /** Every loop once. */
  void run(ParityKernel kernel) {
    for (int rowCount = 1; rowCount <= Parity.MOST_PARITY_COLUMNS; rowCount++) {
      for (int count : COUNTS) {
        run(kernel, count, rowCount);
      }
    }
  }

  private void run(ParityKernel kernel, int count, int rowCount) {
    MemorySegment[] sums = Arrays.copyOf(rows, rowCount);
    kernel.sums(columns, count, AT, sums, 0, BYTES);
    kernel.solve(
        sums,
        Arrays.copyOf(parity, rowCount),
        Arrays.copyOf(COEFFICIENTS, rowCount),
        target,
        AT,
        BYTES);
  }
}
