package io.lcpfs.zap;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.ZapRecord.BLOCK_BYTES;
import static io.lcpfs.format.ZapRecord.HEADER_BYTES;
import static io.lcpfs.format.ZapRecord.MAX_LEVEL;
import static io.lcpfs.format.ZapRecord.SLOT_BYTES;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.BlockObject;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;

/**
 * One insertion or replacement. Everything that can fail (reading, pinning, allocating block ids,
 * the check of a leaf that is to be rewritten) comes before the first byte changes.
 */
final class ZapInsert {
  private final BlockObject object;
  private final Env env;
  private final Tx tx;

  ZapInsert(BlockObject object, Env env, Tx tx) {
    this.object = object;
    this.env = env;
    this.tx = tx;
  }

  /**
   * Puts {@code entry} at {@code cookie}; the cursor stands at its leaf, and is closed.
   *
   * @param present whether an entry with this cookie is there, to be replaced
   */
  void store(ZapCursor cursor, long cookie, ZapEntry entry, boolean present) {
    int index = cursor.lowerBound(cookie);
    int free =
        ZapLeaf.capacity(cursor.base, cursor.end) - ZapLeaf.usedBytes(cursor.leaf, cursor.base);
    if (free < 0) {
      throw corrupt("zap_node.live_bytes", ZapLeaf.liveBytes(cursor.leaf, cursor.base));
    }
    int needed = SLOT_BYTES + entry.bytes();
    if (present) {
      int at = cursor.entryAt(index);
      int old = ZapLeaf.entryBytes(cursor.leaf, at);
      if (old == entry.bytes()) {
        overwrite(cursor, at, entry);
        return;
      }
      if (old > ZapLeaf.liveBytes(cursor.leaf, cursor.base)) {
        throw corrupt("zap_node.live_bytes", ZapLeaf.liveBytes(cursor.leaf, cursor.base));
      }
      free += SLOT_BYTES + old;
    }
    boolean fits = needed <= free;
    boolean asIs =
        fits && ZapLeaf.fitsAsIs(cursor.leaf, cursor.base, present ? entry.bytes() : needed);
    if (!asIs) {
      ZapLeaf.verify(cursor.leaf, cursor.base, cursor.end, cursor.count, cursor.low, cursor.last);
    }
    Change change = new Change(index, cookie, entry, present, asIs);
    int layout = cursor.end;
    if (!fits && cursor.rootLevel == 0) {
      while (!fits && layout < BLOCK_BYTES) {
        layout *= 2;
        fits = needed <= free + layout - cursor.end;
      }
    }
    cursor.close();
    if (layout > object.blockBytes()) {
      object.setBlockBytes(tx, layout);
    }
    if (fits) {
      storeInLeaf(cursor, layout, change);
    } else if (cursor.rootLevel == 0) {
      upgrade(cursor, change);
    } else {
      split(cursor, change);
    }
    if (cursor.rootLevel == 0 && fits) {
      SmallBlock.fit(object, tx, layout);
    }
  }

  /**
   * @param asIs whether the entry fits into the leaf's gap between slots and heap
   */
  private record Change(int index, long cookie, ZapEntry entry, boolean present, boolean asIs) {}

  private void overwrite(ZapCursor cursor, int at, ZapEntry entry) {
    cursor.close();
    try (ZapPins pins = new ZapPins(object, tx)) {
      ZapLeaf.putValue(pins.modify(cursor.blocks[0]), at, entry);
    }
  }

  private void storeInLeaf(ZapCursor cursor, int newEnd, Change change) {
    try (ZapPins pins = new ZapPins(object, tx)) {
      MemorySegment leaf = pins.modify(cursor.blocks[0]);
      MemorySegment header = pins.modify(0);
      long entries = ZapHeader.entryCount(header);
      if (change.present()) {
        ZapLeaf.remove(leaf, cursor.base, cursor.end, change.index());
      }
      if (!change.asIs()) {
        ZapLeaf.compact(leaf, cursor.base, cursor.end, newEnd);
      }
      ZapLeaf.insert(leaf, cursor.base, change.index(), change.cookie(), change.entry());
      if (newEnd != cursor.end) {
        ZapHeader.setLayoutBytes(header, newEnd);
      }
      if (!change.present()) {
        ZapHeader.setEntryCount(header, entries + 1);
      }
    }
  }

  /** From one full block to a root with two leaves. Cookies stay. */
  private void upgrade(ZapCursor cursor, Change change) {
    Check.that(cursor.end == BLOCK_BYTES && object.blockBytes() == BLOCK_BYTES, "upgrade size");
    try (ZapPins pins = new ZapPins(object, tx)) {
      MemorySegment root = pins.modify(0);
      MemorySegment left = pins.modify(1);
      MemorySegment right = pins.modify(2);
      long entries = ZapHeader.entryCount(root);
      ZapLeaf.format(left, 0, BLOCK_BYTES, 1);
      ZapLeaf.copyTail(root, HEADER_BYTES, 0, left, 0);
      long key = splitLeaf(left, right, 2, change);
      ZapNode.format(root, HEADER_BYTES, 1, 0);
      ZapInterior.insert(root, HEADER_BYTES, 0, 0, 1);
      ZapInterior.insert(root, HEADER_BYTES, 1, key, 2);
      ZapHeader.setBlockLimit(root, 3);
      ZapHeader.setFree(root, 0, 0);
      ZapHeader.setEntryCount(root, entries + (change.present() ? 0 : 1));
    }
    env.probe(CodeProbe.ZAP_UPGRADED);
  }

  /**
   * Puts the change into the full leaf {@code left} and a new one; returns the new one's first key.
   */
  private static long splitLeaf(
      MemorySegment left, MemorySegment right, int rightId, Change change) {
    if (change.present()) {
      ZapLeaf.remove(left, 0, BLOCK_BYTES, change.index());
    }
    int count = ZapNode.rawCount(left, 0);
    int added = SLOT_BYTES + change.entry().bytes();
    int half = (ZapLeaf.usedBytes(left, 0) + added) / 2;
    int index = change.index();
    int kept = 0;
    boolean placed = false;
    for (int bytes = 0; bytes < half && kept < count; ) {
      if (kept == index && !placed) {
        bytes += added;
        placed = true;
      } else {
        bytes += SLOT_BYTES + ZapLeaf.entryBytes(left, ZapLeaf.entryAt(left, 0, BLOCK_BYTES, kept));
        kept++;
      }
    }
    ZapLeaf.format(right, 0, BLOCK_BYTES, rightId);
    ZapLeaf.copyTail(left, 0, kept, right, 0);
    ZapLeaf.truncate(left, 0, BLOCK_BYTES, kept);
    if (placed) {
      ZapLeaf.insert(left, 0, index, change.cookie(), change.entry());
    } else {
      ZapLeaf.insert(right, 0, index - kept, change.cookie(), change.entry());
    }
    return ZapLeaf.cookie(right, 0, 0);
  }

  private void split(ZapCursor cursor, Change change) {
    int rootLevel = cursor.rootLevel;
    int top = 1; // the level that takes the last branch without a split
    while (top <= rootLevel && cursor.isFull(top)) {
      top++;
    }
    boolean newRoot = top > rootLevel;
    if (newRoot && rootLevel == MAX_LEVEL) {
      throw PoolException.refused(Errno.ENOSPC, "the attribute tree has its greatest height");
    }
    // One new block for the leaf and for each split level; a split root leaves block 0 for two.
    try (ZapPins pins = new ZapPins(object, tx)) {
      MemorySegment header = pins.modify(0);
      long entries = ZapHeader.entryCount(header);
      for (int level = 0; level <= Math.min(top, rootLevel); level++) {
        pins.modify(cursor.blocks[level]);
      }
      NewBlocks fresh = new NewBlocks(pins, header, object.blockCount(), newRoot ? top + 1 : top);
      int id = fresh.next();
      long key = splitLeaf(pins.modify(cursor.blocks[0]), pins.modify(id), id, change);
      for (int level = 1; level < Math.min(top, rootLevel + 1); level++) {
        boolean root = level == rootLevel;
        int leftId = root ? fresh.next() : cursor.blocks[level];
        int rightId = fresh.next();
        key = splitInterior(pins, cursor, level, leftId, rightId, key, id);
        id = rightId;
        if (root) {
          ZapNode.format(header, HEADER_BYTES, level + 1, 0);
          ZapInterior.insert(header, HEADER_BYTES, 0, 0, leftId);
          ZapInterior.insert(header, HEADER_BYTES, 1, key, rightId);
        }
      }
      if (!newRoot) {
        int parent = cursor.blocks[top];
        ZapInterior.insert(
            pins.modify(parent), ZapNode.base(parent), cursor.childIndex[top] + 1, key, id);
      }
      fresh.commit();
      ZapHeader.setEntryCount(header, entries + (change.present() ? 0 : 1));
    }
    env.probe(CodeProbe.ZAP_NODE_SPLIT);
  }

  /**
   * Splits the full node of {@code level} on the path into leftId (itself, unless it is the root)
   * and rightId, and adds a branch.
   *
   * @return the first key of the right one
   */
  private static long splitInterior(
      ZapPins pins, ZapCursor cursor, int level, int leftId, int rightId, long key, int child) {
    int id = cursor.blocks[level];
    int base = ZapNode.base(id);
    MemorySegment node = pins.modify(id);
    MemorySegment right = pins.modify(rightId);
    MemorySegment left = pins.modify(leftId);
    int half = cursor.counts[level] / 2;
    ZapNode.format(right, 0, level, rightId);
    ZapInterior.moveTail(node, base, half, right, 0);
    if (leftId != id) {
      ZapNode.format(left, 0, level, leftId);
      ZapInterior.moveTail(node, base, 0, left, 0);
    }
    int index = cursor.childIndex[level] + 1;
    if (index <= half) {
      ZapInterior.insert(left, 0, index, key, child);
    } else {
      ZapInterior.insert(right, 0, index - half, key, child);
    }
    return ZapInterior.key(right, 0, 0);
  }

  /** Block ids for new nodes, from the free list first; all pinned at once. */
  private static final class NewBlocks {
    private final MemorySegment header;
    private final int[] ids;
    private int used;
    private int limit;
    private int freeHead;
    private int freeCount;

    NewBlocks(ZapPins pins, MemorySegment header, long blockCount, int wanted) {
      this.header = header;
      this.ids = new int[wanted];
      this.limit = ZapHeader.blockLimit(header);
      this.freeHead = ZapHeader.freeHead(header);
      this.freeCount = ZapHeader.freeCount(header);
      if (limit > blockCount) {
        throw corrupt("zap.block_limit", limit);
      }
      int oldLimit = limit;
      for (int i = 0; i < wanted; i++) {
        if (freeHead != 0) {
          ids[i] = freeHead;
          if (pins.has(freeHead)) {
            throw corrupt("zap_free.next", freeHead);
          }
          freeHead = ZapNode.freeNext(pins.modify(freeHead), freeHead, oldLimit);
          freeCount--;
          if ((freeHead == 0) != (freeCount == 0)) {
            throw corrupt("zap.free_count", freeCount);
          }
        } else if (limit == Integer.MAX_VALUE) {
          throw PoolException.refused(Errno.ENOSPC, "the attribute tree has its greatest size");
        } else {
          pins.modify(limit);
          ids[i] = limit++;
        }
      }
    }

    int next() {
      return ids[used++];
    }

    void commit() {
      Check.that(used == ids.length, "zap blocks left over", ids.length - used);
      ZapHeader.setBlockLimit(header, limit);
      ZapHeader.setFree(header, freeHead, freeCount);
    }
  }
}
