package io.lcpfs.object;

import io.lcpfs.format.BlockPointer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What unsynced groups freed of an object, or gave it by reference: its blocks there are holes, or
 * those that they come from, whatever the tree says.
 */
final class PendingFrees {
  private PendingFrees() {}

  /**
   * What the newest unsynced group that freed or cloned this data block made of it: a hole, or the
   * pointer to what it was given; null when none did. Caller holds the lock.
   */
  static @Nullable BlockPointer pointer(Dnode dnode, long blockId) {
    Pending newest = null;
    for (Pending changes : dnode.pending) {
      if (changes != null
          && (newest == null || changes.txg > newest.txg)
          && isFreedBy(changes, blockId)) {
        newest = changes;
      }
    }
    if (newest == null) {
      return null;
    }
    BlockPointer cloned = newest.clones == null ? null : newest.clones.find(blockId);
    return cloned == null ? BlockPointer.HOLE : cloned;
  }

  private static boolean isFreedBy(Pending changes, long blockId) {
    for (long[] range : changes.freedRanges) {
      if (blockId >= range[0] && blockId < range[1]) {
        return true;
      }
    }
    return false;
  }

  /** Whether the tree's block is not the object's any more. Caller holds the lock. */
  static boolean isReplacedPending(Dnode dnode, long blockId) {
    return pointer(dnode, blockId) != null;
  }

  /** As {@link #isReplacedPending}, for callers without the lock. */
  static boolean isReplacedPendingNow(Dnode dnode, long blockId) {
    dnode.lock.lock();
    try {
      return isReplacedPending(dnode, blockId);
    } finally {
      dnode.lock.unlock();
    }
  }

  /** Where a range that an unsynced group freed ends, which has this block; else the next block. */
  static long freedUntil(Dnode dnode, long blockId) {
    long end = blockId + 1;
    dnode.lock.lock();
    try {
      for (Pending changes : dnode.pending) {
        for (long[] range : changes == null ? List.<long[]>of() : changes.freedRanges) {
          if (blockId >= range[0] && blockId < range[1]) {
            end = Math.max(end, range[1]);
          }
        }
      }
    } finally {
      dnode.lock.unlock();
    }
    return end;
  }

  /** The first block at or after this one that an unsynced group freed, or Long.MAX_VALUE. */
  static long nextFreedPending(Dnode dnode, long blockId) {
    long first = Long.MAX_VALUE;
    dnode.lock.lock();
    try {
      for (Pending changes : dnode.pending) {
        for (long[] range : changes == null ? List.<long[]>of() : changes.freedRanges) {
          if (range[1] > blockId) {
            first = Math.min(first, Math.max(blockId, range[0]));
          }
        }
      }
    } finally {
      dnode.lock.unlock();
    }
    return first;
  }
}
