package io.lcpfs.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class GeometryTest {
  private static final long MIB = 1 << 20;

  private static void put(Map<Long, Long> parts, long from, long bytes) {
    assertThat(parts.put(from, from + bytes)).isNull();
  }

  @Test
  void everyPartOfEveryDeviceIsApartFromTheOthersAndOnTheDevice() {
    long[] capacities = {
      16 * MIB, 16 * MIB + 12_345_344, 64 * MIB, 999 * MIB, 1L << 40, (1L << 50) + 512
    };
    for (long capacity : capacities) {
      for (int block = 512; block <= (capacity < 32 * MIB ? 32_768 : 65_536); block *= 2) {
        Geometry.checkDevice("a", capacity, block, true);
        Geometry geometry = new Geometry(capacity, block);
        TreeMap<Long, Long> parts = new TreeMap<>();
        for (int label = 0; label < Geometry.LABELS; label++) {
          put(parts, geometry.labelOffset(label), geometry.labelBytes());
          assertThat(
                  geometry.uberblockOffset(label, geometry.uberblockSlots() - 1)
                      + geometry.unitBytes())
              .isEqualTo(geometry.labelOffset(label) + geometry.labelBytes());
          assertThat(geometry.configOffset(label) + geometry.configBytes())
              .isEqualTo(geometry.uberblockOffset(label, 0));
        }
        for (int slot = 0; slot < 2; slot++) {
          for (int copy = 0; copy < 2; copy++) {
            put(parts, geometry.layoutOffset(slot, copy), geometry.layoutSlotBytes());
          }
        }
        long tile = Geometry.tileBytes(capacity);
        int tiles = geometry.tileCount(tile);
        assertThat(tiles).isBetween(capacity > 32 * MIB ? 40 : 4, Geometry.MAX_TILES);
        put(parts, geometry.tileOffset(0, tile), tile * tiles);
        long end = 0;
        for (var part : parts.entrySet()) {
          assertThat(part.getKey()).isGreaterThanOrEqualTo(end);
          assertThat(part.getKey() % block).isZero();
          end = part.getValue();
        }
        assertThat(end).isLessThanOrEqualTo(capacity).isGreaterThan(capacity - 5 * MIB);
        assertThat(geometry.dataStart() % Geometry.DATA_ALIGNMENT_BYTES).isZero();
        assertThat(geometry.uberblockSlots()).isEqualTo(32);
        assertThat(geometry.layoutSlotBytes() % geometry.unitBytes()).isZero();
      }
    }
  }

  @Test
  void everyTileIsAPowerOfTwoWithinItsLimits() {
    assertThat(Geometry.tileBytes(16 * MIB)).isEqualTo(MIB);
    assertThat(Geometry.tileBytes(64 * MIB)).isEqualTo(MIB);
    assertThat(Geometry.tileBytes(256 * MIB)).isEqualTo(2 * MIB);
    assertThat(Geometry.tileBytes((1L << 40) - 1)).isEqualTo(4L << 30);
    assertThat(Geometry.tileBytes(1L << 50)).isEqualTo(16L << 30);
    assertThat(Geometry.isTileSize(3 * MIB)).isFalse();
  }

  @Test
  void everyUnfitDeviceIsRefusedByName() {
    Geometry.checkDevice("a", 64 * MIB, 512, false);
    Geometry.checkDevice("a", 16 * MIB, 4096, true);
    for (Runnable call :
        new Runnable[] {
          () -> Geometry.checkDevice("sdx", 64 * MIB - 512, 512, false),
          () -> Geometry.checkDevice("sdx", 16 * MIB - 1, 512, true),
          () -> Geometry.checkDevice("sdx", 64 * MIB, 520, false),
          () -> Geometry.checkDevice("sdx", 16 * MIB, 65_536, true)
        }) {
      assertThatThrownBy(call::run)
          .isInstanceOfSatisfying(
              PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL))
          .hasMessageContaining("sdx");
    }
  }
}
