package io.lcpfs.object;

import java.util.List;

/** What unsynced groups freed of an object: its blocks there are holes, whatever the tree says. */
final class PendingFrees {
  private PendingFrees() {}

  /** Whether an unsynced group freed this data block. Caller holds the lock. */
  static boolean isFreedPending(Dnode dnode, long blockId) {
    for (Pending changes : dnode.pending) {
      if (changes != null) {
        for (long[] range : changes.freedRanges) {
          if (blockId >= range[0] && blockId < range[1]) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** As {@link #isFreedPending}, for callers without the lock. */
  static boolean isFreedPendingNow(Dnode dnode, long blockId) {
    dnode.lock.lock();
    try {
      return isFreedPending(dnode, blockId);
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
