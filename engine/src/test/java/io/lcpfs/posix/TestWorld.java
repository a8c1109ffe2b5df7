package io.lcpfs.posix;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.env.RealEnv;
import io.lcpfs.env.Task;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;

/** The real world with a wall clock that the test sets, planted bugs, and probes remembered. */
final class TestWorld implements Env, AutoCloseable {
  private final RealEnv real = new RealEnv();
  final Set<PlantedBug> bugs = EnumSet.noneOf(PlantedBug.class);
  final Set<CodeProbe> probes = EnumSet.noneOf(CodeProbe.class);

  /** The wall clock; each look at it moves it on. */
  final AtomicLong wallNanos = new AtomicLong(1_700_000_000_123_456_789L);

  @Override
  public long nanoTime() {
    return real.nanoTime();
  }

  @Override
  public long wallNanos() {
    return wallNanos.addAndGet(1000);
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
  public void probe(CodeProbe probe) {
    probes.add(probe);
  }

  @Override
  public boolean planted(PlantedBug bug) {
    return bugs.contains(bug);
  }

  @Override
  public void close() {
    real.close();
  }
}
