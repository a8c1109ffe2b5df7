package io.lcpfs.pool;

import io.lcpfs.memory.MemorySource;
import io.lcpfs.memory.SystemMemorySource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** Keeps chunks for the next pool, so that thousands of imports do not each map fresh memory. */
final class RecycledMemory implements MemorySource {
  private final MemorySource source = new SystemMemorySource();
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Long, ArrayDeque<MemorySegment>> unused = new HashMap<>();

  @Override
  public MemorySegment acquire(long bytes, long alignmentBytes) {
    lock.lock();
    try {
      ArrayDeque<MemorySegment> kept = unused.get(bytes);
      MemorySegment chunk = kept == null ? null : kept.poll();
      if (chunk != null) {
        return chunk;
      }
    } finally {
      lock.unlock();
    }
    MemorySegment chunk = source.acquire(bytes, alignmentBytes);
    if (chunk == null) {
      throw new AssertionError("no memory for a test");
    }
    return chunk;
  }

  @Override
  public void release(MemorySegment chunk) {
    lock.lock();
    try {
      unused.computeIfAbsent(chunk.byteSize(), size -> new ArrayDeque<>()).add(chunk);
    } finally {
      lock.unlock();
    }
  }
}
