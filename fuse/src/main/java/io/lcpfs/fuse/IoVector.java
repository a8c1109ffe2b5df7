package io.lcpfs.fuse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A message in pieces: an array of struct iovec, in memory that is used again for the next. */
final class IoVector {
  private static final int IOVEC_BYTES = 16;
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG;

  private final MemorySegment array;
  private final int most;
  private int count;
  private int bytes;

  /** Room for {@code most} pieces; the system takes 1024 at a time. */
  IoVector(Arena arena, int most) {
    this.most = most;
    array = arena.allocate((long) IOVEC_BYTES * most, 8);
  }

  void clear() {
    count = 0;
    bytes = 0;
  }

  /** Adds a piece of off-heap memory, which must stay until the message is sent. */
  void add(MemorySegment segment, long offset, int length) {
    if (length == 0) {
      return;
    }
    if (count == most
        || !segment.isNative()
        || offset < 0
        || offset > segment.byteSize() - length) {
      throw new AssertionError("piece " + count + " of " + length + " bytes at " + offset);
    }
    array.set(I64, (long) IOVEC_BYTES * count, segment.address() + offset);
    array.set(I64, (long) IOVEC_BYTES * count + 8, length);
    count++;
    bytes += length;
  }

  /** The array of struct iovec. */
  MemorySegment array() {
    return array;
  }

  /** How many pieces there are. */
  int count() {
    return count;
  }

  /** Bytes of all pieces. */
  int bytes() {
    return bytes;
  }
}
