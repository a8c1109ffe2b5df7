package io.lcpfs.sim.world;

import org.jspecify.annotations.Nullable;

/** A simulated run went wrong in a way that ends it: the message names the seed. */
public final class SimFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long seed;

  SimFailure(long seed, String message, @Nullable Throwable cause) {
    super("seed " + seed + ": " + message, cause);
    this.seed = seed;
  }

  public long seed() {
    return seed;
  }
}
