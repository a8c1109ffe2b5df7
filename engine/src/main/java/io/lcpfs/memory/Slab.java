package io.lcpfs.memory;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A buffer of off-heap memory. Whoever holds it owns it, until it is given to {@link
 * SlabAllocator#free}. The segment is exactly as long as was asked for; {@link #chargedBytes} is
 * what it costs in the budget.
 */
public final class Slab {
  private static final VarHandle FREED;

  static {
    try {
      FREED = MethodHandles.lookup().findVarHandle(Slab.class, "freed", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final MemorySegment segment;
  private final PageHeap.Chunk chunk;
  private final int offsetInChunk;
  private final int chargedBytes;

  @SuppressWarnings("unused") // through FREED
  private volatile boolean freed;

  Slab(MemorySegment segment, PageHeap.Chunk chunk, int offsetInChunk, int chargedBytes) {
    this.segment = segment;
    this.chunk = chunk;
    this.offsetInChunk = offsetInChunk;
    this.chargedBytes = chargedBytes;
  }

  /** The memory, aligned to 4096 bytes when at least that long, else to 512. */
  public MemorySegment segment() {
    return segment;
  }

  /** Bytes asked for. */
  public int bytes() {
    return (int) segment.byteSize();
  }

  /** Bytes it costs in the budget: {@link #bytes} rounded up to 512, or to 4096 from there on. */
  public int chargedBytes() {
    return chargedBytes;
  }

  PageHeap.Chunk chunk() {
    return chunk;
  }

  int offsetInChunk() {
    return offsetInChunk;
  }

  /** Whether this call is the one that frees it. */
  boolean markFreed() {
    return FREED.compareAndSet(this, false, true);
  }
}
