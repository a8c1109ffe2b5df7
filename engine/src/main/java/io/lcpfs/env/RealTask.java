package io.lcpfs.env;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** A job of the real world. It runs once, whoever comes first. */
final class RealTask<T> implements Task<T>, Runnable {
  private final FutureTask<T> future;
  private final @Nullable WorkerPool pool;

  RealTask(Callable<T> job, @Nullable WorkerPool pool) {
    this.future = new FutureTask<>(job);
    this.pool = pool;
  }

  @Override
  public void run() {
    future.run();
  }

  @Override
  public T join() {
    if (!future.isDone() && pool != null && pool.isWorker(Thread.currentThread())) {
      // A worker that waited for a job still queued behind it could wait for ever.
      future.run();
    }
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          throw unchecked(e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public boolean isDone() {
    return future.isDone();
  }

  /** What the job threw, or null when it has not ended or ended well. */
  @Nullable Throwable failure() {
    return future.state() == FutureTask.State.FAILED ? future.exceptionNow() : null;
  }

  private static RuntimeException unchecked(@Nullable Throwable cause) {
    return switch (cause) {
      case RuntimeException e -> e;
      case Error e -> throw e;
      case null, default -> new IllegalStateException("job failed: " + cause, cause);
    };
  }
}
