package io.lcpfs.alloc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MetaslabTest {
  private static final int SECTOR = 4096;

  private final ProbeEnv env = new ProbeEnv();

  private static void corrupt(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class));
  }

  /** A metaslab with its stored map, synced txg by txg, and the naive model beside it. */
  private final class History {
    final long size;
    final int sector;
    final SplittableRandom random;
    Metaslab metaslab;
    NaiveSpace model;
    NaiveSpace onDisk;
    byte[] stored = new byte[0];
    long txg = 1;
    final List<NaiveSpace.Extent> bornNow = new ArrayList<>();
    int condensed;

    History(long size, int sector, long seed) {
      this.size = size;
      this.sector = sector;
      this.random = new SplittableRandom(seed);
      this.metaslab = new Metaslab(7, size, sector);
      this.model = new NaiveSpace(size, sector);
      this.onDisk = new NaiveSpace(model);
    }

    void step() {
      int choice = random.nextInt(100);
      if (choice < 52) {
        allocate();
      } else if (choice < 90 && !model.blocks.isEmpty()) {
        NaiveSpace.Extent block = model.blocks.get(random.nextInt(model.blocks.size()));
        metaslab.free(block.offset(), block.bytes(), txg);
        model.free(block, txg);
        bornNow.remove(block);
      } else if (choice < 93 && !bornNow.isEmpty()) {
        NaiveSpace.Extent block = bornNow.remove(random.nextInt(bornNow.size()));
        metaslab.cancel(block.offset(), block.bytes(), txg);
        model.cancel(block);
      } else if (choice < 99) {
        sync();
      } else {
        crash();
      }
    }

    private void allocate() {
      int sectors = 1 << random.nextInt(6);
      sectors = Math.max(1, sectors - random.nextInt(sectors));
      long bytes = (long) sectors * sector;
      long offset =
          random.nextInt(8) == 0
              ? metaslab.allocateFrom(random.nextLong(size), bytes, txg)
              : metaslab.allocate(bytes, txg);
      if (offset < 0) {
        assertThat(model.largestFreeSectors()).isLessThan(sectors);
      } else {
        assertThat(metaslab.largestFreeBytes()).isGreaterThanOrEqualTo(0);
        model.allocate(offset, bytes);
        bornNow.add(new NaiveSpace.Extent(offset, bytes));
      }
    }

    void sync() {
      int records = metaslab.pendingRecordCount(txg);
      if (random.nextInt(3) == 0) {
        SpaceMapState state = replayed();
        byte[] target = new byte[(int) metaslab.condensedBytes()];
        long written = metaslab.condense(env, state, txg, MemorySegment.ofArray(target));
        assertThat(written).isEqualTo(state.condensedBytes(txg)).isLessThanOrEqualTo(target.length);
        stored = java.util.Arrays.copyOf(target, (int) written);
        condensed++;
      } else if (records > 0) {
        byte[] more = new byte[records * 8];
        metaslab.encodePending(txg, MemorySegment.ofArray(more));
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        joined.writeBytes(stored);
        joined.writeBytes(more);
        stored = joined.toByteArray();
      }
      metaslab.syncDone(txg, null);
      model.syncDone(txg);
      onDisk = new NaiveSpace(model);
      bornNow.clear();
      txg++;
    }

    private SpaceMapState replayed() {
      SpaceMapState state = new SpaceMapState(7, size, sector);
      MemorySegment all = MemorySegment.ofArray(stored);
      // In pieces, as blocks of an object come.
      for (long at = 0; at < stored.length; at += 4096) {
        state.replay(all.asSlice(at, Math.min(4096, stored.length - at)));
      }
      return state;
    }

    void crash() {
      metaslab = new Metaslab(7, size, sector);
      metaslab.load(env, replayed(), txg - 1);
      model = new NaiveSpace(onDisk);
      bornNow.clear();
      model.assertSame(metaslab);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1,4096,1048576",
    "2,4096,1048576",
    "3,512,262144",
    "4,4096,67108864",
    "5,512,16777216",
    "6,65536,16777216"
  })
  void everyRandomHistoryAgreesWithANaiveBitmap(long seed, int sector, long size) {
    History history = new History(size, sector, seed);
    int steps = size > 20_000_000 ? 4_000 : 12_000;
    for (int i = 0; i < steps; i++) {
      history.step();
      if (i % 500 == 0) {
        history.model.assertSame(history.metaslab);
      }
    }
    history.sync();
    history.crash();
    assertThat(history.condensed).isPositive();
    assertThat(env.probes)
        .containsKeys(CodeProbe.SPACE_MAP_CONDENSED, CodeProbe.FREE_DEFERRED_ON_IMPORT);
  }

  @Test
  void everyFreedSectorWaitsUntilTwoFurtherTxgsAreDurable() {
    Metaslab metaslab = new Metaslab(1, 16 * SECTOR, SECTOR);
    long all = metaslab.allocate(16 * SECTOR, 5);
    metaslab.syncDone(5, null);
    metaslab.free(all, 16 * SECTOR, 6);
    List<Long> released = new ArrayList<>();
    for (long txg = 6; txg < 8; txg++) {
      metaslab.syncDone(txg, (id, offset, bytes) -> released.add(bytes));
      assertThat(metaslab.allocate(SECTOR, txg + 1)).isEqualTo(-1);
      assertThat(metaslab.deferredBytes()).isEqualTo(16 * SECTOR);
    }
    assertThat(released).isEmpty();
    metaslab.syncDone(
        8,
        (id, offset, bytes) -> {
          assertThat(metaslab.allocate(SECTOR, 9)).as("while it is discarded").isEqualTo(-1);
          released.add(bytes);
        });
    assertThat(released).containsExactly(16L * SECTOR);
    assertThat(metaslab.allocate(16 * SECTOR, 9)).isZero();
  }

  @Test
  void everyRunOfAllocationsIsContiguous() {
    Metaslab metaslab = new Metaslab(1, 1 << 30, SECTOR);
    for (int i = 0; i < 1000; i++) {
      assertThat(metaslab.allocate(128 << 10, 1)).isEqualTo((long) i * (128 << 10));
    }
  }

  @Test
  void everyCancelledAllocationIsHandedOutAgain() {
    Metaslab metaslab = new Metaslab(1, 64 * SECTOR, SECTOR);
    assertThat(metaslab.allocate(SECTOR, 1)).isZero();
    long second = metaslab.allocate(2 * SECTOR, 1);
    metaslab.cancel(second, 2 * SECTOR, 1);
    assertThat(metaslab.allocate(3 * SECTOR, 1)).isEqualTo(second);
    assertThat(metaslab.pendingRecordCount(1)).isEqualTo(3);
  }

  @Test
  void everyDoubleOrForeignFreeIsCorrupt() {
    Metaslab metaslab = new Metaslab(1, 64 * SECTOR, SECTOR);
    long block = metaslab.allocate(4 * SECTOR, 1);
    corrupt(() -> metaslab.free(block + 4 * SECTOR, SECTOR, 1));
    corrupt(() -> metaslab.free(block, 5 * SECTOR, 1));
    corrupt(() -> metaslab.free(-SECTOR, SECTOR, 1));
    corrupt(() -> metaslab.free(63 * SECTOR, 2 * SECTOR, 1));
    corrupt(() -> metaslab.free(1, SECTOR, 1));
    corrupt(() -> metaslab.free(0, 0, 1));
    metaslab.free(block, 4 * SECTOR, 1);
    corrupt(() -> metaslab.free(block, 4 * SECTOR, 1));
    corrupt(() -> metaslab.free(block + SECTOR, SECTOR, 2));
    corrupt(() -> metaslab.claim(block, SECTOR, 2));
    assertThat(metaslab.allocatedBytes()).isZero();
  }

  @Test
  void everyClaimTakesExactlyItsRange() {
    Metaslab metaslab = new Metaslab(1, 64 * SECTOR, SECTOR);
    metaslab.claim(10 * SECTOR, 4 * SECTOR, 9);
    corrupt(() -> metaslab.claim(13 * SECTOR, 2 * SECTOR, 9));
    metaslab.claim(0, 10 * SECTOR, 9);
    metaslab.claim(14 * SECTOR, 50 * SECTOR, 9);
    assertThat(metaslab.freeBytes()).isZero();
    assertThat(metaslab.allocate(SECTOR, 9)).isEqualTo(-1);
    assertThat(metaslab.pendingRecordCount(9)).isEqualTo(4);
  }

  @Test
  void everyLongMapOfFewBlocksWantsToBeCondensed() {
    Metaslab metaslab = new Metaslab(1, 1 << 26, SECTOR);
    long length = 0;
    for (long txg = 1; txg < 3000; txg++) {
      long block = metaslab.allocate(SECTOR, txg);
      metaslab.free(block, SECTOR, txg);
      length += metaslab.pendingRecordCount(txg) * 8L;
      metaslab.syncDone(txg, null);
    }
    assertThat(metaslab.wantsCondense(length)).isTrue();
    assertThat(metaslab.wantsCondense(4 << 10)).isFalse();
  }

  @Test
  void everySecondTakesMillionsOfAllocations() {
    long best = 0;
    int failures = 0;
    for (int round = 0; round < 3; round++) {
      Metaslab metaslab = new Metaslab(1, 4L << 30, SECTOR);
      int count = 1 << 20;
      long begin = System.nanoTime();
      for (int i = 0; i < count; i++) {
        failures += metaslab.allocate(SECTOR, 1) < 0 ? 1 : 0;
      }
      long nanos = System.nanoTime() - begin;
      best = Math.max(best, count * 1_000_000_000L / nanos);
      assertThat(metaslab.freeBytes()).isZero();
      begin = System.nanoTime();
      for (int i = 0; i < count; i += 2) {
        metaslab.free((long) i * SECTOR, SECTOR, 1);
      }
      for (long txg = 1; txg <= 3; txg++) {
        metaslab.syncDone(txg, null);
      }
      for (int i = 0; i < count; i += 2) {
        failures += metaslab.allocate(SECTOR, 4) < 0 ? 1 : 0;
      }
      System.out.printf(
          "allocate %,d/s contiguous; free, mature and reuse scattered: %,d/s%n",
          count * 1_000_000_000L / nanos, count / 2 * 1_000_000_000L / (System.nanoTime() - begin));
      assertThat(metaslab.freeBytes()).isZero();
    }
    assertThat(best).isPositive();
    assertThat(failures).isZero();
  }
}
