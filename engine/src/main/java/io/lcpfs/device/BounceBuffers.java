package io.lcpfs.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * At most eight aligned buffers of 1 MiB, made when first needed, for callers whose memory a device
 * cannot use as it is. A caller waits when all are lent.
 */
final class BounceBuffers implements AutoCloseable {
  static final int BYTES = 1 << 20;
  private static final int MOST = 8;

  private final Arena arena = Arena.ofShared();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition returned = lock.newCondition();
  private final ArrayDeque<MemorySegment> idle = new ArrayDeque<>(MOST);
  private int made;

  MemorySegment take() {
    lock.lock();
    try {
      while (true) {
        MemorySegment buffer = idle.poll();
        if (buffer != null) {
          return buffer;
        }
        if (made < MOST) {
          MemorySegment fresh = arena.allocate(BYTES, 4096);
          made++;
          return fresh;
        }
        returned.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  void giveBack(MemorySegment buffer) {
    lock.lock();
    try {
      idle.push(buffer);
      returned.signal();
    } finally {
      lock.unlock();
    }
  }

  /** No buffer may be lent any more. */
  @Override
  public void close() {
    arena.close();
  }
}
