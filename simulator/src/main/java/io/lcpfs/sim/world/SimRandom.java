package io.lcpfs.sim.world;

import io.lcpfs.error.Check;

/**
 * A seeded stream of random numbers (SplitMix64). Streams split by name do not influence one
 * another.
 */
public final class SimRandom {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private long state;

  public SimRandom(long seed) {
    this.state = mix(seed + GOLDEN);
  }

  /** The stream {@code name} of {@code seed}: independent of how much other streams were used. */
  public static SimRandom named(long seed, String name) {
    long hash = seed;
    for (int i = 0; i < name.length(); i++) {
      hash = mix(hash ^ (name.charAt(i) * GOLDEN));
    }
    return new SimRandom(hash);
  }

  public long nextLong() {
    state += GOLDEN;
    return mix(state);
  }

  /** From 0 to {@code bound - 1}. */
  public int nextInt(int bound) {
    Check.that(bound > 0, "random bound", bound);
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }

  /** From {@code low} to {@code high}, both included. */
  public int between(int low, int high) {
    return low + nextInt(high - low + 1);
  }

  /** From 0 to {@code bound - 1}. */
  public long nextLong(long bound) {
    Check.that(bound > 0, "random bound", bound);
    return Long.remainderUnsigned(nextLong(), bound);
  }

  /** True in {@code perMille} of 1,000 cases. */
  public boolean chance(int perMille) {
    return perMille > 0 && nextInt(1000) < perMille;
  }

  public boolean nextBoolean() {
    return nextLong() < 0;
  }

  public <T> T pick(T[] choices) {
    return choices[nextInt(choices.length)];
  }

  public void nextBytes(byte[] target) {
    int i = 0;
    while (i < target.length) {
      long bits = nextLong();
      for (int b = 0; b < 8 && i < target.length; b++, i++) {
        target[i] = (byte) bits;
        bits >>>= 8;
      }
    }
  }

  /** A bijection of the 64-bit numbers that spreads every bit. */
  public static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
