package io.lcpfs.memory;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A gate that refuses the n-th allocation: loop n until {@link #reached} says that it is too high.
 */
public final class FailingGate implements AllocationGate {
  private final long refused;
  private final AtomicLong asked = new AtomicLong();

  /** Refuses allocation {@code n}, counted from 1. */
  public FailingGate(long n) {
    this.refused = n;
  }

  @Override
  public boolean allow(int bytes, boolean forSync) {
    return asked.incrementAndGet() != refused;
  }

  /** Whether the allocation to refuse was asked for. */
  public boolean reached() {
    return asked.get() >= refused;
  }
}
