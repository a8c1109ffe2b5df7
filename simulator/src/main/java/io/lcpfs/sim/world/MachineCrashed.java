package io.lcpfs.sim.world;

/** What a task outside a machine gets when it waits for a task of a machine that crashed. */
public final class MachineCrashed extends RuntimeException {
  private static final long serialVersionUID = 1L;

  MachineCrashed(String machine) {
    super(machine + " crashed");
  }
}
