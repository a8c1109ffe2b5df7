package io.lcpfs.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.device.ThreadEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.FailingGate;
import io.lcpfs.memory.FailingMemorySource;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArcTest {
  private static final int KIB = 1 << 10;
  private static final int MIB = 1 << 20;

  private final FailingMemorySource source = FailingMemorySource.never();
  private final SlabAllocator slabs = new SlabAllocator(source, 16 * MIB, MIB, true);
  private final Arc arc = new Arc(slabs, 12 * MIB, new ThreadEnv());
  private final ConcurrentHashMap<Long, Block> index = new ConcurrentHashMap<>();

  /** A block with memory, whose first 8 bytes are its key. */
  private final class Block extends CacheEntry {
    final long key;
    final Slab slab;

    Block(long key, Slab slab) {
      super(CacheClass.DATA);
      this.key = key;
      this.slab = slab;
      slab.segment().set(ValueLayout.JAVA_LONG, 0, key);
    }

    @Override
    protected int chargedBytes() {
      return slab.chargedBytes();
    }

    @Override
    protected long ghostKey() {
      return key * 0x9e3779b97f4a7c15L;
    }

    @Override
    protected void evicted() {
      index.remove(key, this);
      slabs.free(slab);
    }
  }

  @AfterEach
  void nothingIsLost() {
    arc.verify();
    slabs.verify();
    arc.shrinkTo(0);
    index
        .values()
        .forEach(
            left -> {
              left.unpin();
              assertThat(arc.tryEvict(left)).isTrue();
            });
    assertThat(slabs.usedBytes()).isZero();
    slabs.close();
    assertThat(source.heldBytes()).isZero();
  }

  private Block load(long key, int bytes) {
    Block block = new Block(key, arc.allocate(bytes, CacheClass.DATA));
    index.put(key, block);
    arc.insert(block);
    return block;
  }

  private static void outOfMemory(Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOMEM));
  }

  @Test
  void everyPinKeepsAnEntryAndTheLastUnpinLetsItGo() {
    Block block = load(1, 4 * KIB);
    assertThat(block.tryPin()).isTrue();
    block.unpin();
    assertThat(arc.shrinkTo(0)).isEqualTo(4 * KIB);
    assertThat(arc.tryEvict(block)).isFalse();
    block.unpin();
    assertThat(arc.shrinkTo(0)).isZero();
    assertThat(block.tryPin()).isFalse();
    assertThat(block.isGone()).isTrue();
    assertThat(index).isEmpty();
  }

  @Test
  void everyUnbalancedPinIsCaught() {
    Block block = load(1, 4 * KIB);
    block.unpin();
    assertThatThrownBy(block::unpin).isInstanceOf(AssertionError.class);
    assertThatThrownBy(block::pin).isInstanceOf(AssertionError.class);
    assertThat(block.isPinned()).isFalse();
  }

  @Test
  void anEntryThatIsGoneCanComeBack() {
    Block block = load(1, 4 * KIB);
    assertThat(block.tryRevive()).isFalse();
    block.unpin();
    arc.shrinkTo(0);
    assertThat(block.tryRevive()).isTrue();
    assertThat(block.isPinned()).isTrue();
    assertThat(block.tryRevive()).isFalse();
  }

  @Test
  void aRemovedEntryStaysWithItsOwner() {
    Block block = load(1, 8 * KIB);
    arc.remove(block);
    arc.remove(block);
    assertThat(arc.cachedBytes()).isZero();
    assertThat(slabs.usedBytes()).isEqualTo(8 * KIB);
    assertThat(block.slab.segment().get(ValueLayout.JAVA_LONG, 0)).isEqualTo(1);
    index.remove(1L);
    slabs.free(block.slab);
  }

  @Test
  void aFullCacheOfPinnedEntriesIsOutOfMemoryAndRecoversWithTheFirstUnpin() {
    List<Block> pinned = new ArrayList<>();
    outOfMemory(
        () -> {
          while (true) {
            pinned.add(load(pinned.size(), 64 * KIB));
          }
        });
    assertThat(pinned.size()).as("all but reserve and headroom").isGreaterThan(14 * 16);
    outOfMemory(() -> load(1000, 64 * KIB));
    pinned.get(7).unpin();
    Block more = load(1000, 64 * KIB);
    assertThat(index).doesNotContainKey(7L).containsKey(1000L);
    assertThat(more.isPinned()).isTrue();
  }

  @Test
  void metadataGetsTheHeadroomThatDataLeavesAndASyncTheReserve() {
    List<Slab> held = new ArrayList<>();
    outOfMemory(
        () -> {
          while (true) {
            held.add(arc.allocate(16 * KIB, CacheClass.DATA));
          }
        });
    long data = slabs.usedBytes();
    // The reserve alone is larger than the headroom here, so take the general heap to its end.
    outOfMemory(
        () -> {
          while (true) {
            held.add(arc.allocate(16 * KIB, CacheClass.METADATA));
          }
        });
    assertThat(slabs.usedBytes()).isGreaterThanOrEqualTo(data);
    for (int i = 0; i < MIB / (16 * KIB); i++) {
      held.add(arc.allocateForSync(16 * KIB));
    }
    outOfMemory(() -> arc.allocateForSync(16 * KIB));
    assertThat(slabs.usedBytes()).isEqualTo(slabs.budgetBytes());
    held.forEach(slabs::free);
  }

  @Test
  void dataLeavesHeadroomToMetadata() {
    try (SlabAllocator whole = new SlabAllocator(source, 16 * MIB, 0, true)) {
      Arc other = new Arc(whole, 12 * MIB, new ThreadEnv());
      List<Slab> held = new ArrayList<>();
      outOfMemory(
          () -> {
            while (true) {
              held.add(other.allocate(16 * KIB, CacheClass.DATA));
            }
          });
      assertThat(whole.usedBytes()).isEqualTo(16 * MIB - 16 * MIB / 64);
      for (int i = 0; i < 16; i++) {
        held.add(other.allocate(16 * KIB, CacheClass.METADATA));
      }
      outOfMemory(() -> other.allocate(1, CacheClass.METADATA));
      held.forEach(whole::free);
    }
  }

  @Test
  void everyRefusalOfTheGateIsOutOfMemoryAndEvictsNothing() {
    for (int n = 1; n <= 5; n++) {
      FailingGate gate = new FailingGate(n);
      try (SlabAllocator gated = new SlabAllocator(source, MIB, 0, true, gate)) {
        Arc other = new Arc(gated, MIB, new ThreadEnv());
        for (int i = 1; i < n; i++) {
          gated.free(other.allocate(4 * KIB, CacheClass.DATA));
        }
        outOfMemory(() -> other.allocate(4 * KIB, CacheClass.DATA));
        assertThat(gate.reached()).isTrue();
        assertThat(gated.usedBytes()).isZero();
        gated.free(other.allocate(4 * KIB, CacheClass.DATA));
      }
    }
  }

  @Test
  void aChangedChargeIsCountedAndMayEvictOthers() {
    for (long key = 0; key < 12; key++) {
      load(key, MIB).unpin();
    }
    var grown =
        new CacheEntry(CacheClass.METADATA) {
          int cost = 512;

          @Override
          protected int chargedBytes() {
            return cost;
          }

          @Override
          protected long ghostKey() {
            return 77;
          }

          @Override
          protected void evicted() {}
        };
    arc.insert(grown);
    arc.verify();
    grown.cost = 3 * MIB;
    arc.recharge(grown);
    arc.verify();
    assertThat(arc.cachedBytes()).isLessThanOrEqualTo(12 * MIB);
    assertThat(arc.stats().metadataBytes()).isEqualTo(3 * MIB);
    grown.unpin();
  }

  @Test
  void everyOwnerIsToldEvenWhenOneThrows() {
    for (long key = 0; key < 5; key++) {
      load(key, 4 * KIB).unpin();
    }
    var broken =
        new CacheEntry(CacheClass.DATA) {
          @Override
          protected int chargedBytes() {
            return 4096;
          }

          @Override
          protected long ghostKey() {
            return 99;
          }

          @Override
          protected void evicted() {
            throw new IllegalStateException("owner");
          }
        };
    arc.insert(broken);
    broken.unpin();
    assertThatThrownBy(() -> arc.shrinkTo(0)).hasMessage("owner");
    assertThat(index).isEmpty();
    assertThat(arc.cachedBytes()).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void everyRandomHistoryKeepsTheBudget(long seed) {
    Random random = new Random(seed);
    List<Block> pinned = new ArrayList<>();
    for (int step = 0; step < 20_000; step++) {
      long key = (long) (2000 * Math.pow(random.nextDouble(), 3));
      int bytes = 512 + (int) (Math.abs(key * 7919) % (1 << (9 + (key % 12))));
      Block found = index.get(key);
      if (found != null) {
        assertThat(found.tryPin()).isTrue();
        assertThat(found.slab.segment().get(ValueLayout.JAVA_LONG, 0)).isEqualTo(key);
        arc.touch(found);
        if (random.nextInt(20) == 0) {
          pinned.add(found);
        } else {
          found.unpin();
        }
      } else {
        try {
          load(key, bytes).unpin();
        } catch (PoolException e) {
          assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
          pinned.forEach(CacheEntry::unpin);
          pinned.clear();
        }
      }
      if (pinned.size() > 40) {
        pinned.removeLast().unpin();
      }
      assertThat(slabs.usedBytes()).isLessThanOrEqualTo(slabs.budgetBytes());
      assertThat(source.heldBytes()).isLessThanOrEqualTo(slabs.budgetBytes());
      if (step % 500 == 0) {
        arc.verify();
        slabs.verify();
      }
    }
    pinned.forEach(CacheEntry::unpin);
    assertThat(arc.stats().evictions()).isPositive();
  }

  @Test
  void everyConcurrentReaderSeesItsBlockOrAMiss() throws Exception {
    AtomicLong hits = new AtomicLong();
    List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      Random random = new Random(t);
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      for (int i = 0; i < 40_000; i++) {
                        long key = (long) (1500 * Math.pow(random.nextDouble(), 2));
                        Block block = index.get(key);
                        if (block != null && block.tryPin()) {
                          assertThat(block.slab.segment().get(ValueLayout.JAVA_LONG, 0))
                              .isEqualTo(key);
                          arc.touch(block);
                          hits.incrementAndGet();
                          block.unpin();
                        } else {
                          Block fresh = makeOnly(key);
                          if (fresh != null) {
                            arc.insert(fresh);
                            fresh.unpin();
                          }
                        }
                      }
                    } catch (Throwable e) {
                      failures.add(e);
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(failures).isEmpty();
    assertThat(hits.get()).isGreaterThan(40_000);
    assertThat(arc.stats().evictions()).isPositive();
  }

  /** A block whose key nobody else is loading; null where another was faster. */
  private @Nullable Block makeOnly(long key) {
    Block made = new Block(key, arc.allocate(16 * KIB, CacheClass.DATA));
    if (index.putIfAbsent(key, made) == null) {
      return made;
    }
    slabs.free(made.slab);
    return null;
  }
}
