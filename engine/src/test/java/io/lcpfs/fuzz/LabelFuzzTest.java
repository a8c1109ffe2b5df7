package io.lcpfs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.format.Hash256;
import io.lcpfs.format.LabelRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.Uberblock;
import io.lcpfs.vdev.TileMap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * Hostile labels. An input is the bytes of a structure, signed here, since no search finds a BLAKE3
 * value: what an attacker could write, not what rot makes of a label.
 */
class LabelFuzzTest {
  private static final long PLACE = 40_960;

  private static MemorySegment signed(byte[] input, StructLayout header, long place) {
    MemorySegment bytes = MemorySegment.ofArray(input.clone());
    long at = Disk.offset(header, "checksum");
    if (bytes.byteSize() >= at + Hash256.BYTES) {
      Hash256.ofRecord(bytes, at, place).put(bytes, at);
    }
    return bytes;
  }

  private static void valueOrCorrupt(Runnable decode) {
    try {
      decode.run();
    } catch (PoolException e) {
      assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
    }
  }

  @FuzzTest(maxDuration = "1m")
  void everyConfigurationIsAValueOrCorrupt(byte[] input) {
    MemorySegment bytes = signed(input, PoolConfig.HEADER, 0);
    valueOrCorrupt(
        () -> {
          PoolConfig config = PoolConfig.decode(bytes);
          // Reserved bytes apart, there is one way to write it.
          assertThat(PoolConfig.decode(MemorySegment.ofArray(config.encode()))).isEqualTo(config);
        });
  }

  @FuzzTest(maxDuration = "1m")
  void everyLabelIsAValueOrCorrupt(byte[] input) {
    byte[] header = java.util.Arrays.copyOf(input, LabelRecord.HEADER_BYTES);
    byte[] config =
        input.length <= LabelRecord.HEADER_BYTES
            ? new byte[0]
            : java.util.Arrays.copyOfRange(input, LabelRecord.HEADER_BYTES, input.length);
    MemorySegment area = MemorySegment.ofArray(new byte[header.length + config.length]);
    area.copyFrom(signed(header, LabelRecord.HEADER, PLACE));
    area.asSlice(header.length).copyFrom(signed(config, PoolConfig.HEADER, 0));
    valueOrCorrupt(() -> assertThat(LabelRecord.decode(area, PLACE).deviceGuid()).isNotZero());
  }

  @FuzzTest(maxDuration = "1m")
  void everyUberblockIsAValueOrCorrupt(byte[] input) {
    MemorySegment slot = signed(input, Uberblock.LAYOUT, PLACE);
    valueOrCorrupt(() -> assertThat(Uberblock.decode(slot, PLACE).txg()).isPositive());
  }

  @FuzzTest(maxDuration = "1m")
  void everyLayoutIsAValueOrCorruptAlsoWithItsPool(byte[] input) {
    MemorySegment bytes = signed(input, LayoutRecord.HEADER, 0);
    valueOrCorrupt(
        () -> {
          LayoutRecord layout = LayoutRecord.decode(bytes);
          assertThat(LayoutRecord.decode(MemorySegment.ofArray(layout.encode()))).isEqualTo(layout);
          TileMap map = TileMap.of(FormatSeeds.pool(), layout);
          layout.entries().forEach(entry -> assertThat(map.columns(entry.id())).isNotEmpty());
        });
  }
}
