package io.lcpfs.fuzz;

import io.lcpfs.env.Env;
import io.lcpfs.env.RealEnv;
import io.lcpfs.env.Task;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;

/** Real threads, but random numbers and a wall clock that are the same in every run. */
final class SeededEnv implements Env, AutoCloseable {
  private static final long START_NANOS = 1_700_000_000_000_000_000L;

  private final RealEnv real = new RealEnv();
  private final Random random = new Random(1);
  private final AtomicLong ticks = new AtomicLong();

  @Override
  public long nanoTime() {
    return real.nanoTime();
  }

  @Override
  public long wallNanos() {
    return START_NANOS + ticks.incrementAndGet() * 1000;
  }

  @Override
  public void sleep(long nanos) {
    real.sleep(nanos);
  }

  @Override
  public long randomLong() {
    return random.nextLong();
  }

  @Override
  public Task<Void> fork(String name, Runnable body) {
    return real.fork(name, body);
  }

  @Override
  public <T> Task<T> onDevice(Callable<T> job) {
    return real.onDevice(job);
  }

  @Override
  public <T> Task<T> onCpu(Callable<T> job) {
    return real.onCpu(job);
  }

  @Override
  public int cpus() {
    return real.cpus();
  }

  @Override
  public void close() {
    real.close();
  }
}
