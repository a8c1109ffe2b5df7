package io.lcpfs.fuzz;

import io.lcpfs.env.BorrowedEnv;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/** Real threads, but random numbers and a wall clock that are the same in every run. */
final class SeededEnv extends BorrowedEnv {
  private static final long START_NANOS = 1_700_000_000_000_000_000L;

  private final Random random = new Random(1);
  private final AtomicLong ticks = new AtomicLong();

  @Override
  public long wallNanos() {
    return START_NANOS + ticks.incrementAndGet() * 1000;
  }

  @Override
  public long randomLong() {
    return random.nextLong();
  }
}
