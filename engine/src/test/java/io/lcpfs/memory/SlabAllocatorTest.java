package io.lcpfs.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.SlabAllocator.Reach;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SlabAllocatorTest {
  private static final int KIB = 1 << 10;
  private static final int MIB = 1 << 20;

  private static SlabAllocator allocator(long budget, long reserve) {
    return new SlabAllocator(FailingMemorySource.never(), budget, reserve, true);
  }

  private static void refused(Runnable call, Errno errno) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(PoolException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void everySizeIsChargedWholeUnitsBelowAPageAndWholePagesAbove() {
    try (SlabAllocator slabs = allocator(256L * MIB, 0)) {
      int[][] expected = {
        {1, 512},
        {512, 512},
        {513, 1024},
        {3584, 3584},
        {3585, 4096},
        {4096, 4096},
        {4097, 8192},
        {68 * KIB, 68 * KIB},
        {128 * KIB + 1, 132 * KIB},
        {16 * MIB, 16 * MIB},
        {64 * MIB, 64 * MIB},
      };
      for (int[] pair : expected) {
        long before = slabs.usedBytes();
        Slab slab = slabs.allocate(pair[0]);
        assertThat(slab.bytes()).isEqualTo(pair[0]);
        assertThat(slab.segment().byteSize()).isEqualTo(pair[0]);
        assertThat(slab.chargedBytes()).isEqualTo(pair[1]);
        assertThat(slabs.usedBytes() - before).isEqualTo(pair[1]);
        assertThat(slab.segment().address() % (pair[0] >= 4096 ? 4096 : 512)).isZero();
        slabs.verify();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void everyRandomHistoryKeepsSlabsApartAndTheBudgetWhole(long seed) {
    Random random = new Random(seed);
    FailingMemorySource source = FailingMemorySource.never();
    long budget = 24L * MIB + 192 * KIB;
    int refusals = 0;
    try (SlabAllocator slabs = new SlabAllocator(source, budget, 2 * MIB, true)) {
      record Live(Slab slab, byte mark) {}
      List<Live> live = new ArrayList<>();
      for (int step = 0; step < 4000; step++) {
        if (random.nextInt(100) < 55) {
          int bytes = 1 + random.nextInt(1 << (1 + random.nextInt(21)));
          Slab slab;
          try {
            slab = random.nextInt(10) == 0 ? slabs.allocateForSync(bytes) : slabs.allocate(bytes);
          } catch (PoolException e) {
            assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
            refusals++;
            continue;
          }
          byte mark = (byte) random.nextInt(256);
          slab.segment().fill(mark);
          live.add(new Live(slab, mark));
        } else if (!live.isEmpty()) {
          Live gone = live.remove(random.nextInt(live.size()));
          MemorySegment memory = gone.slab().segment();
          for (long at = 0; at < memory.byteSize(); at += 97) {
            assertThat(memory.get(ValueLayout.JAVA_BYTE, at)).isEqualTo(gone.mark());
          }
          slabs.free(gone.slab());
        }
        long charged = live.stream().mapToLong(l -> l.slab().chargedBytes()).sum();
        assertThat(slabs.usedBytes()).isEqualTo(charged);
        assertThat(source.heldBytes()).isLessThanOrEqualTo(budget);
        if (step % 50 == 0) {
          slabs.verify();
        }
      }
      live.forEach(l -> slabs.free(l.slab()));
      slabs.verify();
      assertThat(slabs.usedBytes()).isZero();
      slabs.trim();
      assertThat(source.heldBytes()).as("the reserve alone stays").isEqualTo(2L * MIB);
    }
    assertThat(refusals).as("the budget was reached").isPositive();
    assertThat(source.heldBytes()).isZero();
  }

  @Test
  void everyByteOfTheBudgetCanBeHandedOutAndNoneMore() {
    try (SlabAllocator slabs = allocator(10 * MIB, 0)) {
      for (int i = 0; i < 10 * MIB / 4096; i++) {
        slabs.allocate(4096);
      }
      assertThat(slabs.usedBytes()).isEqualTo(10L * MIB);
      assertThat(slabs.tryAllocate(1)).isNull();
      refused(() -> slabs.allocate(1), Errno.ENOMEM);
    }
  }

  @Test
  void aLargeSlabGetsTheRoomOfEmptyChunks() {
    try (SlabAllocator slabs = allocator(32 * MIB, 0)) {
      List<Slab> small = new ArrayList<>();
      for (int i = 0; i < 32 * 16; i++) {
        small.add(slabs.allocate(64 * KIB));
      }
      small.forEach(slabs::free);
      Slab large = slabs.allocate(32 * MIB);
      assertThat(large.chargedBytes()).isEqualTo(32 * MIB);
      slabs.verify();
    }
  }

  @Test
  void theSyncReserveOutlastsAnEmptyBudgetAndAnEmptySource() {
    for (boolean sourceFails : new boolean[] {true, false}) {
      var source = sourceFails ? FailingMemorySource.from(2) : FailingMemorySource.never();
      try (SlabAllocator slabs = new SlabAllocator(source, 16 * MIB, 4 * MIB, true)) {
        List<Slab> all = new ArrayList<>();
        for (Slab s = slabs.tryAllocate(MIB); s != null; s = slabs.tryAllocate(MIB)) {
          all.add(s);
        }
        assertThat(all).hasSize(sourceFails ? 0 : 12);
        for (int i = 0; i < 4; i++) {
          all.add(slabs.allocateForSync(MIB));
        }
        refused(() -> slabs.allocateForSync(MIB), Errno.ENOMEM);
        all.forEach(slabs::free);
        slabs.verify();
        assertThat(slabs.usedBytes()).isZero();
      }
      assertThat(source.heldBytes()).isZero();
    }
  }

  @Test
  void anOverdraftHasALimitAndIsGivenBackAtOnce() {
    FailingMemorySource source = FailingMemorySource.never();
    try (SlabAllocator slabs = new SlabAllocator(source, 4 * MIB, MIB, true)) {
      List<Slab> within = new ArrayList<>();
      for (Slab s = slabs.tryAllocate(MIB); s != null; s = slabs.tryAllocate(MIB)) {
        within.add(s);
      }
      assertThat(slabs.tryAdmitted(MIB, Reach.BUDGET)).isNull();
      List<Slab> beyond = new ArrayList<>();
      for (Slab s = slabs.tryAdmitted(MIB - 1000, Reach.OVERDRAFT);
          s != null;
          s = slabs.tryAdmitted(MIB - 1000, Reach.OVERDRAFT)) {
        beyond.add(s);
      }
      assertThat(beyond).hasSize(4);
      assertThat(source.heldBytes()).as("the reserve is left alone").isEqualTo(8L * MIB);
      within.add(slabs.tryAdmitted(MIB, Reach.LAST_RESORT));
      assertThat(source.heldBytes()).as("the reserve comes first").isEqualTo(8L * MIB);
      for (Slab s = slabs.tryAdmitted(MIB - 1000, Reach.LAST_RESORT);
          s != null;
          s = slabs.tryAdmitted(MIB - 1000, Reach.LAST_RESORT)) {
        beyond.add(s);
      }
      assertThat(beyond).hasSize(8);
      slabs.verify();
      beyond.forEach(slabs::free);
      assertThat(source.heldBytes()).isEqualTo(4L * MIB);
      within.forEach(slabs::free);
      slabs.verify();
    }
    assertThat(source.heldBytes()).isZero();
  }

  @Test
  void anEmptySourceRefusesAnOverdraft() {
    try (var slabs = new SlabAllocator(FailingMemorySource.from(2), 2 * MIB, MIB, true)) {
      assertThat(slabs.tryAdmitted(MIB, Reach.OVERDRAFT)).isNull();
      slabs.verify();
    }
  }

  @Test
  void everySourceFailureIsOutOfMemoryAndTheNextTrySucceeds() {
    for (int n = 1; n <= 4; n++) {
      FailingMemorySource source = FailingMemorySource.at(n);
      try {
        SlabAllocator slabs = new SlabAllocator(source, 64 * MIB, MIB, true);
        for (int i = 0; i < 3; i++) {
          try {
            slabs.allocate(16 * MIB);
          } catch (PoolException e) {
            assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
            slabs.allocate(16 * MIB);
          }
          slabs.verify();
        }
        slabs.close();
      } catch (PoolException e) {
        assertThat(n).as("the reserve").isEqualTo(1);
        assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
      }
      assertThat(source.requests()).isGreaterThanOrEqualTo(n);
      assertThat(source.heldBytes()).isZero();
    }
  }

  @Test
  void everyAllocationThatTheGateRefusesIsOutOfMemoryWithNothingCharged() {
    for (int n = 1; n <= 3; n++) {
      FailingGate gate = new FailingGate(n);
      var source = FailingMemorySource.never();
      try (SlabAllocator slabs = new SlabAllocator(source, 16 * MIB, 0, true, gate)) {
        for (int i = 1; i < n; i++) {
          slabs.allocate(4096);
        }
        refused(() -> slabs.allocate(4096), Errno.ENOMEM);
        assertThat(gate.reached()).isTrue();
        assertThat(slabs.usedBytes()).isEqualTo((n - 1) * 4096L);
        slabs.allocate(4096);
      }
    }
  }

  @Test
  void everyDoubleFreeAndForeignSlabIsCaught() {
    try (SlabAllocator one = allocator(16 * MIB, 0);
        SlabAllocator two = allocator(16 * MIB, 0)) {
      Slab slab = one.allocate(600);
      assertThatThrownBy(() -> two.free(slab)).isInstanceOf(AssertionError.class);
      one.free(slab);
      assertThatThrownBy(() -> one.free(slab)).isInstanceOf(AssertionError.class);
      one.verify();
    }
  }

  @Test
  void aWriteAfterFreeIsCaughtByThePoison() {
    try (SlabAllocator slabs = allocator(16 * MIB, 0)) {
      Slab slab = slabs.allocate(8192);
      slabs.free(slab);
      assertThat(slab.segment().get(ValueLayout.JAVA_BYTE, 5000)).isEqualTo((byte) 0xa5);
      slab.segment().set(ValueLayout.JAVA_BYTE, 5000, (byte) 1);
      assertThatThrownBy(() -> slabs.allocate(8192))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("5000");
    }
  }

  @Test
  void everyBudgetThatCannotHoldItsReserveIsRefused() {
    refused(() -> allocator(MIB, 2 * MIB), Errno.EINVAL);
    refused(() -> allocator(100, 0), Errno.EINVAL);
  }

  @Test
  void aClosedAllocatorRefusesAndForgivesLateFrees() {
    SlabAllocator slabs = allocator(16 * MIB, 0);
    Slab slab = slabs.allocate(4096);
    slabs.close();
    refused(() -> slabs.allocate(1), Errno.EBADF);
    slabs.free(slab);
    assertThat(slabs.usedBytes()).as("left behind").isEqualTo(4096);
  }

  @Test
  void everySlabIsReachableFromOtherThreads() throws Exception {
    try (SlabAllocator slabs = allocator(64L * MIB, 0)) {
      ArrayBlockingQueue<Slab> handedOver = new ArrayBlockingQueue<>(64);
      Thread producer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    Random random = new Random(7);
                    for (int i = 0; i < 20_000; i++) {
                      try {
                        handedOver.put(slabs.allocate(1 + random.nextInt(64 * KIB)));
                      } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                      }
                    }
                  });
      for (int i = 0; i < 20_000; i++) {
        slabs.free(handedOver.take());
      }
      producer.join();
      slabs.verify();
      assertThat(slabs.usedBytes()).isZero();
    }
  }

  @Test
  void everySystemChunkHasTheAlignmentAskedForAndDiesWhenReleased() {
    SystemMemorySource source = new SystemMemorySource();
    MemorySegment huge = Objects.requireNonNull(source.acquire(8L * MIB, 2L * MIB));
    MemorySegment small = Objects.requireNonNull(source.acquire(64L * KIB, 64L * KIB));
    assertThat(huge.address() % (2L * MIB)).isZero();
    assertThat(small.address() % (64L * KIB)).isZero();
    huge.fill((byte) 1);
    small.fill((byte) 2);
    assertThat(huge.get(ValueLayout.JAVA_BYTE, 8L * MIB - 1)).isEqualTo((byte) 1);
    source.release(huge);
    source.release(small);
    assertThatThrownBy(() -> huge.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThat(source.acquire(1L << 60, 2L * MIB)).as("more than there is").isNull();
  }
}
