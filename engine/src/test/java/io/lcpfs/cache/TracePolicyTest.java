package io.lcpfs.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.ThreadEnv;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.memory.SystemMemorySource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Traces are fixed by their seeds, so hit counts are the same in every run. */
class TracePolicyTest {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 1000;
  private static final long HOT = 1L << 40;

  private final ThreadEnv env = new ThreadEnv();
  private final SlabAllocator slabs =
      new SlabAllocator(new SystemMemorySource(), 1 << 20, 0, false);
  private final Arc arc = new Arc(slabs, (long) BLOCKS * BLOCK, env);
  private final Map<Long, TraceEntry> index = new HashMap<>();

  private boolean read(long key) {
    return read(key, BLOCK, CacheClass.DATA);
  }

  private boolean read(long key, int bytes, CacheClass cacheClass) {
    TraceEntry entry = index.get(key);
    if (entry != null && entry.tryPin()) {
      arc.touch(entry);
      entry.unpin();
      return true;
    }
    TraceEntry fresh = new TraceEntry(index, key, bytes, cacheClass);
    arc.insert(fresh);
    fresh.unpin();
    return false;
  }

  private double hitRate(long[] trace) {
    long hits = LongStream.of(trace).filter(this::read).count();
    arc.verify();
    assertThat(arc.cachedBytes()).isLessThanOrEqualTo((long) BLOCKS * BLOCK);
    assertThat(index).hasSize((int) (arc.cachedBytes() / BLOCK));
    return (double) hits / trace.length;
  }

  private static double lruHitRate(long[] trace) {
    var lru =
        new LinkedHashMap<Long, Boolean>(16, 0.75f, true) {
          private static final long serialVersionUID = 1;

          @Override
          protected boolean removeEldestEntry(Map.Entry<Long, Boolean> eldest) {
            return size() > BLOCKS;
          }
        };
    long hits = LongStream.of(trace).filter(key -> lru.put(key, true) != null).count();
    return (double) hits / trace.length;
  }

  /** 600 hot blocks at random, and between them a scan that never comes back, half and half. */
  private static long[] scanAndHotSet() {
    Random random = new Random(11);
    return LongStream.range(0, 100_000)
        .map(i -> i % 2 == 0 ? HOT + random.nextInt(600) : i)
        .toArray();
  }

  @Test
  void aScanBesideAHotSetCostsTheHotSetLittle() {
    long[] trace = scanAndHotSet();
    double lru = lruHitRate(trace);
    double arcRate = hitRate(trace);
    assertThat(lru).as("the trace hurts LRU").isLessThan(0.40);
    assertThat(arcRate).as("of 0.5 possible").isGreaterThan(0.47).isGreaterThan(lru + 0.1);
  }

  @Test
  void aLoopLargerThanTheCacheBesideAHotSetIsHeldBetterThanByLru() {
    Random random = new Random(12);
    long[] trace =
        LongStream.range(0, 200_000)
            .map(i -> i % 4 == 0 ? HOT + random.nextInt(300) : i % 3000)
            .toArray();
    double lru = lruHitRate(trace);
    assertThat(hitRate(trace)).isGreaterThan(lru + 0.08);
  }

  @Test
  void skewedReadsAreServedAtLeastAsWellAsByLru() {
    Random random = new Random(13);
    long[] trace =
        LongStream.range(0, 200_000)
            .map(i -> (long) (20_000 * Math.pow(random.nextDouble(), 4)))
            .toArray();
    double lru = lruHitRate(trace);
    assertThat(lru).isGreaterThan(0.3);
    assertThat(hitRate(trace)).isGreaterThan(lru);
  }

  @Test
  void aWorkingSetThatMovesIsFollowed() {
    Random random = new Random(14);
    long[] trace =
        LongStream.range(0, 200_000)
            .map(i -> (i / 20_000) * 100_000 + random.nextInt(900))
            .toArray();
    assertThat(hitRate(trace)).isGreaterThan(lruHitRate(trace) - 0.02).isGreaterThan(0.9);
  }

  @Test
  void aScanInSmallReadsOfEachBlockIsStillAScan() {
    for (int round = 0; round < 20; round++) {
      for (long hot = 0; hot < 500; hot++) {
        read(HOT + hot);
      }
      arc.tick();
    }
    for (long block = 0; block < 20_000; block++) {
      for (int step = 0; step < 32; step++) {
        read(block);
      }
      if (block % 100 == 0) {
        read(HOT + (block / 100) % 500);
      }
    }
    long kept = LongStream.range(0, 500).filter(hot -> index.containsKey(HOT + hot)).count();
    assertThat(kept).as("hot blocks left after a scan of 20 capacities").isGreaterThan(450);
  }

  @Test
  void aPrefetchedBlockIsUsedOnceWhenItIsFirstRead() {
    for (long block = 0; block < 20_000; block++) {
      if (block < 400 || block % 2 == 0) {
        read(HOT + (block < 400 ? block : block / 2 % 400));
      }
      TraceEntry ahead = new TraceEntry(index, block, BLOCK, CacheClass.DATA);
      arc.insertPrefetched(ahead);
      ahead.unpin();
      if (block >= 100) {
        read(block - 100); // far enough behind for a second use, were the prefetch the first
      }
    }
    long kept = LongStream.range(0, 400).filter(hot -> index.containsKey(HOT + hot)).count();
    assertThat(kept).isGreaterThan(390);
  }

  @Test
  void scarceMetadataOutlivesAScanOfData() {
    for (long i = 0; i < 100; i++) {
      read(HOT + i, BLOCK, CacheClass.METADATA);
    }
    for (long i = 0; i < 10_000; i++) {
      read(i);
    }
    assertThat(arc.stats().metadataBytes()).isEqualTo(100L * BLOCK);
    for (long i = 0; i < 500; i++) {
      read(2 * HOT + i, BLOCK, CacheClass.METADATA);
    }
    for (long i = 10_000; i < 20_000; i++) {
      read(i);
    }
    assertThat(arc.stats().metadataBytes())
        .as("an eighth is kept, the rest goes like any other")
        .isBetween((long) BLOCKS * BLOCK / 8 - BLOCK, (long) BLOCKS * BLOCK / 8);
  }

  @Test
  void metadataAloneMayFillTheCacheAndIsEvictedThen() {
    for (long i = 0; i < 3000; i++) {
      read(i, BLOCK, CacheClass.METADATA);
    }
    assertThat(arc.cachedBytes()).isEqualTo((long) BLOCKS * BLOCK);
    arc.shrinkTo(0);
    assertThat(arc.cachedBytes()).isZero();
    assertThat(index).isEmpty();
    arc.verify();
  }

  @Test
  void everyGhostHitMovesTheTargetTowardsItsClock() {
    for (long i = 0; i < BLOCKS / 2; i++) {
      read(HOT + i);
    }
    arc.tick();
    for (long i = 0; i < BLOCKS / 2; i++) {
      read(HOT + i);
    }
    for (long i = 0; i < BLOCKS; i++) {
      read(i);
    }
    long before = arc.stats().recentTargetBytes();
    long evictedRecent =
        LongStream.range(0, BLOCKS).filter(i -> !index.containsKey(i)).max().orElseThrow();
    read(evictedRecent);
    assertThat(arc.stats().ghostHits()).isEqualTo(1);
    assertThat(env.taken(CodeProbe.CACHE_GHOST_HIT)).isEqualTo(1);
    assertThat(arc.stats().recentTargetBytes()).isGreaterThan(before);
    long target = arc.stats().recentTargetBytes();
    arc.setCapacity(4 * BLOCK); // evicts nearly all, frequent ones too
    arc.setCapacity((long) BLOCKS * BLOCK);
    long hitsBefore = arc.stats().ghostHits();
    read(evictedRecent);
    assertThat(arc.stats().ghostHits() - hitsBefore).isLessThanOrEqualTo(1);
    assertThat(arc.stats().recentTargetBytes()).isLessThanOrEqualTo(target);
    arc.verify();
  }

  @Test
  void everyMixOfSizesStaysWithinTheCapacity() {
    Random random = new Random(15);
    for (int i = 0; i < 50_000; i++) {
      long key = (long) (3000 * Math.pow(random.nextDouble(), 3));
      int bytes = 512 << (int) (key % 12);
      read(key, bytes, key % 5 == 0 ? CacheClass.METADATA : CacheClass.DATA);
      assertThat(arc.cachedBytes()).isLessThanOrEqualTo((long) BLOCKS * BLOCK);
      if (i % 1000 == 0) {
        arc.verify();
      }
    }
    assertThat(arc.stats().ghostHits()).isPositive();
    assertThat(env.taken(CodeProbe.CACHE_EVICTED)).isEqualTo(arc.stats().evictions());
  }
}
