package io.lcpfs.zap;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.ZapRecord.BLOCK_BYTES;
import static io.lcpfs.format.ZapRecord.HEADER_BYTES;
import static io.lcpfs.format.ZapRecord.MAX_LEVEL;

import io.lcpfs.error.Check;
import io.lcpfs.object.Block;
import io.lcpfs.object.BlockObject;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A way from the root to a leaf, which is pinned, and what was seen on it. Used by one operation.
 * First {@link #start}, which pins block 0, then {@link #descend}; what the path says outlives
 * {@link #close}.
 */
final class ZapCursor implements AutoCloseable {
  private final BlockObject object;
  private @Nullable Block pinned;

  /** Blocks of the path by level, 0 the leaf. */
  final int[] blocks = new int[MAX_LEVEL + 1];

  /** Which child was taken in the node of a level. */
  final int[] childIndex = new int[MAX_LEVEL + 1];

  /** Branches or slots in the node of a level. */
  final int[] counts = new int[MAX_LEVEL + 1];

  int rootLevel;
  int limit;
  long salt0;
  long salt1;

  /** The leaf: its bytes and where it lies in them. */
  MemorySegment leaf = MemorySegment.NULL;

  int base;
  int end;
  int count;

  /** The cookies that belong into the leaf, both inclusive. */
  long low;

  long last;

  ZapCursor(BlockObject object) {
    this.object = object;
  }

  /** Pins block 0 and reads the header. */
  void start() {
    pin(0);
    rootLevel = ZapHeader.check(leaf, object.blockBytes());
    limit = ZapHeader.blockLimit(leaf);
    salt0 = ZapHeader.salt0(leaf);
    salt1 = ZapHeader.salt1(leaf);
    base = HEADER_BYTES;
    end = ZapHeader.layoutBytes(leaf);
    low = Zap.FIRST_COOKIE;
    last = Long.MAX_VALUE;
  }

  private void pin(int id) {
    Block next = object.read(id);
    close();
    pinned = next;
    leaf = next.segment();
  }

  /** From {@link #start}, goes to the leaf where {@code cookie} is or would be. */
  void descend(long cookie) {
    int id = 0;
    for (int level = rootLevel; level > 0; level--) {
      int branches = ZapInterior.count(leaf, base, level, id);
      int index = ZapInterior.find(leaf, base, branches, cookie);
      narrow(branches, index);
      blocks[level] = id;
      childIndex[level] = index;
      counts[level] = branches;
      id = ZapInterior.child(leaf, base, index, limit);
      pin(id);
      base = 0;
      end = BLOCK_BYTES;
    }
    blocks[0] = id;
    count = ZapLeaf.count(leaf, base, end, id);
    counts[0] = count;
    checkLeafBounds(leaf, base, count, rootLevel, low, last);
  }

  /**
   * The block of the leaf where {@code cookie} is or would be, which is not read; {@link #last} is
   * set as by {@link #seek}.
   */
  int leafOf(long cookie) {
    start();
    int id = 0;
    for (int level = rootLevel; level > 0; level--) {
      int branches = ZapInterior.count(leaf, base, level, id);
      int index = ZapInterior.find(leaf, base, branches, cookie);
      narrow(branches, index);
      id = ZapInterior.child(leaf, base, index, limit);
      if (level > 1) {
        pin(id);
        base = 0;
        end = BLOCK_BYTES;
      }
    }
    return id;
  }

  private void narrow(int branches, int index) {
    if (index > 0) {
      long key = ZapInterior.key(leaf, base, index);
      if (key < low || key > last) {
        throw corrupt("zap_branch.key", key);
      }
      low = key;
    }
    if (index + 1 < branches) {
      long key = ZapInterior.key(leaf, base, index + 1);
      if (key <= low || key > last) {
        throw corrupt("zap_branch.key", key);
      }
      last = key - 1;
    }
  }

  /**
   * Corrupt when the leaf's first or last cookie belongs elsewhere, or a large ZAP's leaf is empty.
   */
  static void checkLeafBounds(
      MemorySegment leaf, int base, int count, int rootLevel, long low, long last) {
    if (count == 0) {
      if (rootLevel > 0) {
        throw corrupt("zap_node.count", 0);
      }
      return;
    }
    long first = ZapLeaf.cookie(leaf, base, 0);
    long end = ZapLeaf.cookie(leaf, base, count - 1);
    if (first < low || end > last || first > end) {
      throw corrupt("zap_slot.cookie", first < low ? first : end);
    }
  }

  /** {@link #start}, then {@link #descend}. */
  void seek(long cookie) {
    start();
    descend(cookie);
  }

  int lowerBound(long cookie) {
    return ZapLeaf.lowerBound(leaf, base, count, cookie);
  }

  long cookie(int index) {
    return ZapLeaf.cookie(leaf, base, index);
  }

  int entryAt(int index) {
    return ZapLeaf.entryAt(leaf, base, end, index);
  }

  /** Whether the next leaf may hold names of {@code hash}; its first cookie is then last + 1. */
  boolean runGoesOn(long hash) {
    return last != Long.MAX_VALUE && (last + 1) >>> Zap.COLLISION_BITS == hash;
  }

  /** Whether the node of {@code level} has no room for another branch. */
  boolean isFull(int level) {
    Check.that(level > 0, "interior level", level);
    return counts[level] == ZapInterior.capacity(blocks[level]);
  }

  @Override
  public void close() {
    Block block = pinned;
    if (block != null) {
      pinned = null;
      block.close();
    }
  }
}
