package io.lcpfs.alloc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.SpaceMapRecord;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpaceMapStateTest {
  private static final int SECTOR = 4096;
  private static final long SIZE = 4L << 20;

  private static SpaceMapState replay(long... records) {
    SpaceMapState state = new SpaceMapState(3, SIZE, SECTOR);
    state.replay(segment(records));
    return state;
  }

  private static MemorySegment segment(long... records) {
    ByteBuffer bytes = ByteBuffer.allocate(records.length * 8).order(ByteOrder.LITTLE_ENDIAN);
    for (long record : records) {
      bytes.putLong(record);
    }
    return MemorySegment.ofArray(bytes.array());
  }

  private static long alloc(int sector, int count) {
    return SpaceMapRecord.block(
        SpaceMapRecord.ALLOC, (long) sector * SECTOR, (long) count * SECTOR);
  }

  private static long free(int sector, int count) {
    return SpaceMapRecord.block(SpaceMapRecord.FREE, (long) sector * SECTOR, (long) count * SECTOR);
  }

  private static void corrupt(long... records) {
    assertThatThrownBy(() -> replay(records).finish(10))
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class));
  }

  @Test
  void everyLieOfAStoredMapIsCorrupt() {
    corrupt(0);
    corrupt(SpaceMapRecord.txg(5), SpaceMapRecord.txg(5));
    corrupt(SpaceMapRecord.txg(11));
    corrupt(alloc(0, 4), alloc(3, 1));
    corrupt(alloc(1023, 2));
    corrupt(alloc(1024, 1));
    corrupt(SpaceMapRecord.block(SpaceMapRecord.ALLOC, 512, SECTOR));
    corrupt(SpaceMapRecord.block(SpaceMapRecord.ALLOC, 0, 512));
    corrupt(1L << 62);
    corrupt(free(0, 1));
    corrupt(alloc(0, 4), free(0, 3));
    corrupt(alloc(0, 4), free(1, 3));
    corrupt(alloc(0, 2), alloc(2, 2), free(0, 4));
    corrupt(alloc(0, 2), free(0, 2), free(0, 2));
    corrupt(SpaceMapRecord.bitmap(0, 32));
    corrupt(SpaceMapRecord.bitmap(0, 32), 2);
    corrupt(SpaceMapRecord.bitmap(0, 32), 0b1011);
    corrupt(SpaceMapRecord.bitmap(0, 1), 0b100);
    corrupt(SpaceMapRecord.bitmap(0, 1025));
    corrupt(alloc(0, 1), SpaceMapRecord.bitmap(0, 1), 1);
    corrupt(3L << 62);
    corrupt(SpaceMapRecord.txg(9), alloc(0, 1), free(0, 1), SpaceMapRecord.txg(10), alloc(0, 1));
    corrupt(
        SpaceMapRecord.txg(9),
        alloc(0, 1),
        free(0, 1),
        SpaceMapRecord.txg(10),
        alloc(0, 1),
        free(0, 1));
    corrupt(SpaceMapRecord.txg(10), alloc(0, 2), free(0, 2), alloc(1, 2), free(1, 2));
    assertThatThrownBy(
            () -> new SpaceMapState(1, SIZE, SECTOR).replay(MemorySegment.ofArray(new byte[12])))
        .isInstanceOf(PoolException.class);
  }

  @Test
  void everyTrueMapIsTaken() {
    SpaceMapState state =
        replay(
            alloc(5, 3),
            SpaceMapRecord.txg(3),
            alloc(8, 1),
            free(5, 3),
            SpaceMapRecord.txg(6),
            alloc(6, 1),
            SpaceMapRecord.bitmap(32L * SECTOR, 40),
            0b11_11_10_10_01_01,
            0b01);
    state.finish(10);
    assertThat(state.blockCount()).isEqualTo(5);
    assertThat(state.allocatedBytes()).isEqualTo(9L * SECTOR);
    assertThat(state.lastTxg()).isEqualTo(6);
    assertThat(state.recentFrees()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 20, 300})
  void everyCondensedMapSaysTheSameWithTheSameBoundaries(int longest) {
    SplittableRandom random = new SplittableRandom(longest);
    int sectors = 3 * SpaceMapState.REGION_SECTORS + 777;
    SpaceMapState state = new SpaceMapState(3, (long) sectors * SECTOR, SECTOR);
    state.apply(SpaceMapRecord.txg(4));
    for (int at = 0; at < sectors; ) {
      int count = Math.min(sectors - at, 1 + random.nextInt(longest));
      if (random.nextInt(5) > 0) {
        state.apply(alloc(at, count));
        if (random.nextInt(10) == 0) {
          state.apply(free(at, count));
        }
      }
      at += count;
    }
    state.finish(5);
    MemorySegment condensed = MemorySegment.ofArray(new byte[(int) state.condensedBytes(5)]);
    assertThat(state.encodeCondensed(5, condensed)).isEqualTo(condensed.byteSize());
    assertThat(condensed.byteSize())
        .isLessThanOrEqualTo(8 * (3 + state.blockCount() + 2L * frees(state)));
    SpaceMapState again = new SpaceMapState(3, (long) sectors * SECTOR, SECTOR);
    again.replay(condensed);
    again.finish(5);
    assertThat(again.blockCount()).isEqualTo(state.blockCount());
    for (int i = 0; i < sectors; i++) {
      assertThat(again.cell(i)).isEqualTo(state.cell(i));
    }
    assertThat(frees(again)).isEqualTo(frees(state)).isPositive();
    assertThat(again.recentFrees().keySet()).containsExactly(4L);
    MemorySegment twice = MemorySegment.ofArray(new byte[(int) again.condensedBytes(5)]);
    again.encodeCondensed(5, twice);
    assertThat(twice.mismatch(condensed)).isEqualTo(-1);
    again.finish(6);
    assertThat(again.recentFrees()).isEmpty();
  }

  private static int frees(SpaceMapState state) {
    return state.recentFrees().values().stream().mapToInt(LongList::size).sum();
  }

  @Test
  void everyFurtherRecordAddsAtMostEightBytesToACondensedMap() {
    SplittableRandom random = new SplittableRandom(8);
    int sectors = 2 * SpaceMapState.REGION_SECTORS;
    SpaceMapState state = new SpaceMapState(3, (long) sectors * SECTOR, SECTOR);
    state.apply(SpaceMapRecord.txg(4));
    long before = state.condensedBytes(4);
    for (int i = 0; i < 1200; i++) {
      int sector = random.nextInt(sectors / 4) * 4;
      if (state.cell(sector) == SpaceMapRecord.CELL_NONE) {
        state.apply(alloc(sector, 1 + sector / 4 % 4));
      } else if (state.cell(sector) == SpaceMapRecord.CELL_START && i > 1000) {
        state.apply(free(sector, 1 + sector / 4 % 4));
      }
      long after = state.condensedBytes(4);
      assertThat(after).isLessThanOrEqualTo(before + 8);
      before = after;
    }
  }

  @Test
  void everyMutatedMapIsAValueOrCorrupt() {
    SplittableRandom random = new SplittableRandom(1);
    long[] good = {
      SpaceMapRecord.txg(3),
      alloc(0, 8),
      alloc(8, 1),
      free(0, 8),
      SpaceMapRecord.bitmap(64L * SECTOR, 64),
      0x5555_5555_5555_5555L,
      0x9999_9999_9999_9999L,
      SpaceMapRecord.txg(4),
      alloc(500, 300),
      free(8, 1)
    };
    int taken = 0;
    for (int i = 0; i < 200_000; i++) {
      long[] bad = good.clone();
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        bad[random.nextInt(bad.length)] ^= 1L << random.nextInt(64);
      }
      try {
        SpaceMapState state = replay(Arrays.copyOf(bad, 1 + random.nextInt(bad.length)));
        state.finish(4);
        state.condensedBytes(4);
        taken++;
      } catch (PoolException e) {
        assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
      }
    }
    assertThat(taken).isPositive();
    assertThatCode(() -> replay(good).finish(4)).doesNotThrowAnyException();
    byte[] noise = new byte[800];
    for (int i = 0; i < 20_000; i++) {
      random.nextBytes(noise);
      MemorySegment segment = MemorySegment.ofArray(noise);
      segment.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, SpaceMapRecord.txg(1));
      try {
        new SpaceMapState(3, SIZE, SECTOR).replay(segment);
      } catch (PoolException e) {
        assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
      }
    }
  }
}
