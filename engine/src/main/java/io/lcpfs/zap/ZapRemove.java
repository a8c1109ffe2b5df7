package io.lcpfs.zap;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.ZapRecord.BLOCK_BYTES;
import static io.lcpfs.format.ZapRecord.BRANCH_BYTES;
import static io.lcpfs.format.ZapRecord.HEADER_BYTES;
import static io.lcpfs.format.ZapRecord.MAX_LEVEL;
import static io.lcpfs.format.ZapRecord.SLOT_BYTES;

import io.lcpfs.object.Block;
import io.lcpfs.object.BlockObject;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;

/**
 * One removal. A node that falls below a quarter is merged with a neighbour where both then fill at
 * most three quarters; an empty one is freed; a tree of one leaf at most half full becomes a small
 * ZAP. As in {@link ZapInsert}, what can fail comes before the first byte changes.
 */
final class ZapRemove {
  private static final int CAPACITY = ZapLeaf.capacity(0, BLOCK_BYTES);
  private static final int SPARSE = CAPACITY / 4;
  private static final int MERGED_AT_MOST = CAPACITY / 4 * 3;
  private static final int SMALL_AT_MOST = ZapLeaf.capacity(HEADER_BYTES, BLOCK_BYTES) / 2;

  private final BlockObject object;
  private final Tx tx;
  private final ZapCursor cursor;

  ZapRemove(BlockObject object, Tx tx, ZapCursor cursor) {
    this.object = object;
    this.tx = tx;
    this.cursor = cursor;
  }

  /**
   * Puts the only child of a root of level 2 or more in the root's place, when there is room.
   *
   * @return whether that happened; the cursor's path is then no longer true
   */
  boolean collapseRoot() {
    int level = cursor.rootLevel;
    if (level < 2
        || cursor.counts[level] != 1
        || cursor.counts[level - 1] > ZapInterior.ROOT_CAPACITY) {
      return false;
    }
    cursor.close();
    try (ZapPins pins = new ZapPins(object, tx)) {
      MemorySegment header = pins.modify(0);
      int childId = cursor.blocks[level - 1];
      MemorySegment child = pins.modify(childId);
      int head = ZapHeader.freeHead(header);
      int free = ZapHeader.freeCount(header);
      ZapNode.format(header, HEADER_BYTES, level - 1, 0);
      ZapInterior.moveTail(child, 0, 0, header, HEADER_BYTES);
      ZapNode.formatFree(child, head, childId);
      ZapHeader.setFree(header, childId, free + 1);
    }
    return true;
  }

  /** Removes the entry with this cookie; the cursor stands at its leaf, and is closed. */
  void remove(long cookie) {
    int index = cursor.lowerBound(cookie);
    int bytes = ZapLeaf.entryBytes(cursor.leaf, cursor.entryAt(index));
    int live = ZapLeaf.liveBytes(cursor.leaf, cursor.base);
    if (bytes > live) {
      throw corrupt("zap_node.live_bytes", live);
    }
    int used = ZapLeaf.usedBytes(cursor.leaf, cursor.base) - bytes - SLOT_BYTES;
    boolean lastLeaf = cursor.rootLevel == 1 && cursor.counts[1] == 1;
    boolean small = cursor.rootLevel == 0 || (lastLeaf && used <= SMALL_AT_MOST);
    if (small) {
      int layout = SmallBlock.shrunk(cursor.rootLevel == 0 ? cursor.end : BLOCK_BYTES, used);
      boolean rewrite = cursor.rootLevel > 0 || layout != cursor.end;
      if (rewrite) {
        verifyLeaf();
      }
      cursor.close();
      removeToSmall(index, layout, rewrite);
      SmallBlock.fit(object, tx, layout);
    } else {
      removeFromTree(index, used);
    }
  }

  private void verifyLeaf() {
    ZapLeaf.verify(cursor.leaf, cursor.base, cursor.end, cursor.count, cursor.low, cursor.last);
  }

  private void removeToSmall(int index, int layout, boolean rewrite) {
    try (ZapPins pins = new ZapPins(object, tx)) {
      MemorySegment block = pins.modify(0);
      MemorySegment leaf = pins.modify(cursor.blocks[0]);
      long entries = ZapHeader.countLessOne(block);
      ZapLeaf.remove(leaf, cursor.base, cursor.end, index);
      int end = cursor.end;
      if (cursor.rootLevel > 0) {
        ZapLeaf.format(block, HEADER_BYTES, BLOCK_BYTES, 0);
        ZapLeaf.copyTail(leaf, 0, 0, block, HEADER_BYTES);
        leaf.fill((byte) 0);
        ZapHeader.setBlockLimit(block, 1);
        ZapHeader.setFree(block, 0, 0);
        end = BLOCK_BYTES;
      }
      if (rewrite) {
        ZapLeaf.compact(block, HEADER_BYTES, end, layout);
        ZapHeader.setLayoutBytes(block, layout);
      }
      ZapHeader.setEntryCount(block, entries);
    }
  }

  private void removeFromTree(int index, int used) {
    Plan plan = new Plan();
    int level = 0;
    for (int left = used; level < cursor.rootLevel; level++) {
      if (left == 0) {
        plan.drop(level, cursor.blocks[level], cursor.childIndex[level + 1]);
      } else if (left >= SPARSE || !planMerge(plan, level, left)) {
        break;
      }
      left = (cursor.counts[level + 1] - 1) * BRANCH_BYTES;
    }
    if (plan.rewritesLeaf()) {
      verifyLeaf();
    }
    cursor.close();
    try (ZapPins pins = new ZapPins(object, tx)) {
      MemorySegment header = pins.modify(0);
      long entries = ZapHeader.countLessOne(header);
      ZapHeader.freeHead(header); // checks it
      if (ZapHeader.freeCount(header) + level >= cursor.limit) {
        throw corrupt("zap.free_count", ZapHeader.freeCount(header));
      }
      pins.modify(cursor.blocks[0]);
      for (int i = 0; i < level; i++) {
        pins.modify(plan.leftId[i]);
        pins.modify(plan.goneId[i]);
        pins.modify(cursor.blocks[i + 1]);
      }
      ZapLeaf.remove(pins.modify(cursor.blocks[0]), 0, BLOCK_BYTES, index);
      for (int i = 0; i < level; i++) {
        apply(pins, header, plan, i);
      }
      ZapHeader.setEntryCount(header, entries);
    }
  }

  /**
   * What to do with the node of each level: free it, or merge goneId into leftId and free goneId.
   */
  private static final class Plan {
    final int[] leftId = new int[MAX_LEVEL];
    final int[] goneId = new int[MAX_LEVEL];
    final int[] goneIndex = new int[MAX_LEVEL];

    void drop(int level, int id, int indexInParent) {
      merge(level, id, id, indexInParent);
    }

    void merge(int level, int left, int gone, int goneIndexInParent) {
      leftId[level] = left;
      goneId[level] = gone;
      goneIndex[level] = goneIndexInParent;
    }

    boolean rewritesLeaf() {
      return leftId[0] != goneId[0];
    }
  }

  /**
   * Plans a merge of the node of {@code level}, which will have {@code used} bytes, if one fits.
   */
  private boolean planMerge(Plan plan, int level, int used) {
    int parent = level + 1;
    int index = cursor.childIndex[parent];
    int siblings = cursor.counts[parent];
    if (siblings == 1) {
      return false;
    }
    int right = index + 1 < siblings ? neighbour(parent, index + 1) : 0;
    if (right != 0 && mergeFits(level, right, used, parent, index + 1)) {
      plan.merge(level, cursor.blocks[level], right, index + 1);
      return true;
    }
    int left = index > 0 ? neighbour(parent, index - 1) : 0;
    if (left != 0 && mergeFits(level, left, used, parent, index - 1)) {
      plan.merge(level, left, cursor.blocks[level], index);
      return true;
    }
    return false;
  }

  private int neighbour(int parent, int index) {
    int id = cursor.blocks[parent];
    try (Block block = object.read(id)) {
      int child = ZapInterior.child(block.segment(), ZapNode.base(id), index, cursor.limit);
      if (child == cursor.blocks[parent - 1]) {
        throw corrupt("zap_branch.child", child);
      }
      return child;
    }
  }

  /** Whether the node {@code id} can take {@code used} bytes more; checks it whole if so. */
  private boolean mergeFits(int level, int id, int used, int parent, int index) {
    try (Block block = object.read(id)) {
      MemorySegment node = block.segment();
      if (level > 0) {
        int count = ZapInterior.count(node, 0, level, id);
        return used + count * BRANCH_BYTES <= MERGED_AT_MOST;
      }
      int count = ZapLeaf.count(node, 0, BLOCK_BYTES, id);
      if (used + ZapLeaf.usedBytes(node, 0) > MERGED_AT_MOST) {
        return false;
      }
      checkNeighbour(node, count, parent, index);
      return true;
    }
  }

  private void checkNeighbour(MemorySegment leaf, int count, int parent, int index) {
    int id = cursor.blocks[parent];
    boolean right = index > cursor.childIndex[parent];
    try (Block block = object.read(id)) {
      MemorySegment node = block.segment();
      int base = ZapNode.base(id);
      long low = right ? cursor.last + 1 : Zap.FIRST_COOKIE;
      long last = right ? Long.MAX_VALUE : cursor.low - 1;
      if (right && index + 1 < cursor.counts[parent]) {
        last = ZapInterior.key(node, base, index + 1) - 1;
      } else if (!right && index > 0) {
        low = ZapInterior.key(node, base, index);
      }
      ZapCursor.checkLeafBounds(leaf, 0, count, 1, low, last);
      ZapLeaf.verify(leaf, 0, BLOCK_BYTES, count, low, last);
    }
  }

  private void apply(ZapPins pins, MemorySegment header, Plan plan, int level) {
    int parentId = cursor.blocks[level + 1];
    MemorySegment parent = pins.modify(parentId);
    int base = ZapNode.base(parentId);
    int goneIndex = plan.goneIndex[level];
    int goneId = plan.goneId[level];
    MemorySegment gone = pins.modify(goneId);
    if (plan.leftId[level] != goneId) {
      MemorySegment left = pins.modify(plan.leftId[level]);
      if (level == 0) {
        if (!ZapLeaf.fitsAsIs(left, 0, ZapLeaf.usedBytes(gone, 0))) {
          ZapLeaf.compact(left, 0, BLOCK_BYTES, BLOCK_BYTES);
        }
        ZapLeaf.copyTail(gone, 0, 0, left, 0);
      } else {
        // Key 0 means nothing in its own node, but it does in the middle of another.
        ZapInterior.setKey(gone, 0, 0, ZapInterior.key(parent, base, goneIndex));
        ZapInterior.moveTail(gone, 0, 0, left, 0);
      }
    }
    ZapNode.formatFree(gone, ZapHeader.freeHead(header), goneId);
    ZapHeader.setFree(header, goneId, ZapHeader.freeCount(header) + 1);
    ZapInterior.remove(parent, base, goneIndex);
  }
}
