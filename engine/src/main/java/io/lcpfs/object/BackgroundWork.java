package io.lcpfs.object;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Counts jobs that nobody waits for, so that a pool can be closed only after the last has ended. */
public final class BackgroundWork {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition quiet = lock.newCondition();
  private int running;
  private boolean closed;

  /** Whether a job may start; each true is followed by one {@link #end}. */
  public boolean begin() {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      running++;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** A job has ended. */
  public void end() {
    lock.lock();
    try {
      running--;
      if (running == 0) {
        quiet.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Refuses new jobs and waits for those that run. */
  public void close() {
    lock.lock();
    try {
      closed = true;
      while (running > 0) {
        quiet.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }
}
