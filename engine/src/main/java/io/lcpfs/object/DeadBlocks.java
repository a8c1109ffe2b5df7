package io.lcpfs.object;

import io.lcpfs.format.BlockPointer;

/** Decides over blocks that an object set gives up: a snapshot may still refer to them. */
public interface DeadBlocks {
  /**
   * Told of each stored block that is no longer referred to, by the sync task and its helpers.
   *
   * @return false when nothing else refers to the block, which is then freed
   */
  boolean keep(BlockPointer pointer);

  /**
   * Whether there is any block to keep: what each one given up may cost on disk follows from it.
   */
  boolean keepsAny();
}
