package io.lcpfs.env;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A bounded pool of platform threads with one first-in-first-out queue. A job finds an idle worker,
 * or else a new one up to the bound, or else waits. Workers above the kept number leave when idle.
 */
final class WorkerPool {
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final String name;
  private final int keptThreads;
  private final int maxThreads;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final ArrayDeque<Runnable> queue = new ArrayDeque<>();
  private final List<Thread> workers = new ArrayList<>();
  private int idleWorkers;
  private long startedWorkers;
  private boolean closed;

  WorkerPool(String name, int keptThreads, int maxThreads) {
    if (keptThreads < 1 || maxThreads < keptThreads) {
      throw new IllegalArgumentException(name + " threads: " + keptThreads + ".." + maxThreads);
    }
    this.name = name;
    this.keptThreads = keptThreads;
    this.maxThreads = maxThreads;
  }

  /** Queues a job. Jobs must not throw. Fails with IllegalStateException once closed. */
  void submit(Runnable job) {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("environment is closed: " + name);
      }
      queue.add(job);
      // Idle workers already signalled have not taken their job yet, so compare with the queue.
      if (idleWorkers >= queue.size()) {
        work.signal();
      } else if (workers.size() < maxThreads) {
        Thread worker =
            Thread.ofPlatform().daemon().name(name + "-" + startedWorkers++).unstarted(this::loop);
        workers.add(worker);
        startOrForget(worker);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The machine may refuse a thread: the job then waits for a worker, if there is one. */
  private void startOrForget(Thread worker) {
    boolean started = false;
    try {
      worker.start();
      started = true;
    } catch (OutOfMemoryError e) {
      if (workers.size() == 1) {
        queue.removeLast();
        throw e;
      }
    } finally {
      if (!started) {
        workers.remove(worker);
      }
    }
  }

  boolean isWorker(Thread thread) {
    lock.lock();
    try {
      return workers.contains(thread);
    } finally {
      lock.unlock();
    }
  }

  int threads() {
    lock.lock();
    try {
      return workers.size();
    } finally {
      lock.unlock();
    }
  }

  /** Lets every queued job run, then ends and joins the workers. */
  void close() {
    List<Thread> leaving;
    lock.lock();
    try {
      closed = true;
      work.signalAll();
      leaving = List.copyOf(workers);
    } finally {
      lock.unlock();
    }
    boolean interrupted = false;
    for (Thread worker : leaving) {
      while (worker.isAlive() && !worker.equals(Thread.currentThread())) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void loop() {
    for (Runnable job = next(); job != null; job = next()) {
      job.run();
      // An interrupt was meant for the job that has just ended, not for its successor.
      boolean _ = Thread.interrupted();
    }
  }

  /** The next job, or null when this worker shall leave (it is then off the list already). */
  private @Nullable Runnable next() {
    lock.lock();
    try {
      long leftNanos = IDLE_NANOS;
      while (queue.isEmpty()) {
        if (closed || (leftNanos <= 0 && workers.size() > keptThreads)) {
          workers.remove(Thread.currentThread());
          return null;
        }
        idleWorkers++;
        try {
          leftNanos = work.awaitNanos(leftNanos > 0 ? leftNanos : IDLE_NANOS);
        } catch (InterruptedException e) {
          leftNanos = IDLE_NANOS; // a stray interrupt; nobody asks a worker to stop this way
        } finally {
          idleWorkers--;
        }
      }
      return queue.remove();
    } finally {
      lock.unlock();
    }
  }
}
