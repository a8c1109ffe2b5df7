package io.lcpfs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.codec.Compressors;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Hostile compressed blocks. The input's first two bytes choose the algorithm and the target's
 * size, the rest is the block. Runs its stored inputs as a plain test; with JAZZER_FUZZ=1 it
 * searches.
 */
class DecompressorFuzzTest {
  private static final int GUARD_BYTES = 64;
  private static final byte GUARD = 0x5A;

  @FuzzTest(maxDuration = "60s")
  void everyBlockIsCorruptOrFillsTheTargetAndStaysInside(byte[] input) {
    if (input.length < 2) {
      return;
    }
    CompressionType[] types = {CompressionType.LZ4, CompressionType.ZSTD, CompressionType.LZMA};
    CompressionType type = types[(input[0] & 0xFF) % types.length];
    int targetBytes = 1 + (input[1] & 0xFF) * 32;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment source =
          arena.allocate(Math.max(1, input.length - 2)).asSlice(0, input.length - 2);
      MemorySegment.copy(input, 2, source, ValueLayout.JAVA_BYTE, 0, input.length - 2);
      MemorySegment guarded = arena.allocate(targetBytes + 2L * GUARD_BYTES);
      guarded.fill(GUARD);
      try {
        Compressors.of(type).decompress(source, guarded.asSlice(GUARD_BYTES, targetBytes));
      } catch (PoolException refusal) {
        assertThat(refusal.error()).isInstanceOf(PoolError.Corrupt.class);
      }
      for (int i = 0; i < GUARD_BYTES; i++) {
        assertThat(guarded.get(ValueLayout.JAVA_BYTE, i)).isEqualTo(GUARD);
        assertThat(guarded.get(ValueLayout.JAVA_BYTE, GUARD_BYTES + targetBytes + i))
            .isEqualTo(GUARD);
      }
    }
  }
}
