package io.lcpfs.fuse;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Lets only a few threads wait for requests at a time. The kernel gives each request to the thread
 * that has waited longest, so with many of them each comes to it with cold caches. The others stand
 * by, and one takes over when all that wait have got something to do.
 */
final class Readers {
  private final int most;
  private final AtomicInteger waiting = new AtomicInteger();
  private final Semaphore standBy = new Semaphore(0);

  /**
   * @param most how many may wait for requests at a time, at least one
   */
  Readers(int most) {
    this.most = most;
  }

  /** Returns when the caller may wait for a request. */
  void enter() {
    while (true) {
      int now = waiting.get();
      if (now >= most) {
        standBy.acquireUninterruptibly();
      } else if (waiting.compareAndSet(now, now + 1)) {
        return;
      }
    }
  }

  /** The caller has got a request, or nothing. */
  void leave() {
    if (waiting.decrementAndGet() == 0 && standBy.availablePermits() == 0) {
      standBy.release();
    }
  }

  /** The caller, which waits no longer, ends as there are no more requests; the next finds out. */
  void end() {
    standBy.release();
  }

  /** How many wait for requests. */
  int waiting() {
    return waiting.get();
  }
}
