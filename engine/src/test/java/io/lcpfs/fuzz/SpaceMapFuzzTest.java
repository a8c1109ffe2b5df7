package io.lcpfs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.alloc.SpaceMapState;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;

/**
 * Hostile space maps: an input is the map of a metaslab of 16 MiB; its first byte picks the sector.
 */
class SpaceMapFuzzTest {
  private static final long SIZE = 16 << 20;
  private static final long TXG = 1000;

  @FuzzTest(maxDuration = "1m")
  void everySpaceMapIsCorruptOrSaysTheSameWhenCondensed(byte[] input) {
    int sector = input.length == 0 || (input[0] & 1) == 0 ? 4096 : 512;
    int words = Math.max(0, input.length - 1) / 8;
    MemorySegment records = MemorySegment.ofArray(new byte[words * 8]);
    MemorySegment.copy(
        MemorySegment.ofArray(input), Math.min(1, input.length), records, 0, words * 8L);
    SpaceMapState state = new SpaceMapState(1, SIZE, sector);
    try {
      state.replay(records);
      state.finish(TXG);
    } catch (PoolException e) {
      assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
      return;
    }
    MemorySegment condensed = MemorySegment.ofArray(new byte[(int) state.condensedBytes(TXG)]);
    assertThat(state.encodeCondensed(TXG, condensed)).isEqualTo(condensed.byteSize());
    SpaceMapState again = new SpaceMapState(1, SIZE, sector);
    again.replay(condensed);
    again.finish(TXG);
    assertThat(again.blockCount()).isEqualTo(state.blockCount());
    assertThat(again.allocatedBytes()).isEqualTo(state.allocatedBytes());
  }
}
