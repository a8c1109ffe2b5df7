package io.lcpfs.alloc;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.Task;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Callable;

/** A world that only counts probes. */
final class ProbeEnv implements Env {
  final Map<CodeProbe, Integer> probes = new EnumMap<>(CodeProbe.class);

  @Override
  public void probe(CodeProbe probe) {
    probes.merge(probe, 1, Integer::sum);
  }

  @Override
  public long nanoTime() {
    return 0;
  }

  @Override
  public long wallNanos() {
    return 0;
  }

  @Override
  public void sleep(long nanos) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long randomLong() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Task<Void> fork(String name, Runnable body) {
    throw new UnsupportedOperationException();
  }

  @Override
  public <T> Task<T> onDevice(Callable<T> job) {
    throw new UnsupportedOperationException();
  }

  @Override
  public <T> Task<T> onCpu(Callable<T> job) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int cpus() {
    return 1;
  }
}
