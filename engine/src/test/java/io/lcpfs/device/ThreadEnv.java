package io.lcpfs.device;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.Task;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;

/** The smallest world for tests of the ground floor: one platform thread for each job. */
public final class ThreadEnv implements Env {
  private final AtomicLong random = new AtomicLong(1);
  private final Map<CodeProbe, Long> probes = new ConcurrentHashMap<>();

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public long wallNanos() {
    return System.currentTimeMillis() * 1_000_000;
  }

  @Override
  public void sleep(long nanos) {
    try {
      Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public long randomLong() {
    return random.addAndGet(0x9e3779b97f4a7c15L);
  }

  @Override
  public Task<Void> fork(String name, Runnable body) {
    FutureTask<Void> task = new FutureTask<>(body, null);
    Thread.ofPlatform().name(name).start(task);
    return taskOf(task);
  }

  @Override
  public <T> Task<T> onDevice(Callable<T> job) {
    FutureTask<T> task = new FutureTask<>(job);
    Thread.ofPlatform().start(task);
    return taskOf(task);
  }

  @Override
  public <T> Task<T> onCpu(Callable<T> job) {
    return onDevice(job);
  }

  private static <T> Task<T> taskOf(FutureTask<T> task) {
    return new Task<>() {
      @Override
      public T join() {
        try {
          return task.get();
        } catch (Exception e) {
          throw new CompletionException(e);
        }
      }

      @Override
      public boolean isDone() {
        return task.isDone();
      }
    };
  }

  @Override
  public int cpus() {
    return 2;
  }

  @Override
  public void probe(CodeProbe probe) {
    probes.merge(probe, 1L, Long::sum);
  }

  /** How often {@code probe} was taken. */
  public long taken(CodeProbe probe) {
    return probes.getOrDefault(probe, 0L);
  }
}
