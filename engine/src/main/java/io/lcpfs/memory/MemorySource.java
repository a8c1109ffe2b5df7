package io.lcpfs.memory;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Where off-heap memory comes from: the system by default, or a host's own allocator. Called
 * rarely, for large chunks.
 */
public interface MemorySource {

  /**
   * @param bytes size, a multiple of 64 KiB
   * @param alignmentBytes a power of two, at most 2 MiB
   * @return a segment usable from every thread until {@link #release}, content arbitrary; or null
   *     when there is none
   */
  @Nullable MemorySegment acquire(long bytes, long alignmentBytes);

  /** Takes back a segment that {@link #acquire} gave, whole. */
  void release(MemorySegment chunk);
}
