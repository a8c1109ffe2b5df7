package io.lcpfs.sim.engine;

import io.lcpfs.memory.MemorySource;
import io.lcpfs.sim.world.SimEnv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one simulated machine. What it holds when it crashes is for the next one to use:
 * its tasks never run again. Chunks are kept for reuse, as mapping and clearing fresh ones costs
 * more than a recovery; one that a world left behind is garbage and goes with the collector.
 */
final class MachineMemory implements MemorySource {
  /** Bytes that wait for reuse; beyond it the collector gets them. */
  private static final long MOST_SPARE_BYTES = 256L << 20;

  // Shared by the worlds of all workers, so without locks: one world must never wait for another.
  private static final ConcurrentSkipListMap<Long, ConcurrentLinkedDeque<MemorySegment>> SPARE =
      new ConcurrentSkipListMap<>();
  private static final AtomicLong SPARE_BYTES = new AtomicLong();

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
    ConcurrentLinkedDeque<MemorySegment> fitting = SPARE.get(bytes);
    MemorySegment chunk = fitting == null ? null : fitting.pollLast();
    if (chunk == null) {
      return null;
    }
    SPARE_BYTES.addAndGet(-bytes);
    return chunk.address() % alignmentBytes == 0 ? chunk : null;
  }

  @Override
  public void release(MemorySegment chunk) {
    if (!held.removeIf(mine -> mine.address() == chunk.address())) {
      throw new AssertionError("a chunk that this machine does not hold");
    }
    keep(chunk);
  }

  private static void keep(MemorySegment chunk) {
    long bytes = chunk.byteSize();
    if (SPARE_BYTES.addAndGet(bytes) > MOST_SPARE_BYTES) {
      SPARE_BYTES.addAndGet(-bytes);
      return;
    }
    SPARE.putIfAbsent(bytes, new ConcurrentLinkedDeque<>());
    ConcurrentLinkedDeque<MemorySegment> fitting = SPARE.get(bytes);
    if (fitting != null) {
      fitting.addLast(chunk);
    }
  }

  private void releaseAll() {
    held.forEach(MachineMemory::keep);
    held.clear();
  }
}
