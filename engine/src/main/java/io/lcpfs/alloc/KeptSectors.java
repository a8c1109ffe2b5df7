package io.lcpfs.alloc;

import java.util.ArrayList;
import java.util.List;

/**
 * Sectors of a metaslab that a checkpoint has, whether the pool still has them or not: a bit of
 * heap a sector. Those that the pool has given up are in {@link #idle}. Guarded by the metaslab.
 */
final class KeptSectors {
  /** Told of runs of sectors. */
  @FunctionalInterface
  interface Runs {
    void run(int start, int count);
  }

  private final long[] bits;

  /** Neither allocated nor deferred, and not to be given out: start &lt;&lt; 32 | sectors. */
  private final SortedLongs idle = new SortedLongs();

  /**
   * @param bits a bit for each sector that is kept, lowest first; taken over
   */
  KeptSectors(long[] bits) {
    this.bits = bits;
  }

  private static long key(int start, int count) {
    return (long) start << 32 | count;
  }

  private static int end(long key) {
    return (int) (key >>> 32) + (int) key;
  }

  /** How many of {@code count} sectors from {@code start} on are kept. */
  int count(int start, int count) {
    int[] sum = {0};
    split(start, count, (from, length) -> sum[0] += length, (from, length) -> {});
    return sum[0];
  }

  /** Tells the runs of sectors that are kept and the others, in order. */
  void split(int start, int count, Runs kept, Runs others) {
    int end = start + count;
    int from = start;
    while (from < end) {
      boolean in = Bits.get(bits, from);
      int to = runEnd(from, end, in);
      (in ? kept : others).run(from, to - from);
      from = to;
    }
  }

  /** Where the run of like bits that begins at {@code from} ends, at most {@code end}. */
  private int runEnd(int from, int end, boolean in) {
    int at = from + 1;
    while (at < end) {
      long word = in ? ~bits[at >>> 6] : bits[at >>> 6];
      long rest = word >>> at;
      if (rest != 0) {
        return Math.min(end, at + Long.numberOfTrailingZeros(rest));
      }
      at = (at | 63) + 1;
    }
    return end;
  }

  /** Nobody but the checkpoint has these any more. */
  void addIdle(int start, int count) {
    idle.add(key(start, count));
  }

  /** Whether some of these are kept for the checkpoint alone. */
  boolean overlapsIdle(int start, int count) {
    long before = idle.lower(key(start + count, 0));
    return before != SortedLongs.NONE && end(before) > start;
  }

  /** All runs that are kept for the checkpoint alone, in order. */
  List<Long> idle() {
    List<Long> all = new ArrayList<>();
    for (long at = idle.ceiling(0); at != SortedLongs.NONE; at = idle.ceiling(at + 1)) {
      all.add(at);
    }
    return all;
  }

  /** Of {@code allocated} bits, those that are kept for the checkpoint alone are cleared. */
  void clearIdle(long[] allocated) {
    for (long at : idle()) {
      for (int sector = (int) (at >>> 32); sector < end(at); sector++) {
        allocated[sector >>> 6] &= ~(1L << sector);
      }
    }
  }
}
