package io.lcpfs.zap;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.U8;
import static io.lcpfs.format.ZapRecord.FREE_BLOCK_AT;
import static io.lcpfs.format.ZapRecord.FREE_MAGIC;
import static io.lcpfs.format.ZapRecord.FREE_NEXT_AT;
import static io.lcpfs.format.ZapRecord.HEADER_BYTES;
import static io.lcpfs.format.ZapRecord.NODE_BLOCK_AT;
import static io.lcpfs.format.ZapRecord.NODE_COUNT_AT;
import static io.lcpfs.format.ZapRecord.NODE_LEVEL_AT;
import static io.lcpfs.format.ZapRecord.NODE_MAGIC;

import java.lang.foreign.MemorySegment;

/**
 * What leaves and interior nodes share. A node lies at {@code base} of its block: after the header
 * in block 0, at the start of any other.
 */
final class ZapNode {
  private ZapNode() {}

  static int base(int block) {
    return block == 0 ? HEADER_BYTES : 0;
  }

  /** The node's count, after a check that the node is the one that its parent speaks of. */
  static int count(MemorySegment node, int base, int level, int block) {
    if (node.get(U32, base) != NODE_MAGIC) {
      throw corrupt("zap_node.magic", node.get(U32, base));
    }
    if (node.get(U8, base + NODE_LEVEL_AT) != level) {
      throw corrupt("zap_node.level", node.get(U8, base + NODE_LEVEL_AT));
    }
    if (node.get(U32, base + NODE_BLOCK_AT) != block) {
      throw corrupt("zap_node.block", node.get(U32, base + NODE_BLOCK_AT));
    }
    return Short.toUnsignedInt(node.get(U16, base + NODE_COUNT_AT));
  }

  static int rawCount(MemorySegment node, int base) {
    return Short.toUnsignedInt(node.get(U16, base + NODE_COUNT_AT));
  }

  static void setCount(MemorySegment node, int base, int count) {
    node.set(U16, base + NODE_COUNT_AT, (short) count);
  }

  /** Writes an empty node over everything from {@code base} on. */
  static void format(MemorySegment node, int base, int level, int block) {
    node.asSlice(base).fill((byte) 0);
    node.set(U32, base, NODE_MAGIC);
    node.set(U8, base + NODE_LEVEL_AT, (byte) level);
    node.set(U32, base + NODE_BLOCK_AT, block);
  }

  /** Writes a free block. */
  static void formatFree(MemorySegment node, int next, int block) {
    node.fill((byte) 0);
    node.set(U32, 0, FREE_MAGIC);
    node.set(U32, FREE_NEXT_AT, next);
    node.set(U32, FREE_BLOCK_AT, block);
  }

  /** What follows the free block {@code block} in the free list, or 0. */
  static int freeNext(MemorySegment node, int block, int limit) {
    if (node.get(U32, 0) != FREE_MAGIC) {
      throw corrupt("zap_free.magic", node.get(U32, 0));
    }
    if (node.get(U32, FREE_BLOCK_AT) != block) {
      throw corrupt("zap_free.block", node.get(U32, FREE_BLOCK_AT));
    }
    int next = node.get(U32, FREE_NEXT_AT);
    if (next < 0 || next >= limit || next == block) {
      throw corrupt("zap_free.next", next);
    }
    return next;
  }

  /**
   * How many of {@code count} sorted keys, {@code stride} bytes apart from {@code at} on, are at
   * most {@code key}. Keys are hashes, evenly spread: a guess by proportion lands near, and touches
   * fewer lines of memory than halving from the middle does.
   */
  static int countUpTo(MemorySegment node, int at, int stride, int count, long key) {
    if (count == 0 || key < node.get(U64, at)) {
      return 0;
    }
    long first = node.get(U64, at);
    long end = node.get(U64, at + (count - 1) * stride);
    if (key >= end) {
      return count;
    }
    // From here on key[low] <= key < key[high], also where the keys are not sorted as they should
    // be.
    int low = 0;
    int high = count - 1;
    double part = (double) (key - first) / (double) (end - first);
    int guess = Math.clamp((long) (part * high), 0, high);
    int step = 4;
    if (node.get(U64, at + guess * stride) <= key) {
      low = guess;
      for (int probe = low + step; probe < high; probe = low + step) {
        if (node.get(U64, at + probe * stride) > key) {
          high = probe;
        } else {
          low = probe;
          step *= 2;
        }
      }
    } else {
      high = guess;
      for (int probe = high - step; probe > low; probe = high - step) {
        if (node.get(U64, at + probe * stride) <= key) {
          low = probe;
        } else {
          high = probe;
          step *= 2;
        }
      }
    }
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (node.get(U64, at + middle * stride) <= key) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }
}
