package io.lcpfs.vdev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Dva;
import io.lcpfs.format.Features;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.PoolState;
import io.lcpfs.format.Profile;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class TileMapTest {
  private static final long MIB = 1 << 20;

  private static PoolConfig config(long... capacities) {
    List<PoolConfig.Device> devices = new java.util.ArrayList<>();
    for (int i = 0; i < capacities.length; i++) {
      devices.add(new PoolConfig.Device(50 + i, 0, i, capacities[i], 4096, ""));
    }
    return new PoolConfig(
        9,
        "tank",
        PoolState.ACTIVE,
        1,
        11,
        0,
        5,
        6,
        0,
        Features.KNOWN,
        List.of(new PoolConfig.Group(0, PlacementClass.NORMAL, 4096, MIB, Profile.SINGLE)),
        devices);
  }

  private static LayoutRecord layout(LayoutRecord.Entry... entries) {
    return new LayoutRecord(1, 9, 100, List.of(entries));
  }

  private static LayoutRecord.Entry entry(int id, Profile profile, int... deviceTiles) {
    List<LayoutRecord.Column> columns = new java.util.ArrayList<>();
    for (int i = 0; i < deviceTiles.length; i += 2) {
      columns.add(new LayoutRecord.Column(deviceTiles[i], deviceTiles[i + 1]));
    }
    return new LayoutRecord.Entry(id, 0, profile, PlacementClass.NORMAL, 1, columns);
  }

  private static void corrupt(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class));
  }

  @Test
  void everyBoundMetaslabHasATileOfItsOwnUntilNoneIsLeft() {
    PoolConfig config = config(64 * MIB, 32 * MIB);
    TileMap map = TileMap.of(config, new LayoutRecord(1, 9, 1, List.of()));
    int tiles = map.freeTiles(0) + map.freeTiles(1);
    assertThat(map.freeTiles(0)).isEqualTo(62);
    LayoutRecord first = map.bind(0, PlacementClass.NORMAL, 40, 5);
    assertThat(first.generation()).isEqualTo(2);
    assertThat(first.entries()).hasSize(40);
    TileMap bound = TileMap.of(config, first);
    // The larger device alone until both have as many free tiles, then in turns.
    assertThat(first.entries().subList(0, 20)).allMatch(e -> e.columns().getFirst().device() == 0);
    assertThat(bound.freeTiles(0) - bound.freeTiles(1)).isBetween(-1, 1);
    LayoutRecord all = bound.bind(0, PlacementClass.NORMAL, 10_000, 6);
    assertThat(all.entries()).hasSize(tiles);
    assertThat(all.nextMetaslab()).isEqualTo(tiles + 1);
    TileMap full = TileMap.of(config, all);
    Set<List<Object>> places = new HashSet<>();
    for (LayoutRecord.Entry entry : full.metaslabs()) {
      Column column = full.columns(entry.id()).getFirst();
      Geometry geometry = config.device(column.device()).geometry();
      assertThat(column.offsetBytes()).isGreaterThanOrEqualTo(geometry.dataStart());
      assertThat(column.offsetBytes() + column.bytes()).isLessThanOrEqualTo(geometry.dataEnd());
      assertThat(places.add(List.of(column.device(), column.offsetBytes()))).isTrue();
    }
    assertThatThrownBy(() -> full.bind(0, PlacementClass.NORMAL, 1, 7))
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
  }

  @Test
  void everyAddressIsTranslatedOrCorrupt() {
    TileMap map =
        TileMap.of(
            config(64 * MIB, 64 * MIB),
            layout(
                entry(1, Profile.SINGLE, 0, 3),
                entry(2, Profile.SINGLE, 1, 0),
                entry(7, Profile.SINGLE, 1, 5)));
    long start = new Geometry(64 * MIB, 4096).dataStart();
    assertThat(map.device(Dva.of(7, 0))).isEqualTo(1);
    assertThat(map.deviceOffset(Dva.of(7, 8192), 4096)).isEqualTo(start + 5 * MIB + 8192);
    assertThat(map.deviceOffset(Dva.gang(Dva.of(1, 0)), 4096)).isEqualTo(start + 3 * MIB);
    assertThat(map.sizeBytes(2)).isEqualTo(MIB);
    assertThat(map.sectorBytes(2)).isEqualTo(4096);
    assertThat(map.deviceOffset(Dva.of(2, MIB - 4096), 4096)).isEqualTo(start + MIB - 4096);
    corrupt(() -> map.deviceOffset(Dva.of(2, MIB - 4096), 8192));
    corrupt(() -> map.deviceOffset(Dva.of(2, (1L << 48) - 4096), 4096));
    corrupt(() -> map.device(Dva.of(3, 0)));
    corrupt(() -> map.device(Dva.of(8, 0)));
    corrupt(() -> map.columns(0));
    assertThatThrownBy(() -> map.deviceOffset(Dva.of(2, MIB), 512))
        .hasMessageContaining("2:100000");
  }

  @Test
  void everyLayoutThatDoesNotFitItsPoolIsCorrupt() {
    PoolConfig config = config(64 * MIB, 64 * MIB);
    corrupt(() -> TileMap.of(config, new LayoutRecord(1, 8, 1, List.of())));
    corrupt(() -> TileMap.of(config, layout(entry(1, Profile.SINGLE, 2, 0))));
    corrupt(() -> TileMap.of(config, layout(entry(1, Profile.SINGLE, 0, 62))));
    corrupt(
        () ->
            TileMap.of(
                config, layout(entry(1, Profile.SINGLE, 0, 4), entry(2, Profile.SINGLE, 0, 4))));
    PoolConfig coarse =
        config.withDevices(
            config.groups(), List.of(new PoolConfig.Device(50, 0, 0, 64 * MIB, 8192, "")));
    corrupt(() -> TileMap.of(coarse, layout(entry(1, Profile.SINGLE, 0, 4))));
    Profile mirror = new Profile(Profile.Kind.MIRROR, 2, 0);
    corrupt(() -> TileMap.of(config, layout(entry(1, mirror, 0, 4, 0, 5))));
    corrupt(
        () ->
            TileMap.of(
                config,
                layout(
                    new LayoutRecord.Entry(
                        1,
                        3,
                        Profile.SINGLE,
                        PlacementClass.NORMAL,
                        1,
                        List.of(new LayoutRecord.Column(0, 0))))));
  }

  @Test
  void everyColumnOfAWiderMetaslabIsListed() {
    TileMap map =
        TileMap.of(
            config(64 * MIB, 64 * MIB),
            layout(entry(1, new Profile(Profile.Kind.MIRROR, 2, 0), 0, 4, 1, 9)));
    assertThat(map.columns(1)).extracting(Column::device).containsExactly(0, 1);
    assertThat(map.sizeBytes(1)).isEqualTo(MIB);
    assertThat(map.profile(1).toString()).isEqualTo("mirror-2");
  }

  /** Of three devices with 62, 30 and 14 tiles, in pairs on different ones. */
  @Test
  void mirrorsTakeTheTilesOfTheEmptiestDevicesAsFarAsTheyGo() {
    PoolConfig single = config(64 * MIB, 32 * MIB, 16 * MIB);
    Profile pair = new Profile(Profile.Kind.MIRROR, 2, 0);
    PoolConfig config =
        single.withDevices(
            List.of(new PoolConfig.Group(0, PlacementClass.NORMAL, 4096, MIB, pair)),
            single.devices());
    TileMap map = TileMap.of(config, new LayoutRecord(1, 9, 1, List.of()));
    int others = map.freeTiles(1) + map.freeTiles(2);
    assertThat(map.freeTiles(0)).isGreaterThan(others);
    assertThat(map.unboundMetaslabs(0)).isEqualTo(others);
    assertThat(map.hasMirrors()).isFalse();
    TileMap bound = TileMap.of(config, map.bind(0, PlacementClass.NORMAL, 1000, 5));
    assertThat(bound.metaslabs()).hasSize(others);
    assertThat(bound.unboundMetaslabs(0)).isZero();
    assertThat(bound.freeTiles(1) + bound.freeTiles(2)).isZero();
    assertThat(bound.hasMirrors()).isTrue();
    for (LayoutRecord.Entry entry : bound.metaslabs()) {
      long dva = Dva.of(entry.id(), 8192);
      assertThat(bound.ways(dva)).isEqualTo(2);
      assertThat(bound.device(dva, 0)).isNotEqualTo(bound.device(dva, 1));
      assertThat(bound.columns(entry.id()))
          .extracting(Column::device)
          .containsExactlyInAnyOrder(bound.device(dva, 0), bound.device(dva, 1));
    }
    long half = Dva.of(1, MIB / 2);
    long next = Dva.of(1, MIB / 4);
    assertThat(bound.device(next, 0)).isEqualTo(bound.device(half, 1));
  }
}
