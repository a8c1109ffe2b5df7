package io.lcpfs.object;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts jobs that nobody waits for, so that a pool can be closed only after the last has ended.
 * There are fewer at a time than the environment has device threads: each may wait for a block that
 * somebody else is reading, who needs a device thread for that.
 */
public final class BackgroundWork {
  private static final int MOST_JOBS = 24;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition quiet = lock.newCondition();
  private int running;
  private boolean closed;

  /** Whether a job may start; each true is followed by one {@link #end}. */
  public boolean begin() {
    lock.lock();
    try {
      if (closed || running >= MOST_JOBS) {
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
