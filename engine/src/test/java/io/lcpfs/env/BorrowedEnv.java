package io.lcpfs.env;

import java.util.concurrent.Callable;

/** The real world, for tests that change one thing about it. */
public class BorrowedEnv implements Env, AutoCloseable {
  private final RealEnv real = new RealEnv();

  @Override
  public long nanoTime() {
    return real.nanoTime();
  }

  @Override
  public long wallNanos() {
    return real.wallNanos();
  }

  @Override
  public void sleep(long nanos) {
    real.sleep(nanos);
  }

  @Override
  public long randomLong() {
    return real.randomLong();
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
