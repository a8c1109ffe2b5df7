package io.lcpfs.object;

import io.lcpfs.format.DnodeRecord;
import org.jspecify.annotations.Nullable;

/** Finds the next data or hole of an object, block by block, skipping empty subtrees. */
final class BlockSearch {
  private BlockSearch() {}

  /**
   * The first block at or after {@code from} that is data (or a hole).
   *
   * @return the block id; for data, -1 when there is none; for a hole, at most the block count
   */
  static long next(Dnode dnode, long from, boolean data) {
    long id = from;
    long end = dnode.blockCount();
    long[] dirty = dirtyBlocks(dnode);
    while (id < end) {
      boolean isData = java.util.Arrays.binarySearch(dirty, id) >= 0
          || dnode.inTailNow(id) || !dnode.pointerTo(0, id).isHole();
      if (isData == data) {
        return id;
      }
      id = data ? skipHole(dnode, id, dirty) : id + 1;
    }
    return data ? -1 : Math.max(from, end);
  }

  private static long skipHole(Dnode dnode, long id, long[] dirty) {
    int level = 0;
    int shift = dnode.fanoutShift();
    // Climb while the parent's whole subtree is a hole on disk.
    while (level + 1 < dnode.levels && shift * (level + 1) < 60
        && !dnode.hasIndirect(level + 1, id >>> (shift * (level + 1)), false)) {
      level++;
    }
    // The tree on disk ends somewhere: behind it there is only what is dirty.
    long next = id >= DnodeRecord.maxBlocks(dnode.levels, dnode.indirectShift()) ? Long.MAX_VALUE
        : ((id >>> (shift * level)) + 1) << (shift * level);
    int at = java.util.Arrays.binarySearch(dirty, id + 1);
    int index = at >= 0 ? at : -at - 1;
    return index < dirty.length ? Math.min(next, dirty[index]) : next;
  }

  private static long[] dirtyBlocks(Dnode dnode) {
    dnode.lock.lock();
    try {
      long[] ids = new long[dnode.blocks.size()];
      int n = 0;
      for (@Nullable Dbuf dbuf : dnode.blocks.snapshot()) {
        if (dbuf != null && dbuf.level() == 0 && dbuf.newest != null) {
          ids[n++] = dbuf.blockId();
        }
      }
      long[] sorted = java.util.Arrays.copyOf(ids, n);
      java.util.Arrays.sort(sorted);
      return sorted;
    } finally {
      dnode.lock.unlock();
    }
  }
}
