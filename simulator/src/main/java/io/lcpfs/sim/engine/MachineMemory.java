package io.lcpfs.sim.engine;

import io.lcpfs.memory.MemorySource;
import io.lcpfs.sim.world.SimEnv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one simulated machine. What it holds when it crashes is for the next one to use:
 * its tasks never run again. Chunks are kept for reuse, as mapping and clearing fresh ones costs more
 * than a recovery; one that a world left behind is garbage and goes with the collector.
 */
final class MachineMemory implements MemorySource {
  /** Bytes that wait for reuse; beyond it the collector gets them. */
  private static final long MOST_SPARE_BYTES = 256L << 20;

  private static final ReentrantLock LOCK = new ReentrantLock();
  private static final TreeMap<Long, ArrayDeque<MemorySegment>> SPARE = new TreeMap<>();
  private static long spareBytes;

  private final List<MemorySegment> held = new ArrayList<>();

  MachineMemory(SimEnv machine) {
    machine.onCrash(this::releaseAll);
  }

  @Override
  public @Nullable MemorySegment acquire(long bytes, long alignmentBytes) {
    MemorySegment chunk = spare(bytes, alignmentBytes);
    if (chunk == null) {
      chunk = Arena.ofAuto().allocate(bytes, alignmentBytes);
    }
    held.add(chunk);
    return chunk;
  }

  private static @Nullable MemorySegment spare(long bytes, long alignmentBytes) {
    LOCK.lock();
    try {
      ArrayDeque<MemorySegment> fitting = SPARE.get(bytes);
      if (fitting == null || fitting.isEmpty()) {
        return null;
      }
      MemorySegment chunk = fitting.removeLast();
      spareBytes -= bytes;
      return chunk.address() % alignmentBytes == 0 ? chunk : null;
    } finally {
      LOCK.unlock();
    }
  }

  @Override
  public void release(MemorySegment chunk) {
    if (!held.removeIf(mine -> mine.address() == chunk.address())) {
      throw new AssertionError("a chunk that this machine does not hold");
    }
    keep(chunk);
  }

  private static void keep(MemorySegment chunk) {
    LOCK.lock();
    try {
      if (spareBytes + chunk.byteSize() <= MOST_SPARE_BYTES) {
        SPARE.computeIfAbsent(chunk.byteSize(), bytes -> new ArrayDeque<>()).addLast(chunk);
        spareBytes += chunk.byteSize();
      }
    } finally {
      LOCK.unlock();
    }
  }

  private void releaseAll() {
    held.forEach(MachineMemory::keep);
    held.clear();
  }
}
