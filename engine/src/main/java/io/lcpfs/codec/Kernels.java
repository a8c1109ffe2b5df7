package io.lcpfs.codec;

import io.lcpfs.env.Env;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Chooses between the plain kernels and the vector ones. Until the compiler has got to it a vector
 * kernel is hundreds of times slower, so the plain ones serve until a warm-up has seen the vector
 * ones win; a process that never warms up, or has no vector module, never loads them.
 */
final class Kernels {
  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  /** Longer than the compiler ever took; a machine whose vectors lose keeps the plain kernels. */
  private static final int MOST_ROUNDS = 4000;

  /** A win by accident does not count: this many in a row. */
  private static final int ROUNDS_WON = 8;

  private static final int RECORD_BYTES = 128 << 10;
  private static final int BLOCK_BYTES = 4 << 10;
  private static final int BLOCKS = 4;

  private static final AtomicBoolean STARTED = new AtomicBoolean();
  private static volatile boolean vector;

  private static final AtomicBoolean PARITY_STARTED = new AtomicBoolean();
  private static volatile boolean parityVector;

  private Kernels() {}

  /** Whether the vector kernels are compiled and faster. */
  static boolean vector() {
    return vector;
  }

  /** Whether the vector kernel of parity is compiled and faster. */
  static boolean parityVector() {
    return parityVector;
  }

  static boolean vectorModulePresent() {
    return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
  }

  /**
   * Runs both kinds side by side until the vector kernels win. Takes about a second of CPU, once
   * per process: a second caller returns at once.
   */
  static void warmUp(Env env) {
    if (vectorModulePresent() && Blake3Lanes.USABLE && STARTED.compareAndSet(false, true)) {
      vector = vectorWins(env);
    }
  }

  private static boolean vectorWins(Env env) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment record = arena.allocate(RECORD_BYTES, 64);
      MemorySegment[] blocks = new MemorySegment[BLOCKS];
      MemorySegment[] outs = new MemorySegment[BLOCKS];
      for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = record.asSlice((long) i * BLOCK_BYTES, BLOCK_BYTES);
        outs[i] = arena.allocate(Checksums.BYTES);
      }
      return wins(
          env,
          () -> {
            Blake3Scalar.hash(record, outs[0], 0);
            Fletcher4.hash(record, outs[0], 0);
          },
          () -> {
            Blake3Vector.hash(record, outs[0], 0);
            Blake3Vector.hashMany(blocks, outs, BLOCKS);
            Fletcher4Vector.hash(record, outs[0], 0);
          });
    }
  }

  /** As {@link #warmUp}, for parity, which only owners of RAID-Z need. */
  static void warmUpParity(Env env) {
    if (vectorModulePresent() && ParityVector.USABLE && PARITY_STARTED.compareAndSet(false, true)) {
      parityVector = parityVectorWins(env);
    }
  }

  private static boolean parityVectorWins(Env env) {
    try (Arena arena = Arena.ofShared()) {
      ParityTrial trial = new ParityTrial(arena);
      return wins(
          env, () -> trial.run(ParityScalar.INSTANCE), () -> trial.run(ParityVector.INSTANCE));
    }
  }

  /**
   * Whether the vectors get faster than the plain kernels have ever been. The best time counts,
   * because at first both are interpreted, and because other work may interrupt a round.
   */
  private static boolean wins(Env env, Runnable plain, Runnable vectors) {
    int won = 0;
    long bestPlain = Long.MAX_VALUE;
    for (int round = 0; round < MOST_ROUNDS && won < ROUNDS_WON; round++) {
      long start = env.nanoTime();
      plain.run();
      long middle = env.nanoTime();
      if (middle == start) {
        return false; // Simulated time stands still: there is nothing to measure, or to gain.
      }
      bestPlain = Math.min(bestPlain, middle - start);
      vectors.run();
      won = env.nanoTime() - middle < bestPlain ? won + 1 : 0;
    }
    return won == ROUNDS_WON;
  }
}
