package io.lcpfs.device;

import java.util.Arrays;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The byte ranges being written right now. A write that overlaps one waits for it: without that,
 * the kernel may mix two direct writes sector by sector inside one block.
 */
final class WriteRanges {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition left = lock.newCondition();
  private long[] starts = new long[16];
  private long[] ends = new long[16];
  private int count;

  void enter(long start, long end) {
    lock.lock();
    try {
      while (overlaps(start, end)) {
        left.awaitUninterruptibly();
      }
      if (count == starts.length) {
        starts = Arrays.copyOf(starts, count * 2);
        ends = Arrays.copyOf(ends, count * 2);
      }
      starts[count] = start;
      ends[count++] = end;
    } finally {
      lock.unlock();
    }
  }

  void leave(long start) {
    lock.lock();
    try {
      // Ranges in flight do not overlap, so the start alone names one.
      for (int i = 0; i < count; i++) {
        if (starts[i] == start) {
          count--;
          starts[i] = starts[count];
          ends[i] = ends[count];
          left.signalAll();
          return;
        }
      }
      throw new AssertionError("no write in flight at " + start);
    } finally {
      lock.unlock();
    }
  }

  private boolean overlaps(long start, long end) {
    for (int i = 0; i < count; i++) {
      if (start < ends[i] && starts[i] < end) {
        return true;
      }
    }
    return false;
  }
}
