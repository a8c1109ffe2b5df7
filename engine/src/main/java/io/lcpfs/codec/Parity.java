package io.lcpfs.codec;

import static java.util.Objects.requireNonNull;

import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * RAID-Z parity: the sums P, Q and R over data columns from which up to three lost columns are
 * computed again. P is the sum of the columns d(i), Q that of 2^i * d(i), R that of 4^i * d(i), in
 * the field of {@link GaloisField}; see FORMAT.md, Parity. Columns may have different lengths: a
 * shorter one counts as if zeros followed. Each parity column is as long as the longest data
 * column.
 *
 * <p>All may be called from every thread. Segments may be native or on the heap, at any alignment;
 * one that is written must not overlap another.
 */
public final class Parity {
  /** The most data columns: there are no more different powers of 2. */
  public static final int MOST_DATA_COLUMNS = GaloisField.ORDER;

  /** P, Q and R. */
  public static final int MOST_PARITY_COLUMNS = 3;

  private static final class Scratch {
    private final Arena arena = Arena.ofShared();
    final MemorySegment[] rows = new MemorySegment[MOST_PARITY_COLUMNS];

    Scratch() {
      for (int i = 0; i < rows.length; i++) {
        rows[i] = arena.allocate(ParityScalar.TILE_BYTES, 64);
      }
    }

    void release() {
      arena.close();
    }
  }

  private static final ScratchPool<Scratch> POOL =
      new ScratchPool<>(16, Scratch::new, Scratch::release);

  private static volatile @Nullable ParityKernel plugged;

  private Parity() {}

  /**
   * Makes the vector kernel ready, which then serves every caller; until then, and for ever in a
   * process that does not call this, the plain one does. For long-lived owners of RAID-Z: takes a
   * few seconds of CPU, so run it with {@link Env#onCpu} and do not wait. Does nothing where
   * there are no vectors.
   */
  public static void warmUp(Env env) {
    Kernels.warmUpParity(env);
  }

  /** Whether a {@link #warmUp} has put the vector kernel to work. */
  public static boolean vectorsAtWork() {
    return Kernels.parityVector();
  }

  /**
   * Lets {@code kernel} compute all parity of this process from now on, as a native library may do
   * it faster; null gives the work back to our own.
   *
   * @throws IllegalArgumentException when it computes anything else than ours does
   */
  public static void plug(@Nullable ParityKernel kernel) {
    if (kernel != null && !ParityTrial.agrees(kernel)) {
      throw new IllegalArgumentException("parity kernel computes something else: " + kernel);
    }
    plugged = kernel;
  }

  private static ParityKernel kernel() {
    ParityKernel foreign = plugged;
    if (foreign != null) {
      return foreign;
    }
    return Kernels.parityVector() ? ParityVector.INSTANCE : ParityScalar.INSTANCE;
  }

  /**
   * Writes the parity of {@code data}.
   *
   * @param data 1 to 255 columns
   * @param parity targets for P, or P and Q, or P, Q and R, each as long as the longest column
   */
  public static void generate(MemorySegment[] data, MemorySegment[] parity) {
    checkShape(data, parity);
    long longest = 0;
    for (MemorySegment column : data) {
      longest = Math.max(longest, column.byteSize());
    }
    for (MemorySegment row : parity) {
      Check.that(row.byteSize() == longest, "parity column size", row.byteSize());
    }
    sums(kernel(), data, parity, longest);
  }

  private static void checkShape(@Nullable MemorySegment[] data, @Nullable MemorySegment[] parity) {
    Check.that(data.length > 0 && data.length <= MOST_DATA_COLUMNS, "data columns", data.length);
    Check.that(
        parity.length > 0 && parity.length <= MOST_PARITY_COLUMNS, "parity columns", parity.length);
  }

  /** Sums of whole columns, in as many stripes as there are different lengths. */
  private static void sums(
      ParityKernel kernel, @Nullable MemorySegment[] data, MemorySegment[] rows, long end) {
    for (long from = 0; from < end; ) {
      long to = stripeEnd(data, from, end);
      @Nullable MemorySegment[] reaching = reaching(data, from);
      kernel.sums(reaching, reaching.length, from, rows, from, to - from);
      from = to;
    }
  }

  /** What is done with the sums of a range of bytes, which lie at the start of their segments. */
  private interface Tile {
    void use(long at, long bytes);
  }

  /** As {@link #sums}, tile by tile. */
  private static void tiles(
      ParityKernel kernel,
      @Nullable MemorySegment[] data,
      MemorySegment[] sums,
      long end,
      Tile tile) {
    for (long from = 0; from < end; ) {
      long to = stripeEnd(data, from, end);
      @Nullable MemorySegment[] reaching = reaching(data, from);
      for (long at = from; at < to; at += ParityScalar.TILE_BYTES) {
        long bytes = Math.min(ParityScalar.TILE_BYTES, to - at);
        kernel.sums(reaching, reaching.length, at, sums, 0, bytes);
        tile.use(at, bytes);
      }
      from = to;
    }
  }

  /** Up to where the columns that reach beyond {@code from} all go. */
  private static long stripeEnd(@Nullable MemorySegment[] data, long from, long end) {
    long to = end;
    for (MemorySegment column : data) {
      if (column != null && column.byteSize() > from) {
        to = Math.min(to, column.byteSize());
      }
    }
    return to;
  }

  /** The columns that reach beyond {@code from} in their places, up to the last of them. */
  private static @Nullable MemorySegment[] reaching(@Nullable MemorySegment[] data, long from) {
    int count = 0;
    for (int i = 0; i < data.length; i++) {
      MemorySegment column = data[i];
      if (column != null && column.byteSize() > from) {
        count = i + 1;
      }
    }
    @Nullable MemorySegment[] reaching = new MemorySegment[count];
    for (int i = 0; i < count; i++) {
      MemorySegment column = data[i];
      reaching[i] = column != null && column.byteSize() > from ? column : null;
    }
    return reaching;
  }

  /**
   * Computes lost columns again from all the others.
   *
   * @param data all data columns in their places; those that were lost are targets, of the length
   *     that the column had. One that was lost may be null when it is not wanted
   * @param parity the same for P, or P and Q, or P, Q and R
   * @param lost the places of what was lost: that of a data column, or the number of data columns
   *     and that of a parity column; at most as many as there are parity columns
   */
  public static void reconstruct(
      @Nullable MemorySegment[] data, @Nullable MemorySegment[] parity, int... lost) {
    checkShape(data, parity);
    BitSet gone = new BitSet();
    for (int place : lost) {
      Check.that(place >= 0 && place < data.length + parity.length, "lost column", place);
      Check.that(!gone.get(place), "column lost twice", place);
      gone.set(place);
    }
    Check.that(lost.length <= parity.length, "more columns lost than parity", lost.length);
    checkSizes(data, parity, gone);
    ParityKernel kernel = kernel();
    solve(kernel, data, parity, gone);
    generateLost(kernel, data, parity, gone);
  }

  private static void checkSizes(
      @Nullable MemorySegment[] data, @Nullable MemorySegment[] parity, BitSet gone) {
    long longest = 0;
    boolean known = true;
    for (int i = 0; i < data.length; i++) {
      MemorySegment column = data[i];
      Check.that(column != null || gone.get(i), "data column is missing", i);
      known &= column != null;
      longest = Math.max(longest, column == null ? 0 : column.byteSize());
    }
    long size = -1;
    for (int r = 0; r < parity.length; r++) {
      MemorySegment row = parity[r];
      Check.that(row != null || gone.get(data.length + r), "parity column is missing", r);
      if (row != null) {
        Check.that(size < 0 || row.byteSize() == size, "parity column size", row.byteSize());
        size = row.byteSize();
      }
    }
    Check.that(size < 0 || (known ? size == longest : size >= longest), "parity column size", size);
  }

  /**
   * The lost data columns x are the solution of as many equations as there are: each says that the
   * sum of {@code 2^(r * x) * d(x)} over them is what parity column r holds beyond the columns that
   * are left.
   */
  private static void solve(
      ParityKernel kernel,
      @Nullable MemorySegment[] data,
      @Nullable MemorySegment[] parity,
      BitSet gone) {
    int unknowns = gone.get(0, data.length).cardinality();
    if (unknowns == 0) {
      return;
    }
    int[] places = gone.stream().limit(unknowns).toArray();
    int[] rows = new int[unknowns];
    MemorySegment[] known = new MemorySegment[unknowns];
    int found = 0;
    for (int r = 0; found < unknowns; r++) {
      MemorySegment row = parity[r];
      if (row != null && !gone.get(data.length + r)) {
        rows[found] = r;
        known[found] = row;
        found++;
      }
    }
    @Nullable MemorySegment[] left = data.clone();
    long end = 0;
    for (int place : places) {
      MemorySegment target = data[place];
      left[place] = null;
      end = Math.max(end, target == null ? 0 : target.byteSize());
    }
    if (unknowns == 1 && rows[0] == 0) {
      MemorySegment target = data[places[0]];
      if (target != null) {
        left[places[0]] = known[0]; // The sum of everything is zero, so this is all it takes.
        sums(kernel, left, new MemorySegment[] {target}, end);
      }
      return;
    }
    int[][] coefficients = GaloisField.inverse(equations(rows, places));
    Scratch scratch = POOL.take();
    try {
      MemorySegment[] sums = Arrays.copyOf(scratch.rows, rows[unknowns - 1] + 1);
      MemorySegment[] used = new MemorySegment[unknowns];
      for (int j = 0; j < unknowns; j++) {
        used[j] = sums[rows[j]];
      }
      long longest = end;
      tiles(
          kernel,
          left,
          sums,
          longest,
          (at, bytes) -> {
            for (int i = 0; i < unknowns; i++) {
              MemorySegment target = data[places[i]];
              if (target != null && target.byteSize() > at) {
                long most = Math.min(bytes, target.byteSize() - at);
                kernel.solve(used, known, coefficients[i], target, at, most);
              }
            }
          });
    } finally {
      POOL.give(scratch);
    }
  }

  /** For each parity column used, how often each unknown counts in it. */
  static int[][] equations(int[] rows, int[] places) {
    int[][] equations = new int[rows.length][places.length];
    for (int j = 0; j < rows.length; j++) {
      for (int i = 0; i < places.length; i++) {
        equations[j][i] = GaloisField.powerOfTwo(rows[j] * places[i]);
      }
    }
    return equations;
  }

  /** Lost parity columns, once all data is there. */
  private static void generateLost(
      ParityKernel kernel,
      @Nullable MemorySegment[] data,
      @Nullable MemorySegment[] parity,
      BitSet gone) {
    int[] wanted =
        gone.stream()
            .map(place -> place - data.length)
            .filter(r -> r >= 0 && parity[r] != null)
            .toArray();
    if (wanted.length == 0) {
      return;
    }
    for (int i = 0; i < data.length; i++) {
      Check.that(data[i] != null, "parity wanted without data column", i);
    }
    int count = wanted[wanted.length - 1] + 1;
    long end = requireNonNull(parity[wanted[0]]).byteSize();
    if (wanted.length == count) {
      MemorySegment[] targets = new MemorySegment[count];
      for (int r = 0; r < count; r++) {
        targets[r] = requireNonNull(parity[r]);
      }
      sums(kernel, data, targets, end);
      return;
    }
    // The kernel computes all rows below the last one wanted; those that are not go nowhere.
    Scratch scratch = POOL.take();
    try {
      MemorySegment[] sums = Arrays.copyOf(scratch.rows, count);
      tiles(
          kernel,
          data,
          sums,
          end,
          (at, bytes) -> {
            for (int r : wanted) {
              MemorySegment.copy(sums[r], 0, requireNonNull(parity[r]), at, bytes);
            }
          });
    } finally {
      POOL.give(scratch);
    }
  }
}
