package io.lcpfs.alloc;

import java.util.Arrays;

/**
 * An ordered set of longs that are not negative: sorted leaves of up to 128 under one sorted index.
 * 8 to 16 bytes an entry; additions and removals move at most a leaf, or rarely the index.
 */
final class SortedLongs {
  /** The answer where there is no such entry. */
  static final long NONE = -1;

  private static final int LEAF = 128;

  private long[][] leaves = {new long[LEAF]};
  private int[] counts = {0};

  /** First entry of each leaf, meaningless for a single empty leaf. */
  private long[] firsts = {0};

  private int leafCount = 1;
  private int size;

  int size() {
    return size;
  }

  /** The leaf that holds {@code key} or would. */
  private int leafOf(long key) {
    int low = 1;
    int high = leafCount - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (firsts[middle] <= key) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return low - 1;
  }

  /** Adds a key that is not there yet. */
  void add(long key) {
    int leaf = leafOf(key);
    if (counts[leaf] == LEAF) {
      split(leaf);
      leaf = leafOf(key);
    }
    long[] items = leaves[leaf];
    int count = counts[leaf];
    int at = -Arrays.binarySearch(items, 0, count, key) - 1;
    if (at < 0) {
      throw new AssertionError("key already there: " + key);
    }
    System.arraycopy(items, at, items, at + 1, count - at);
    items[at] = key;
    counts[leaf] = count + 1;
    if (at == 0) {
      firsts[leaf] = key;
    }
    size++;
  }

  private void split(int leaf) {
    if (leafCount == leaves.length) {
      leaves = Arrays.copyOf(leaves, leafCount * 2);
      counts = Arrays.copyOf(counts, leafCount * 2);
      firsts = Arrays.copyOf(firsts, leafCount * 2);
    }
    int moved = leafCount - leaf - 1;
    System.arraycopy(leaves, leaf + 1, leaves, leaf + 2, moved);
    System.arraycopy(counts, leaf + 1, counts, leaf + 2, moved);
    System.arraycopy(firsts, leaf + 1, firsts, leaf + 2, moved);
    leafCount++;
    // Ascending additions fill leaves to the brim when only the tail end is cut off.
    int keep = leaf == leafCount - 2 ? LEAF - LEAF / 8 : LEAF / 2;
    long[] right = new long[LEAF];
    System.arraycopy(leaves[leaf], keep, right, 0, LEAF - keep);
    leaves[leaf + 1] = right;
    counts[leaf] = keep;
    counts[leaf + 1] = LEAF - keep;
    firsts[leaf + 1] = right[0];
  }

  /** Removes a key that is there. */
  void remove(long key) {
    int leaf = leafOf(key);
    long[] items = leaves[leaf];
    int count = counts[leaf];
    int at = Arrays.binarySearch(items, 0, count, key);
    if (at < 0) {
      throw new AssertionError("key not there: " + key);
    }
    System.arraycopy(items, at + 1, items, at, count - at - 1);
    counts[leaf] = count - 1;
    size--;
    if (count == 1) {
      if (leafCount > 1) {
        dropLeaf(leaf);
      }
    } else if (at == 0) {
      firsts[leaf] = items[0];
    }
    mergeSmall(Math.min(leaf, leafCount - 1));
  }

  private void mergeSmall(int leaf) {
    if (leaf + 1 < leafCount && counts[leaf] + counts[leaf + 1] <= LEAF / 4) {
      System.arraycopy(leaves[leaf + 1], 0, leaves[leaf], counts[leaf], counts[leaf + 1]);
      if (counts[leaf] == 0) {
        firsts[leaf] = firsts[leaf + 1];
      }
      counts[leaf] += counts[leaf + 1];
      dropLeaf(leaf + 1);
    }
  }

  private void dropLeaf(int leaf) {
    int moved = leafCount - leaf - 1;
    System.arraycopy(leaves, leaf + 1, leaves, leaf, moved);
    System.arraycopy(counts, leaf + 1, counts, leaf, moved);
    System.arraycopy(firsts, leaf + 1, firsts, leaf, moved);
    leafCount--;
    leaves[leafCount] = new long[0];
  }

  /** The smallest entry at or above {@code key}, or {@link #NONE}. */
  long ceiling(long key) {
    int leaf = leafOf(key);
    int at = Arrays.binarySearch(leaves[leaf], 0, counts[leaf], key);
    if (at >= 0) {
      return key;
    }
    at = -at - 1;
    if (at < counts[leaf]) {
      return leaves[leaf][at];
    }
    return leaf + 1 < leafCount ? firsts[leaf + 1] : NONE;
  }

  /** The largest entry below {@code key}, or {@link #NONE}. */
  long lower(long key) {
    int leaf = leafOf(key);
    int at = Arrays.binarySearch(leaves[leaf], 0, counts[leaf], key);
    at = at >= 0 ? at : -at - 1;
    if (at > 0) {
      return leaves[leaf][at - 1];
    }
    return leaf > 0 ? leaves[leaf - 1][counts[leaf - 1] - 1] : NONE;
  }

  /** The largest entry, or {@link #NONE}. */
  long last() {
    return size == 0 ? NONE : leaves[leafCount - 1][counts[leafCount - 1] - 1];
  }
}
