package io.lcpfs.env;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The world as it is: the machine's clocks, its random source, and platform threads.
 *
 * <p>Device jobs share a pool that keeps 4 threads and grows to 32 while jobs queue; CPU jobs share
 * one of {@link #cpus} threads. A job of a pool may wait for another job of the same pool. All
 * threads are daemons.
 */
public final class RealEnv implements Env, AutoCloseable {
  /** Device threads kept while idle. */
  public static final int DEVICE_THREADS_KEPT = 4;

  /** Device threads at most. */
  public static final int DEVICE_THREADS_MAX = 32;

  private static final int RANDOM_BATCH_BYTES = 4096;
  private static final long CLOSE_GRACE_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final int cpus;
  private final WorkerPool devicePool;
  private final WorkerPool cpuPool;

  /** Guards everything below but the random batch. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition closing = lock.newCondition();
  private final Condition forkEnded = lock.newCondition();
  private final List<Thread> forks = new ArrayList<>();
  private boolean closed;

  private final ReentrantLock randomLock = new ReentrantLock();
  private final ByteBuffer randomBatch = ByteBuffer.allocate(RANDOM_BATCH_BYTES).limit(0);
  private @Nullable SecureRandom random;

  /** A world with as many CPU jobs at once as the JVM sees processors. */
  public RealEnv() {
    this(Runtime.getRuntime().availableProcessors(), DEVICE_THREADS_KEPT, DEVICE_THREADS_MAX);
  }

  /**
   * A world of the given size.
   *
   * @param cpus CPU jobs at once, at least 1
   * @param deviceThreadsKept device threads that stay when idle, at least 1
   * @param deviceThreadsMax device threads at most, at least {@code deviceThreadsKept}
   */
  public RealEnv(int cpus, int deviceThreadsKept, int deviceThreadsMax) {
    this.cpus = cpus;
    this.cpuPool = new WorkerPool("lcpfs-cpu", cpus, cpus);
    this.devicePool = new WorkerPool("lcpfs-device", deviceThreadsKept, deviceThreadsMax);
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public long wallNanos() {
    Instant now = Instant.now();
    return Math.addExact(Math.multiplyExact(now.getEpochSecond(), 1_000_000_000L), now.getNano());
  }

  /** {@inheritDoc} So does {@link #close}, once; a sleep begun later lasts in full. */
  @Override
  public void sleep(long nanos) {
    long deadline = System.nanoTime() + nanos;
    lock.lock();
    try {
      boolean wasClosed = closed;
      long left = nanos;
      while (left > 0 && closed == wasClosed) {
        long _ = closing.awaitNanos(left);
        left = deadline - System.nanoTime();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** {@inheritDoc} Taken in batches from the platform's cryptographic generator. */
  @Override
  public long randomLong() {
    randomLock.lock();
    try {
      if (!randomBatch.hasRemaining()) {
        if (random == null) {
          random = new SecureRandom();
        }
        random.nextBytes(randomBatch.array());
        randomBatch.clear();
      }
      int place = randomBatch.position();
      long value = randomBatch.getLong();
      randomBatch.putLong(place, 0); // a number handed out leaves no copy behind
      return value;
    } finally {
      randomLock.unlock();
    }
  }

  /**
   * {@inheritDoc} What the body throws reaches {@link Task#join} and, since a long-lived task may
   * have nobody waiting, also the thread's uncaught-exception handler.
   */
  @Override
  public Task<Void> fork(String name, Runnable body) {
    RealTask<Void> task = new RealTask<>(asCallable(body), null);
    Thread thread = Thread.ofPlatform().daemon().name(name).unstarted(() -> runFork(task));
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("environment is closed: " + name);
      }
      thread.start();
      forks.add(thread); // the thread cannot take itself off before we let the lock go
    } finally {
      lock.unlock();
    }
    return task;
  }

  @Override
  public <T> Task<T> onDevice(Callable<T> job) {
    return submit(devicePool, job);
  }

  @Override
  public <T> Task<T> onCpu(Callable<T> job) {
    return submit(cpuPool, job);
  }

  @Override
  public int cpus() {
    return cpus;
  }

  /** How many device threads live now. */
  public int deviceThreads() {
    return devicePool.threads();
  }

  /**
   * Ends the world: refuses new forks, wakes sleepers once, waits for the forks, then lets the
   * queued jobs run and ends the pools. Whoever forked a task has told it to end before.
   *
   * @throws IllegalStateException naming the forks that are still alive after 30 seconds
   */
  @Override
  public void close() {
    List<String> alive;
    lock.lock();
    try {
      closed = true;
      closing.signalAll();
      alive = awaitForks(System.nanoTime() + CLOSE_GRACE_NANOS);
    } finally {
      lock.unlock();
    }
    devicePool.close();
    cpuPool.close();
    if (!alive.isEmpty()) {
      throw new IllegalStateException("tasks did not end: " + alive);
    }
  }

  /** Waits for all forks but the caller's own; the lock is held. */
  private List<String> awaitForks(long deadline) {
    boolean interrupted = false;
    long left = deadline - System.nanoTime();
    while (left > 0 && !othersAlive().isEmpty()) {
      try {
        long _ = forkEnded.awaitNanos(left);
      } catch (InterruptedException e) {
        interrupted = true;
      }
      left = deadline - System.nanoTime();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return othersAlive();
  }

  private List<String> othersAlive() {
    List<String> names = new ArrayList<>();
    for (Thread fork : forks) {
      if (!fork.equals(Thread.currentThread())) {
        names.add(fork.getName());
      }
    }
    return names;
  }

  private void runFork(RealTask<Void> task) {
    try {
      task.run();
      Throwable failure = task.failure();
      if (failure != null) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, failure);
      }
    } finally {
      lock.lock();
      try {
        forks.remove(Thread.currentThread());
        forkEnded.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private static Callable<Void> asCallable(Runnable body) {
    return () -> {
      body.run();
      return null;
    };
  }

  private static <T> Task<T> submit(WorkerPool pool, Callable<T> job) {
    RealTask<T> task = new RealTask<>(job, pool);
    pool.submit(task);
    return task;
  }
}
