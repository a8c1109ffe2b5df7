package io.lcpfs.object;

import java.lang.foreign.MemorySegment;

/** A pinned block of an object: its memory stays put until {@link #close}. */
public interface Block extends AutoCloseable {

  /** The block's bytes; write to them only when the block came from {@code modify}. */
  MemorySegment segment();

  @Override
  void close();
}
