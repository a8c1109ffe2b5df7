package io.lcpfs.memory;

import java.lang.foreign.MemorySegment;

/**
 * A buffer of off-heap memory. Whoever holds it owns it, until it is given to {@link
 * SlabAllocator#free}. The segment is exactly as long as was asked for; {@link #chargedBytes} is what it
 * costs in the budget.
 */
public final class Slab {
  private final MemorySegment segment;
  private final MemorySegment chunk;
  private final long offsetInChunk;
  private final int chargedBytes;

  Slab(MemorySegment segment, MemorySegment chunk, long offsetInChunk, int chargedBytes) {
    this.segment = segment;
    this.chunk = chunk;
    this.offsetInChunk = offsetInChunk;
    this.chargedBytes = chargedBytes;
  }

  /** The memory, aligned to 4096 bytes when at least that long, else to 512. */
  public MemorySegment segment() {
    return segment;
  }

  public int bytes() {
    return (int) segment.byteSize();
  }

  public int chargedBytes() {
    return chargedBytes;
  }

  MemorySegment chunk() {
    return chunk;
  }

  long offsetInChunk() {
    return offsetInChunk;
  }
}
