package io.lcpfs.posix;

import io.lcpfs.object.BlockSlices;
import java.lang.foreign.MemorySegment;

/**
 * What {@link FileHandle#readTo} read: slices of the file system's own memory, which in order are
 * the bytes of the file. Reused by one thread at a time, so that reading allocates nothing; valid
 * only inside the sink's call.
 */
public final class ReadSlices {
  final BlockSlices blocks;

  /** Room for {@code maxSlices} slices; each block of the file is one, a long hole several. */
  public ReadSlices(int maxSlices) {
    blocks = new BlockSlices(maxSlices);
  }

  /** How many slices there are. */
  public int count() {
    return blocks.count();
  }

  /** Bytes of all slices. */
  public int bytes() {
    return (int) blocks.bytes();
  }

  /** The off-heap memory that slice {@code i} is part of; never to be written. */
  public MemorySegment segment(int i) {
    return blocks.segment(i);
  }

  /** Where slice {@code i} begins in its segment, in bytes. */
  public int offset(int i) {
    return blocks.offset(i);
  }

  /** How long slice {@code i} is, in bytes; may be 0. */
  public int length(int i) {
    return blocks.length(i);
  }
}
