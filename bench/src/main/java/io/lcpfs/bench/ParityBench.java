package io.lcpfs.bench;

import io.lcpfs.codec.Parity;
import io.lcpfs.env.RealEnv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * RAID-Z parity over eight data columns of records of 128 KiB. One operation: one record, in the
 * processor's cache or from memory.
 */
@State(Scope.Thread)
public class ParityBench {
  static final int BYTES_PER_OPERATION = 128 << 10;
  private static final int DATA_COLUMNS = 8;
  private static final int COLUMN_BYTES = BYTES_PER_OPERATION / DATA_COLUMNS;

  /** Parity of as many records together is more than any cache of a processor core holds. */
  private static final int RECORDS_IN_MEMORY = 4096;

  /**
   * Parity columns, the columns lost (none: parity is generated; a lost parity column is not
   * wanted), where the record lies, and the kernel.
   */
  @Param({
    "P - cache vector",
    "PQ - cache vector",
    "PQR - cache vector",
    "P - memory vector",
    "PQ - memory vector",
    "PQR - memory vector",
    "P 2 cache vector",
    "PQ 2,8 cache vector",
    "PQ 2,5 cache vector",
    "PQR 2,5,6 cache vector",
    "P - cache plain",
    "PQ - cache plain",
    "PQR - cache plain",
    "P 2 cache plain",
    "PQ 2,5 cache plain",
    "PQR 2,5,6 cache plain"
  })
  String what = "";

  private MemorySegment[][] data = {};
  private MemorySegment[][] targets = {};
  private @Nullable MemorySegment[][] parity = {};
  private int[] lost = {};
  private int next;

  /** Makes the records, and warms the kernels up the way a long-lived owner does. */
  @Setup
  public void setUp() {
    String[] words = what.split(" ", -1);
    int rows = words[0].length();
    if (!words[1].equals("-")) {
      lost = Arrays.stream(words[1].split(",", -1)).mapToInt(Integer::parseInt).toArray();
    }
    int records = words[2].equals("memory") ? RECORDS_IN_MEMORY : 1;
    if (words[3].equals("vector")) {
      try (RealEnv env = new RealEnv()) {
        Parity.warmUp(env);
      }
      if (!Parity.vectorsAtWork()) {
        throw new IllegalStateException("the vector kernel did not win on this machine");
      }
    }
    byte[] random = new byte[BYTES_PER_OPERATION];
    new SplittableRandom(1).nextBytes(random);
    data = new MemorySegment[records][DATA_COLUMNS];
    targets = new MemorySegment[records][rows];
    parity = new MemorySegment[records][];
    for (int record = 0; record < records; record++) {
      MemorySegment memory = Arena.global().allocate(BYTES_PER_OPERATION, 4096);
      MemorySegment.copy(random, 0, memory, ValueLayout.JAVA_BYTE, 0, random.length);
      for (int i = 0; i < DATA_COLUMNS; i++) {
        data[record][i] = memory.asSlice((long) i * COLUMN_BYTES, COLUMN_BYTES);
      }
      for (int r = 0; r < rows; r++) {
        targets[record][r] = Arena.global().allocate(COLUMN_BYTES, 4096);
      }
      Parity.generate(data[record], targets[record]);
      parity[record] = targets[record].clone();
      for (int place : lost) {
        if (place >= DATA_COLUMNS) {
          parity[record][place - DATA_COLUMNS] = null;
        }
      }
    }
  }

  /** Generates the parity of one record, or computes its lost columns again. */
  @Benchmark
  public int run(CpuClock clock) {
    clock.operations++;
    int record = next;
    next = record + 1 == data.length ? 0 : record + 1;
    if (lost.length == 0) {
      Parity.generate(data[record], targets[record]);
    } else {
      Parity.reconstruct(data[record], parity[record], lost);
    }
    return record;
  }
}
