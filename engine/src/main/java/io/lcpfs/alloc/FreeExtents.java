package io.lcpfs.alloc;

/**
 * Free extents of a metaslab, by place and by size; no two touch. A key is start &lt;&lt; 32 |
 * sectors. Guarded by the metaslab.
 */
final class FreeExtents {
  /** How many extents after a place are looked at before the best fit is taken. */
  private static final int NEAR_EXTENTS = 32;

  private final SortedLongs byOffset = new SortedLongs();

  /** The same: sectors &lt;&lt; 32 | start. */
  private final SortedLongs bySize = new SortedLongs();

  static long key(int start, int count) {
    return (long) start << 32 | count;
  }

  static int start(long key) {
    return (int) (key >>> 32);
  }

  static int count(long key) {
    return (int) (key & 0xffff_ffffL);
  }

  static int end(long key) {
    return start(key) + count(key);
  }

  private static long turned(long key) {
    return key << 32 | key >>> 32;
  }

  /** Whether an extent of {@code set} and a run of sectors have one in common. */
  static boolean overlaps(SortedLongs set, int start, int count) {
    long before = set.lower(key(start + count, 0));
    return before != SortedLongs.NONE && end(before) > start;
  }

  boolean overlaps(int start, int count) {
    return overlaps(byOffset, start, count);
  }

  /** Adds an extent that touches no other. */
  void insert(int start, int count) {
    byOffset.add(key(start, count));
    bySize.add(key(count, start));
  }

  void delete(long key) {
    byOffset.remove(key);
    bySize.remove(turned(key));
  }

  /** Adds a free extent, merged with its neighbours. */
  void add(int start, int count) {
    int from = start;
    int to = start + count;
    long before = byOffset.lower(key(from, 0));
    if (before != SortedLongs.NONE && end(before) == from) {
      delete(before);
      from = start(before);
    }
    long after = byOffset.ceiling(key(to, 0));
    if (after != SortedLongs.NONE && start(after) == to) {
      delete(after);
      to = end(after);
    }
    insert(from, to - from);
  }

  /** Takes a range out of an extent. */
  void cut(long extent, int start, int count) {
    delete(extent);
    if (start > start(extent)) {
      insert(start(extent), start - start(extent));
    }
    if (end(extent) > start + count) {
      insert(start + count, end(extent) - start - count);
    }
  }

  /** The last extent that begins before a sector, or {@link SortedLongs#NONE}. */
  long before(int sector) {
    return byOffset.lower(key(sector, 0));
  }

  /** The first extent that begins at a sector or after it, or {@link SortedLongs#NONE}. */
  long from(int sector) {
    return byOffset.ceiling(key(sector, 0));
  }

  /** The first extent at or after {@code from} that fits, or else the smallest that fits. */
  long near(int from, int need) {
    long key = from(from);
    for (int i = 0; i < NEAR_EXTENTS && key != SortedLongs.NONE; i++) {
      if (count(key) >= need) {
        return key;
      }
      key = byOffset.ceiling(key + 1);
    }
    long best = bySize.ceiling(key(need, 0));
    return best == SortedLongs.NONE ? SortedLongs.NONE : turned(best);
  }

  /** Sectors of the largest. */
  int largest() {
    long last = bySize.last();
    return last == SortedLongs.NONE ? 0 : start(last);
  }

  /** Tells {@code runs} what {@code of} has of the extents, in order. */
  void within(KeptSectors of, KeptSectors.Runs runs) {
    for (long at = from(0); at != SortedLongs.NONE; at = from(end(at))) {
      of.split(start(at), count(at), runs, (start, count) -> {});
    }
  }

  /** A bit for each of so many sectors that is in no extent, lowest first. */
  long[] others(int sectors) {
    long[] bits = new long[Math.ceilDiv(sectors, 64)];
    int at = 0;
    while (at < sectors) {
      long free = from(at);
      Bits.set(bits, at, free == SortedLongs.NONE ? sectors : start(free));
      at = free == SortedLongs.NONE ? sectors : end(free);
    }
    return bits;
  }
}
