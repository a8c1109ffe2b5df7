package io.lcpfs.bench.side;

import io.lcpfs.memory.MemorySource;
import io.lcpfs.memory.SystemMemorySource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The system's memory, kept when a pool gives it back and handed to the next one, as a process that
 * lives long would: a virtual machine's first touch of a page costs more than reading it from the
 * disk.
 */
final class KeptMemory implements MemorySource {
  private final SystemMemorySource system = new SystemMemorySource();
  private final ReentrantLock lock = new ReentrantLock();
  private final List<MemorySegment> kept = new ArrayList<>();

  @Override
  public @Nullable MemorySegment acquire(long bytes, long alignmentBytes) {
    lock.lock();
    try {
      for (Iterator<MemorySegment> it = kept.iterator(); it.hasNext(); ) {
        MemorySegment chunk = it.next();
        if (chunk.byteSize() == bytes && chunk.address() % alignmentBytes == 0) {
          it.remove();
          return chunk;
        }
      }
    } finally {
      lock.unlock();
    }
    return system.acquire(bytes, alignmentBytes);
  }

  @Override
  public void release(MemorySegment chunk) {
    lock.lock();
    try {
      kept.add(chunk);
    } finally {
      lock.unlock();
    }
  }

  /** Gives what is kept to the system. */
  void clear() {
    lock.lock();
    try {
      kept.forEach(system::release);
      kept.clear();
    } finally {
      lock.unlock();
    }
  }
}
