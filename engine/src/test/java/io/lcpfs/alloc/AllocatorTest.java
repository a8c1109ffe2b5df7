package io.lcpfs.alloc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Dva;
import io.lcpfs.format.PlacementClass;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

class AllocatorTest {
  private static final int SECTOR = 4096;
  private static final int MIB = 1 << 20;

  /** {@code count} metaslabs of {@code bytes}, taking turns among {@code places}. */
  private static Allocator allocator(int count, long bytes, int places, int lanes) {
    Allocator allocator = new Allocator(SECTOR, lanes);
    for (int i = 0; i < count; i++) {
      allocator.add(new Metaslab(i + 1, bytes, SECTOR), i % places, PlacementClass.NORMAL);
    }
    return allocator;
  }

  @Test
  void everySizeIsRoundedUpToTheSector() {
    Allocator allocator = allocator(1, MIB, 1, 1);
    assertThat(allocator.allocatedSize(1)).isEqualTo(SECTOR);
    assertThat(allocator.allocatedSize(SECTOR)).isEqualTo(SECTOR);
    assertThat(allocator.allocatedSize(SECTOR + 512)).isEqualTo(2 * SECTOR);
    long dva = allocator.allocate(512, 1, Dva.NONE, Dva.NONE);
    assertThat(allocator.allocatedBytes()).isEqualTo(SECTOR);
    assertThat(allocator.freeBytes() + allocator.allocatedBytes())
        .isEqualTo(allocator.capacityBytes());
    allocator.free(dva, 512, 1);
    assertThat(allocator.deferredBytes()).isEqualTo(SECTOR);
    assertThat(allocator.dirtyMetaslabs(1)).extracting(Metaslab::id).containsExactly(1);
    for (long txg = 1; txg <= 3; txg++) {
      allocator.syncDone(txg);
    }
    assertThat(allocator.freeBytes()).isEqualTo(MIB);
    assertThat(allocator.dirtyMetaslabs(1)).isEmpty();
  }

  @Test
  void everyRunOfBlocksOfALaneIsContiguousWithinItsAliquot() {
    Allocator allocator = allocator(8, 64 * MIB, 2, 2);
    long before = allocator.allocate(0, 128 << 10, 1, Dva.NONE, Dva.NONE);
    int breaks = 0;
    Set<Integer> used = new HashSet<>();
    for (int i = 1; i < 256; i++) {
      long next = allocator.allocate(0, 128 << 10, 1, Dva.NONE, Dva.NONE);
      long other = allocator.allocate(1, 128 << 10, 1, Dva.NONE, Dva.NONE);
      breaks +=
          Dva.metaslab(next) == Dva.metaslab(before)
                  && Dva.offsetBytes(next) == Dva.offsetBytes(before) + (128 << 10)
              ? 0
              : 1;
      assertThat(Dva.metaslab(other)).isNotEqualTo(Dva.metaslab(next));
      used.add(Dva.metaslab(next));
      before = next;
    }
    assertThat(breaks).isEqualTo(15);
    assertThat(used).hasSize(2);
  }

  @Test
  void everyCopyOfABlockIsInAnotherMetaslabAndOnAnotherDeviceWhereThereIsOne() {
    for (int places = 1; places <= 4; places++) {
      Allocator allocator = allocator(12, 4 * MIB, places, 1);
      for (int i = 0; i < 500; i++) {
        long first = allocator.allocate(16 << 10, 1, Dva.NONE, Dva.NONE);
        long second = allocator.allocate(16 << 10, 1, first, Dva.NONE);
        long third = allocator.allocate(16 << 10, 1, first, second);
        List<Integer> metaslabs =
            List.of(Dva.metaslab(first), Dva.metaslab(second), Dva.metaslab(third));
        assertThat(new HashSet<>(metaslabs)).hasSize(3);
        int of = places;
        assertThat(metaslabs.stream().map(id -> (id - 1) % of).distinct().count())
            .isEqualTo(Math.min(places, 3));
      }
    }
  }

  @Test
  void everyCopyInTheOnlyMetaslabIsFarOff() {
    Allocator allocator = allocator(1, 60 * MIB, 1, 1);
    for (int i = 0; i < 20; i++) {
      long first = allocator.allocate(16 << 10, 1, Dva.NONE, Dva.NONE);
      long second = allocator.allocate(16 << 10, 1, first, Dva.NONE);
      long third = allocator.allocate(16 << 10, 1, first, second);
      assertThat(Dva.offsetBytes(second) - Dva.offsetBytes(first)).isGreaterThan(10 * MIB);
      assertThat(Dva.offsetBytes(third) - Dva.offsetBytes(second)).isGreaterThan(10 * MIB);
    }
  }

  @Test
  void everyCopyStaysFarOffWhileMetaslabsAreAdded() {
    Allocator allocator = new Allocator(SECTOR, 1);
    for (int id = 1; id <= 60; id++) {
      allocator.add(new Metaslab(id, 4 * MIB, SECTOR), 0, PlacementClass.NORMAL);
      long first = allocator.allocate(SECTOR, 1, Dva.NONE, Dva.NONE);
      long second = allocator.allocate(SECTOR, 1, first, Dva.NONE);
      if (id > 8) {
        assertThat(Dva.metaslab(second) - Dva.metaslab(first)).isGreaterThan(id / 8);
      }
    }
  }

  @Test
  void everyBlockThatDoesNotFitInOnePieceIsToBeGangedUntilNothingIsLeft() {
    Allocator allocator = allocator(2, MIB, 1, 1);
    assertThat(allocator.allocate(MIB / 4 + 1, 1, Dva.NONE, Dva.NONE)).isEqualTo(Dva.NONE);
    List<Long> blocks = new ArrayList<>();
    for (int i = 0; i < 2 * MIB / SECTOR; i++) {
      blocks.add(allocator.allocate(SECTOR, 1, Dva.NONE, Dva.NONE));
    }
    assertThat(blocks).doesNotContain(Dva.NONE).doesNotHaveDuplicates();
    assertThatThrownBy(() -> allocator.allocate(SECTOR, 1, Dva.NONE, Dva.NONE))
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
    for (int i = 0; i < blocks.size(); i += 2) {
      allocator.free(blocks.get(i), SECTOR, 2);
    }
    for (long txg = 1; txg <= 4; txg++) {
      allocator.syncDone(txg);
    }
    assertThat(allocator.allocate(2 * SECTOR, 5, Dva.NONE, Dva.NONE)).isEqualTo(Dva.NONE);
    assertThat(allocator.allocate(SECTOR, 5, Dva.NONE, Dva.NONE)).isNotEqualTo(Dva.NONE);
  }

  @Test
  void everyAddressOfAnUnknownMetaslabIsCorrupt() {
    Allocator allocator = allocator(2, MIB, 1, 1);
    assertThatThrownBy(() -> allocator.free(Dva.of(3, 0), SECTOR, 1))
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO));
    assertThatThrownBy(() -> allocator.free(Dva.of(Dva.MAX_METASLAB, 0), SECTOR, 1))
        .isInstanceOf(PoolException.class);
    assertThatThrownBy(() -> allocator.free(Dva.of(1, MIB), SECTOR, 1))
        .isInstanceOf(PoolException.class);
  }

  @Test
  void everyCallOrderGivesTheSameAddresses() {
    assertThat(history(5)).isEqualTo(history(5)).isNotEqualTo(history(6));
  }

  private static List<Long> history(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Allocator allocator = allocator(9, 2 * MIB, 3, 4);
    List<Long> addresses = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      int bytes = SECTOR * (1 + random.nextInt(8));
      long first = allocator.allocate(random.nextInt(8), bytes, 1 + i / 100, Dva.NONE, Dva.NONE);
      addresses.add(first);
      if (first != Dva.NONE && random.nextInt(3) > 0) {
        allocator.free(first, bytes, 1 + i / 100);
      }
      if (i % 100 == 99) {
        allocator.syncDone(1 + i / 100);
      }
    }
    return addresses;
  }

  @Test
  void everyBlockIsGivenOutOnceToManyThreads() throws Exception {
    Allocator allocator = allocator(16, 4 * MIB, 2, 4);
    ConcurrentLinkedQueue<Long> given = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      int lane = t;
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < 2_000; i++) {
                      long dva = allocator.allocate(lane, 2 * SECTOR, 1, Dva.NONE, Dva.NONE);
                      if (i % 3 == 0) {
                        allocator.cancel(dva, 2 * SECTOR, 1);
                      } else {
                        given.add(dva);
                      }
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(given).hasSize(4 * 1333).doesNotHaveDuplicates().doesNotContain(Dva.NONE);
    assertThat(allocator.allocatedBytes()).isEqualTo(given.size() * 2L * SECTOR);
    SpaceCheck check = new SpaceCheck(List.of(allocator));
    given.forEach(dva -> check.claim(dva, 2 * SECTOR, "block"));
    assertThat(check.finish()).isEmpty();
  }

  @Test
  void everyLeakAndDoubleAllocationIsFoundByTheSpaceCheck() {
    Allocator allocator = allocator(3, MIB, 1, 1);
    long kept = allocator.allocate(3 * SECTOR, 1, Dva.NONE, Dva.NONE);
    long leaked = allocator.allocate(2 * SECTOR, 1, Dva.NONE, Dva.NONE);
    long freed = allocator.allocate(SECTOR, 1, Dva.NONE, Dva.NONE);
    allocator.free(freed, SECTOR, 1);
    SpaceCheck check = new SpaceCheck(List.of(allocator));
    check.claim(kept, 3 * SECTOR, "object 5");
    check.claim(kept + 8, SECTOR, "object 6");
    check.claim(freed, SECTOR, "object 7");
    check.claim(Dva.of(9, 0), SECTOR, "object 8");
    check.claim(Dva.of(3, MIB - SECTOR), 2 * SECTOR, "object 9");
    List<String> findings = check.finish();
    assertThat(findings).hasSize(5);
    assertThat(findings.get(0)).contains("object 6", "shares");
    assertThat(findings.get(1)).contains("object 8", "metaslab 9");
    assertThat(findings.get(2)).contains("object 9", "does not lie");
    assertThat(findings.get(3)).contains(Dva.toString(leaked), "leaked", "8192 bytes");
    assertThat(findings.get(4)).contains(Dva.toString(freed), "not allocated", "4096 bytes");
  }

  @Test
  void everySecondTakesMillionsOfBlocks() {
    Allocator allocator = allocator(128, 64L * MIB, 2, 2);
    int count = 1 << 21;
    int failures = 0;
    long begin = System.nanoTime();
    for (int i = 0; i < count; i++) {
      failures += allocator.allocate(SECTOR, 1, Dva.NONE, Dva.NONE) == Dva.NONE ? 1 : 0;
    }
    System.out.printf(
        "allocator: %,d blocks/s%n", count * 1_000_000_000L / (System.nanoTime() - begin));
    assertThat(failures).isZero();
    assertThat(allocator.freeBytes()).isZero();
  }
}
