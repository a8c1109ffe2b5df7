package io.lcpfs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.SpaceMapHead;
import io.lcpfs.format.TailRecord;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Hostile object sets, tails, datasets and heads of space maps: an input is the structure's bytes.
 */
class RecordFuzzTest {

  private static void valueOrCorrupt(Runnable decode) {
    try {
      decode.run();
    } catch (PoolException e) {
      assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
    }
  }

  @FuzzTest(maxDuration = "1m")
  void everyObjectSetIsAValueOrCorrupt(byte[] input) {
    MemorySegment at = MemorySegment.ofArray(Arrays.copyOf(input, ObjectSetRecord.BYTES));
    Disk.putU64(at, 0, ObjectSetRecord.MAGIC);
    valueOrCorrupt(
        () -> {
          ObjectSetRecord set = ObjectSetRecord.decode(at);
          MemorySegment again = MemorySegment.ofArray(new byte[ObjectSetRecord.BYTES]);
          set.encode(again);
          assertThat(ObjectSetRecord.decode(again)).usingRecursiveComparison().isEqualTo(set);
        });
  }

  @FuzzTest(maxDuration = "1m")
  void everyTailIsInsideItsBlockOrCorrupt(byte[] input) {
    int bytes = Math.clamp((input.length + 511) / 512 * 512, 512, TailRecord.MAX_BYTES);
    MemorySegment block = MemorySegment.ofArray(Arrays.copyOf(input, bytes));
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      int one = slot;
      valueOrCorrupt(
          () ->
              assertThat(TailRecord.content(block, one).byteSize())
                  .isEqualTo(TailRecord.lengthBytes(block, one))
                  .isLessThanOrEqualTo(TailRecord.MAX_ENTRY_BYTES));
    }
  }

  @FuzzTest(maxDuration = "1m")
  void everyDatasetIsAValueOrCorrupt(byte[] input) {
    byte[] bonus = input.length > 400 ? input : Arrays.copyOf(input, DatasetRecord.BYTES);
    valueOrCorrupt(
        () -> {
          DatasetRecord dataset = DatasetRecord.decode(bonus);
          assertThat(DatasetRecord.decode(dataset.encode())).isEqualTo(dataset);
        });
  }

  @FuzzTest(maxDuration = "1m")
  void everyHeadOfASpaceMapIsAValueOrCorrupt(byte[] input) {
    byte[] bonus = input.length > 64 ? input : Arrays.copyOf(input, SpaceMapHead.BYTES);
    valueOrCorrupt(
        () -> {
          SpaceMapHead head = SpaceMapHead.decode(bonus);
          assertThat(SpaceMapHead.decode(head.encode())).isEqualTo(head);
        });
  }

  @FuzzTest(maxDuration = "1m")
  void everyGeometryKeepsItsPartsApart(byte[] input) {
    MemorySegment at = MemorySegment.ofArray(Arrays.copyOf(input, 16));
    long capacity = Math.max(Geometry.MIN_SMALL_DEVICE_BYTES, Disk.u64(at, 0) & Long.MAX_VALUE);
    Geometry geometry = new Geometry(capacity, 512 << (Disk.u8(at, 8) % 8));
    assertThat(geometry.labelOffset(1)).isEqualTo(geometry.labelBytes());
    assertThat(geometry.layoutOffset(0, 0)).isEqualTo(2L * geometry.labelBytes());
    assertThat(geometry.dataStart())
        .isGreaterThanOrEqualTo(geometry.layoutOffset(1, 0) + geometry.layoutSlotBytes());
    assertThat(geometry.dataEnd()).isGreaterThan(geometry.dataStart());
    assertThat(geometry.layoutOffset(1, 1) + geometry.layoutSlotBytes())
        .isEqualTo(geometry.labelOffset(2));
    assertThat(geometry.labelOffset(3) + geometry.labelBytes()).isEqualTo(geometry.usableBytes());
    assertThat(geometry.usableBytes()).isLessThanOrEqualTo(capacity);
    long tile = Geometry.tileBytes(capacity);
    int tiles = geometry.tileCount(tile);
    assertThat(tiles).isBetween(1, Geometry.MAX_TILES);
    assertThat(geometry.tileOffset(tiles - 1, tile) + tile).isLessThanOrEqualTo(geometry.dataEnd());
  }
}
