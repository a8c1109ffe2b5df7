package io.lcpfs.zap;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.ZapRecord.BLOCK_BYTES;
import static io.lcpfs.format.ZapRecord.BRANCH_BYTES;
import static io.lcpfs.format.ZapRecord.BRANCH_CHILD_AT;
import static io.lcpfs.format.ZapRecord.HEADER_BYTES;
import static io.lcpfs.format.ZapRecord.NODE_BYTES;

import java.lang.foreign.MemorySegment;

/**
 * An interior node: sorted branches (key, child). Child i holds the cookies from key i up to before
 * key i + 1; child 0 everything before key 1, so that key 0 means nothing.
 */
final class ZapInterior {
  /** Branches that fit into the root in block 0, and into any other node. */
  static final int ROOT_CAPACITY = (BLOCK_BYTES - HEADER_BYTES - NODE_BYTES) / BRANCH_BYTES;

  static final int CAPACITY = (BLOCK_BYTES - NODE_BYTES) / BRANCH_BYTES;

  private ZapInterior() {}

  static int capacity(int block) {
    return block == 0 ? ROOT_CAPACITY : CAPACITY;
  }

  /** The checked count of branches, at least 1. */
  static int count(MemorySegment node, int base, int level, int block) {
    int count = ZapNode.count(node, base, level, block);
    if (count == 0 || count > capacity(block)) {
      throw corrupt("zap_node.count", count);
    }
    return count;
  }

  private static int at(int base, int index) {
    return base + NODE_BYTES + index * BRANCH_BYTES;
  }

  static long key(MemorySegment node, int base, int index) {
    return node.get(U64, at(base, index));
  }

  static int child(MemorySegment node, int base, int index, int limit) {
    int child = node.get(U32, at(base, index) + BRANCH_CHILD_AT);
    if (child <= 0 || child >= limit) {
      throw corrupt("zap_branch.child", child);
    }
    return child;
  }

  /** Index of the child that holds {@code cookie}: key[index] <= cookie < key[index + 1]. */
  static int find(MemorySegment node, int base, int count, long cookie) {
    return ZapNode.countUpTo(node, at(base, 1), BRANCH_BYTES, count - 1, cookie);
  }

  /** The cookies from {@code key} on, up to the next key, are in {@code child}. There is room. */
  static void insert(MemorySegment node, int base, int index, long key, int child) {
    int count = ZapNode.rawCount(node, base);
    MemorySegment.copy(
        node, at(base, index), node, at(base, index + 1), (long) (count - index) * BRANCH_BYTES);
    node.set(U64, at(base, index), key);
    node.set(U32, at(base, index) + BRANCH_CHILD_AT, child);
    ZapNode.setCount(node, base, count + 1);
  }

  static void remove(MemorySegment node, int base, int index) {
    int count = ZapNode.rawCount(node, base);
    MemorySegment.copy(
        node,
        at(base, index + 1),
        node,
        at(base, index),
        (long) (count - index - 1) * BRANCH_BYTES);
    node.asSlice(at(base, count - 1), BRANCH_BYTES).fill((byte) 0);
    ZapNode.setCount(node, base, count - 1);
  }

  /** Moves the branches from {@code index} on to the end of another node, which has room. */
  static void moveTail(MemorySegment from, int fromBase, int index, MemorySegment to, int toBase) {
    int moved = ZapNode.rawCount(from, fromBase) - index;
    int there = ZapNode.rawCount(to, toBase);
    long bytes = (long) moved * BRANCH_BYTES;
    MemorySegment.copy(from, at(fromBase, index), to, at(toBase, there), bytes);
    from.asSlice(at(fromBase, index), bytes).fill((byte) 0);
    ZapNode.setCount(from, fromBase, index);
    ZapNode.setCount(to, toBase, there + moved);
  }

  static void setKey(MemorySegment node, int base, int index, long key) {
    node.set(U64, at(base, index), key);
  }
}
