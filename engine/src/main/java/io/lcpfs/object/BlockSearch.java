package io.lcpfs.object;

import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import java.util.Arrays;
import java.util.stream.LongStream;

/**
 * Finds the next data or hole of an object. Goes down the tree once, since the fill of a pointer,
 * which is checked when its block is read, says whether there is data or a hole below it.
 */
final class BlockSearch {
  /** No object has a block of this number or above. */
  private static final long MAX_BLOCKS = Long.MAX_VALUE / 512;

  private final Dnode dnode;
  private final boolean data;

  private BlockSearch(Dnode dnode, boolean data) {
    this.dnode = dnode;
    this.data = data;
  }

  /**
   * The first block at or after {@code from} that is data (or a hole).
   *
   * @return the block id; for data, -1 when there is none; for a hole, at most the block count
   */
  static long next(Dnode dnode, long from, boolean data) {
    long end = dnode.blockCount();
    if (from >= end) {
      return data ? -1 : from;
    }
    long[] dirty = dirtyBlocks(dnode);
    BlockSearch search = new BlockSearch(dnode, data);
    return data ? search.nextData(from, end, dirty) : search.nextHole(from, end, dirty);
  }

  private long nextData(long from, long end, long[] dirty) {
    if (dnode.inTailNow(from)) {
      return from;
    }
    int index = indexFrom(dirty, from);
    long changed = index < dirty.length ? dirty[index] : end;
    long at = from;
    while (at < Math.min(end, changed)) {
      long found = onDisk(at);
      if (found < 0 || found >= changed) {
        break;
      }
      if (!PendingFrees.isReplacedPendingNow(dnode, found)) {
        return found < end ? found : -1;
      }
      at = PendingFrees.freedUntil(dnode, found);
    }
    return changed < end ? changed : -1;
  }

  private long nextHole(long from, long end, long[] dirty) {
    long at = from;
    while (at < end) {
      if (Arrays.binarySearch(dirty, at) >= 0 || dnode.inTailNow(at)) {
        at++;
        continue;
      }
      long found = PendingFrees.nextFreedPending(dnode, at);
      if (found != at) {
        long hole = onDisk(at);
        found = hole < 0 ? found : Math.min(hole, found);
      }
      if (found == at) {
        return at;
      }
      at = found;
    }
    return Math.max(from, end);
  }

  private static int indexFrom(long[] sorted, long from) {
    int at = Arrays.binarySearch(sorted, from);
    return at >= 0 ? at : -at - 1;
  }

  /** As the tree has it, changes of unsynced groups aside; -1 when there is none. */
  private long onDisk(long from) {
    int top;
    BlockPointer root;
    dnode.lock.lock();
    try {
      top = dnode.levels - 1;
      root = dnode.root;
    } finally {
      dnode.lock.unlock();
    }
    if (from >= DnodeRecord.maxBlocks(top + 1, dnode.indirectShift())) {
      return data ? -1 : from;
    }
    if (root.isHole() && (top == 0 || !isCached(top, 0))) {
      return data ? -1 : from;
    }
    if (top == 0) {
      return data ? 0 : 1; // there is only block 0
    }
    long found = below(top, 0, from);
    return found >= 0 || data ? found : DnodeRecord.maxBlocks(top + 1, dnode.indirectShift());
  }

  private boolean isCached(int level, long id) {
    return dnode.blocks.find(BlockTable.key(level, id)) != null;
  }

  /** The first one at or after {@code from} below an indirect block, or -1. */
  private long below(int level, long id, long from) {
    int shift = dnode.fanoutShift();
    int childShift = shift * (level - 1);
    long last = Math.min(((id + 1) << shift) - 1, (MAX_BLOCKS - 1) >>> childShift);
    try (Dbuf block = dnode.load(level, id)) {
      for (long child = Math.max(id << shift, from >>> childShift); child <= last; child++) {
        BlockPointer pointer;
        dnode.lock.lock();
        try {
          pointer =
              BlockPointer.decode(
                  block.segment(), (child & ((1L << shift) - 1)) * BlockPointer.BYTES);
        } finally {
          dnode.lock.unlock();
        }
        // What the sync task has changed is found in memory before it is in the pointer.
        boolean cached = level > 1 && isCached(level - 1, child);
        boolean none = !cached && (pointer.isHole() || (data && pointer.fill() == 0));
        boolean all = !cached && pointer.fill() == 1L << childShift;
        long found = -1;
        if (data ? none : all) {
          continue;
        } else if (level == 1 || (data ? all : none)) {
          found = pointer.isHole() == data ? -1 : Math.max(from, child << childShift);
        } else {
          found = below(level - 1, child, from);
        }
        if (found >= 0) {
          return found;
        }
      }
    }
    return -1;
  }

  private static long[] dirtyBlocks(Dnode dnode) {
    dnode.lock.lock();
    try {
      LongStream.Builder ids = LongStream.builder();
      for (Dbuf dbuf : dnode.blocks.snapshot()) {
        if (dbuf.level() == 0 && dbuf.newest != null) {
          ids.add(dbuf.blockId());
        }
      }
      for (Pending changes : dnode.pending) {
        ClonedRuns clones = changes == null ? null : changes.clones;
        if (clones != null) {
          clones.forEach((first, pointers) -> addCloned(dnode, ids, first, pointers));
        }
      }
      return ids.build().sorted().distinct().toArray();
    } finally {
      dnode.lock.unlock();
    }
  }

  /** The blocks of a run that hold data, and that no later group freed or changed. */
  private static void addCloned(
      Dnode dnode, LongStream.Builder ids, long first, BlockPointer[] pointers) {
    for (int i = 0; i < pointers.length; i++) {
      BlockPointer now = PendingFrees.pointer(dnode, first + i);
      if (now != null && !now.isHole()) {
        ids.add(first + i);
      }
    }
  }

  /** See {@link Dnode#endOfBlocks}. */
  static long endOfBlocks(Dnode dnode, long fromBytes, long limitBlocks) {
    int size = dnode.blockBytes;
    long left = limitBlocks;
    long data = dnode.nextData(fromBytes);
    while (data >= 0) {
      long hole = dnode.nextHole(data);
      if (hole <= data) {
        return Long.MAX_VALUE;
      }
      long blocks = (hole - data + size - 1) / size;
      if (blocks > left) {
        return data - data % size + left * size;
      }
      left -= blocks;
      data = dnode.nextData(hole);
    }
    return Long.MAX_VALUE;
  }
}
