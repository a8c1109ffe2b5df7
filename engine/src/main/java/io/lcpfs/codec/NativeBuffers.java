package io.lcpfs.codec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Off-heap copies of heap segments, for the algorithms that run in native code. */
final class NativeBuffers {
  private static final class Buffer {
    private static final int SMALLEST_BYTES = 128 << 10;
    private Arena arena = Arena.ofShared();
    private MemorySegment memory = arena.allocate(SMALLEST_BYTES, 64);

    MemorySegment ofSize(long bytes) {
      if (memory.byteSize() < bytes) {
        arena.close();
        arena = Arena.ofShared();
        memory = arena.allocate(Long.highestOneBit(bytes * 2 - 1), 64);
      }
      return memory.asSlice(0, bytes);
    }

    void release() {
      arena.close();
    }
  }

  private static final ScratchPool<Buffer> POOL =
      new ScratchPool<>(8, Buffer::new, Buffer::release);

  /** A step from one native segment to another. */
  interface Step {
    int run(MemorySegment source, MemorySegment target);
  }

  private NativeBuffers() {}

  /** Runs {@code step} on the two segments, or on native stand-ins for those on the heap. */
  static int run(MemorySegment source, MemorySegment target, Step step) {
    if (source.isNative() && target.isNative()) {
      return step.run(source, target);
    }
    Buffer sourceCopy = POOL.take();
    Buffer targetCopy = POOL.take();
    try {
      MemorySegment from = sourceCopy.ofSize(source.byteSize()).copyFrom(source);
      MemorySegment to = targetCopy.ofSize(target.byteSize());
      int written = step.run(from, to);
      MemorySegment.copy(to, 0, target, 0, written);
      return written;
    } finally {
      POOL.give(sourceCopy);
      POOL.give(targetCopy);
    }
  }
}
