package io.lcpfs.bench.cache;

import io.lcpfs.cache.Arc;
import io.lcpfs.cache.CacheClass;
import io.lcpfs.cache.CacheEntry;
import io.lcpfs.env.RealEnv;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.memory.SystemMemorySource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.LongUnaryOperator;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Hit rates of the adaptive cache beside those of LRU, in bytes of the same capacity, then lookups
 * and allocations per second. Run its main; it takes some seconds.
 */
public final class CacheTraceBench {
  private static final int READS = 400_000;
  private static final long CAPACITY = 64L << 20;
  private static final long FAR = 1L << 40;

  /** Which keys are read, and how large each is. */
  private record Trace(String name, long[] keys, LongUnaryOperator bytes) {}

  private static final class Entry extends CacheEntry {
    final Map<Long, Entry> index;
    final long key;
    final int bytes;

    Entry(Map<Long, Entry> index, long key, int bytes) {
      super(CacheClass.DATA);
      this.index = index;
      this.key = key;
      this.bytes = bytes;
    }

    @Override
    protected int chargedBytes() {
      return bytes;
    }

    @Override
    protected long ghostKey() {
      return key;
    }

    @Override
    protected void evicted() {
      index.remove(key, this);
    }
  }

  private CacheTraceBench() {}

  /** Prints one line for each trace, then two for costs. */
  public static void main(String[] args) {
    System.out.printf("%-34s %8s %8s%n", "trace", "LRU", "LCPFS");
    for (Trace trace : traces()) {
      System.out.printf(
          "%-34s %7.2f%% %7.2f%%%n", trace.name(), 100 * lru(trace), 100 * adaptive(trace));
    }
    lookups();
    allocations();
  }

  private static Trace[] traces() {
    int block = 16 << 10;
    int fits = (int) (CAPACITY / block);
    LongUnaryOperator fixed = key -> block;
    LongUnaryOperator mixedSizes =
        key -> 512L << Math.floorMod((key * 0x9e3779b97f4a7c15L) >>> 32, 9);
    return new Trace[] {
      new Trace("zipf 0.9 over 8 capacities", zipf(fits * 8, 0.9, 1), fixed),
      new Trace("zipf 1.1 over 8 capacities", zipf(fits * 8, 1.1, 2), fixed),
      new Trace(
          "zipf 0.9 beside an endless scan",
          interleave(zipf(fits * 4, 0.9, 3), 2, i -> FAR + i),
          fixed),
      new Trace(
          "zipf 0.9 beside a loop of 3 capacities",
          interleave(zipf(fits * 4, 0.9, 4), 3, i -> FAR + i % (fits * 3L)),
          fixed),
      new Trace(
          "loop of 1.2 capacities",
          LongStream.range(0, READS).map(i -> i % (long) (fits * 1.2)).toArray(),
          fixed),
      new Trace("hot set of 60 %, bursts of scan", bursts(fits), fixed),
      new Trace("hot set that moves every 50,000", moving(fits), fixed),
      new Trace("zipf 0.9, sizes 512 B to 128 KiB", zipf(fits * 16, 0.9, 5), mixedSizes),
      new Trace(
          "128 KiB blocks read by 4 KiB",
          interleave(zipf(400, 0.7, 6), 2, i -> FAR + i / 32),
          key -> 128 << 10),
    };
  }

  private static long[] zipf(int items, double skew, long seed) {
    double[] cumulative = new double[items];
    double sum = 0;
    for (int i = 0; i < items; i++) {
      sum += Math.pow(i + 1, -skew);
      cumulative[i] = sum;
    }
    Random random = new Random(seed);
    long[] keys = new long[READS];
    for (int i = 0; i < READS; i++) {
      int found = Arrays.binarySearch(cumulative, random.nextDouble() * sum);
      keys[i] = found < 0 ? -found - 1 : found;
    }
    return keys;
  }

  /** Every {@code nth} read is replaced by one of a sequence. */
  private static long[] interleave(long[] keys, int nth, LongUnaryOperator sequence) {
    for (int i = 0, at = 0; i < keys.length; i += nth) {
      keys[i] = sequence.applyAsLong(at++);
    }
    return keys;
  }

  private static long[] bursts(int fits) {
    Random random = new Random(7);
    return LongStream.range(0, READS)
        .map(i -> i / 10_000 % 3 == 2 ? FAR + i : random.nextInt(fits * 6 / 10))
        .toArray();
  }

  private static long[] moving(int fits) {
    Random random = new Random(8);
    return LongStream.range(0, READS)
        .map(i -> i / 50_000 * FAR + random.nextInt(fits * 9 / 10))
        .toArray();
  }

  private static double lru(Trace trace) {
    LinkedHashMap<Long, Long> cache = new LinkedHashMap<>(16, 0.75f, true);
    long bytes = 0;
    long hits = 0;
    for (long key : trace.keys()) {
      if (cache.get(key) != null) {
        hits++;
        continue;
      }
      long size = trace.bytes().applyAsLong(key);
      cache.put(key, size);
      bytes += size;
      for (var eldest = cache.entrySet().iterator(); bytes > CAPACITY; ) {
        bytes -= eldest.next().getValue();
        eldest.remove();
      }
    }
    return (double) hits / trace.keys().length;
  }

  private static double adaptive(Trace trace) {
    try (RealEnv env = new RealEnv();
        SlabAllocator slabs = allocator(1 << 20)) {
      Arc arc = new Arc(slabs, CAPACITY, env);
      Map<Long, Entry> index = new HashMap<>();
      long hits = 0;
      for (long key : trace.keys()) {
        Entry found = index.get(key);
        if (found != null) {
          arc.touch(found);
          hits++;
          continue;
        }
        Entry fresh = new Entry(index, key, (int) trace.bytes().applyAsLong(key));
        index.put(key, fresh);
        arc.insert(fresh);
        fresh.unpin();
      }
      return (double) hits / trace.keys().length;
    }
  }

  private static SlabAllocator allocator(long budget) {
    return new SlabAllocator(new SystemMemorySource(), budget, 0, false);
  }

  /** What a hit costs without the index that finds it: pin, touch, unpin. */
  private static void lookups() {
    try (RealEnv env = new RealEnv();
        SlabAllocator slabs = allocator(1 << 20)) {
      Arc arc = new Arc(slabs, CAPACITY, env);
      Map<Long, Entry> index = new HashMap<>();
      Entry[] entries = new Entry[4096];
      for (int i = 0; i < entries.length; i++) {
        entries[i] = new Entry(index, i, 16 << 10);
        arc.insert(entries[i]);
        entries[i].unpin();
      }
      double best = 0;
      for (int round = 0; round < 5; round++) {
        long start = System.nanoTime();
        long pinned = 0;
        for (int i = 0; i < 20_000_000; i++) {
          Entry entry = entries[(i * 0x9e3779b9) >>> 20];
          if (entry.tryPin()) {
            arc.touch(entry);
            pinned++;
            entry.unpin();
          }
        }
        best = Math.max(best, pinned * 1e3 / (System.nanoTime() - start));
      }
      System.out.printf("pin, touch and unpin: %.1f million a second, one thread%n", best);
    }
  }

  private static void allocations() {
    try (SlabAllocator slabs = allocator(1L << 30)) {
      Random random = new Random(9);
      int[] sizes = random.ints(65_536, 1, 128 << 10).toArray();
      int[] places = random.ints(65_536, 0, 4096).toArray();
      @Nullable Slab[] live = new Slab[4096];
      double best = Double.MAX_VALUE;
      for (int round = 0; round < 5; round++) {
        long start = System.nanoTime();
        for (int i = 0; i < 2_000_000; i++) {
          int place = places[i & 65_535];
          Slab old = live[place];
          if (old != null) {
            slabs.free(old);
          }
          live[place] = slabs.allocate(sizes[(i * 7) & 65_535]);
        }
        best = Math.min(best, (System.nanoTime() - start) / 2e6);
      }
      System.out.printf("slab free and allocate, 1 B to 128 KiB: %.0f ns the pair%n", best);
    }
  }
}
