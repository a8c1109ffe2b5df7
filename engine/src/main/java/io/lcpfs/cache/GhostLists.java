package io.lcpfs.cache;

import io.lcpfs.error.Check;
import java.util.Arrays;

/**
 * What was evicted lately: the hash and size of entries, in two lists (evicted from the recent and
 * from the frequent clock), oldest first. All in arrays of a fixed number of places; a place is
 * found through an open-addressing table. Guarded by Arc's lock.
 */
final class GhostLists {
  static final int NONE = -1;
  static final int RECENT = 0;
  static final int FREQUENT = 1;

  private static final int NIL = -1;

  private final long[] keys;
  private final int[] sizes;
  private final byte[] lists;
  private final int[] next;
  private final int[] previous;
  private final int[] table;
  private final int shift;
  private final int[] oldest = {NIL, NIL};
  private final int[] youngest = {NIL, NIL};
  private final int[] counts = new int[2];
  private final long[] bytes = new long[2];
  private int free;

  GhostLists(int places) {
    Check.that(places > 0 && places <= 1 << 24, "ghost places", places);
    keys = new long[places];
    sizes = new int[places];
    lists = new byte[places];
    next = new int[places];
    previous = new int[places];
    int log = 33 - Integer.numberOfLeadingZeros(places - 1);
    table = new int[1 << log];
    shift = 64 - log;
    Arrays.fill(table, NIL);
    for (int i = 0; i < places; i++) {
      next[i] = i + 1 < places ? i + 1 : NIL;
    }
  }

  long bytes(int list) {
    return bytes[list];
  }

  int count(int list) {
    return counts[list];
  }

  /**
   * Remembers an evicted entry as the youngest of {@code list}; forgets an older one if need be.
   */
  void add(int list, long key, int size) {
    take(key);
    if (free == NIL) {
      dropOldest(counts[RECENT] >= counts[FREQUENT] ? RECENT : FREQUENT);
    }
    int place = free;
    free = next[place];
    keys[place] = key;
    sizes[place] = size;
    lists[place] = (byte) list;
    next[place] = NIL;
    previous[place] = youngest[list];
    if (youngest[list] == NIL) {
      oldest[list] = place;
    } else {
      next[youngest[list]] = place;
    }
    youngest[list] = place;
    counts[list]++;
    bytes[list] += size;
    int slot = home(key);
    while (table[slot] != NIL) {
      slot = (slot + 1) & (table.length - 1);
    }
    table[slot] = place;
  }

  /** Forgets {@code key}. @return the list that it was in, or {@link #NONE} */
  int take(long key) {
    int slot = find(key);
    if (slot < 0) {
      return NONE;
    }
    int place = table[slot];
    int list = lists[place];
    removeFromTable(slot);
    unlink(place);
    return list;
  }

  /** Forgets the oldest of a list that is not empty. */
  void dropOldest(int list) {
    int place = oldest[list];
    Check.that(place != NIL, "ghost list is empty", list);
    removeFromTable(find(keys[place]));
    unlink(place);
  }

  private int home(long key) {
    return (int) ((key * 0x9e3779b97f4a7c15L) >>> shift);
  }

  private int find(long key) {
    int slot = home(key);
    while (table[slot] != NIL) {
      if (keys[table[slot]] == key) {
        return slot;
      }
      slot = (slot + 1) & (table.length - 1);
    }
    return -1;
  }

  /**
   * Closes the gap that a removed key leaves, so that no chain is broken and no marker is needed.
   */
  private void removeFromTable(int slot) {
    int mask = table.length - 1;
    int gap = slot;
    for (int at = (gap + 1) & mask; table[at] != NIL; at = (at + 1) & mask) {
      int wanted = home(keys[table[at]]);
      if (((at - wanted) & mask) >= ((at - gap) & mask)) {
        table[gap] = table[at];
        gap = at;
      }
    }
    table[gap] = NIL;
  }

  private void unlink(int place) {
    int list = lists[place];
    if (previous[place] == NIL) {
      oldest[list] = next[place];
    } else {
      next[previous[place]] = next[place];
    }
    if (next[place] == NIL) {
      youngest[list] = previous[place];
    } else {
      previous[next[place]] = previous[place];
    }
    counts[list]--;
    bytes[list] -= sizes[place];
    next[place] = free;
    free = place;
  }
}
