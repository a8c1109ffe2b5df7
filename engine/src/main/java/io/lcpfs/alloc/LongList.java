package io.lcpfs.alloc;

import java.util.Arrays;

/** A growing array of longs. */
final class LongList {
  private long[] items = new long[8];
  private int size;

  int size() {
    return size;
  }

  long get(int index) {
    return items[index];
  }

  void add(long item) {
    if (size == items.length) {
      items = Arrays.copyOf(items, size * 2);
    }
    items[size++] = item;
  }

  /** Removes one occurrence, searching from the end; the order of the others may change. */
  boolean removeRecent(long item) {
    for (int i = size - 1; i >= 0; i--) {
      if (items[i] == item) {
        items[i] = items[--size];
        return true;
      }
    }
    return false;
  }
}
