package io.lcpfs.pipeline;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What turned out to be wrong while one block was read: extents, each in one of the ways in which
 * it can be had. Used by one thread.
 */
final class Damage {

  /**
   * @param header what belongs there when it is a gang's header; null for content of the block
   * @param offsetBytes where the extent belongs in the block
   * @param bytes its length
   */
  record Extent(long dva, int way, @Nullable MemorySegment header, long offsetBytes, int bytes) {
    /** What belongs there, out of the intact block. */
    MemorySegment content(MemorySegment block) {
      return header == null ? block.asSlice(offsetBytes, bytes) : header;
    }
  }

  private final List<Extent> extents = new ArrayList<>();

  void content(long dva, int way, long offsetBytes, int bytes) {
    extents.add(new Extent(dva, way, null, offsetBytes, bytes));
  }

  void header(long dva, int way, MemorySegment intact) {
    extents.add(new Extent(dva, way, intact, 0, (int) intact.byteSize()));
  }

  boolean has(long dva, int way) {
    return extents.stream().anyMatch(extent -> extent.dva == dva && extent.way == way);
  }

  boolean isEmpty() {
    return extents.isEmpty();
  }

  List<Extent> extents() {
    return extents;
  }
}
