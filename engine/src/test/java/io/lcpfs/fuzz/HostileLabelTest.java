package io.lcpfs.fuzz;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.Dva;
import io.lcpfs.format.Hash256;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.LayoutRecord.Column;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.Profile;
import io.lcpfs.format.Uberblock;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Labels, layouts and uberblocks that verify and lie. */
class HostileLabelTest {

  private static Uberblock with(Uberblock u, long txg, BlockPointer root) {
    return new Uberblock(
        txg,
        u.timestampNanos(),
        u.poolGuid(),
        u.forkId(),
        root,
        u.layoutGeneration(),
        u.layoutChecksum(),
        u.configGeneration(),
        u.configChecksum(),
        u.checkpoint());
  }

  private static PoolConfig.Device only(PoolConfig config) {
    return config.devices().getFirst();
  }

  private static PoolConfig with(
      PoolConfig config,
      UnaryOperator<PoolConfig.Group> group,
      UnaryOperator<PoolConfig.Device> device) {
    return config.withDevices(
        List.of(group.apply(config.groups().getFirst())), List.of(device.apply(only(config))));
  }

  private static LayoutRecord with(LayoutRecord layout, UnaryOperator<LayoutRecord.Entry> last) {
    List<LayoutRecord.Entry> entries = new ArrayList<>(layout.entries());
    entries.set(entries.size() - 1, last.apply(entries.getLast()));
    return new LayoutRecord(
        layout.generation(),
        layout.poolGuid(),
        Math.max(layout.nextMetaslab(), entries.getLast().id() + 1),
        entries);
  }

  // ---- uberblock

  @Test
  void aRootThatPointsAtDataIsRefused() {
    Lie.refused(
        forge -> {
          BlockPointer data = forge.file("/one").root().pointer();
          forge.editUberblock(u -> with(u, u.txg(), data));
        });
  }

  @Test
  void aRootThatPointsAtADatasetIsRefused() {
    Lie.refused(
        forge -> {
          BlockPointer dataset = forge.files("").root().pointer();
          forge.editUberblock(u -> with(u, u.txg(), dataset));
        });
  }

  @Test
  void aRootThatPointsAtDnodesIsRefused() {
    Lie.refused(
        forge -> {
          BlockPointer dnodes = forge.meta().dnodes().block(0, 0).pointer();
          forge.editUberblock(u -> with(u, u.txg(), dnodes));
        });
  }

  @Test
  void aRootThatIsAHoleIsRefused() {
    Lie.refused(forge -> forge.editUberblock(u -> with(u, u.txg(), BlockPointer.HOLE)));
  }

  @Test
  void aRootOutsideOfEveryMetaslabIsRefused() {
    Lie.refused(
        forge ->
            forge.editUberblock(
                u ->
                    with(
                        u,
                        u.txg(),
                        BlockPointer.stored(
                            new long[] {Dva.of(77, 0), 0, 0},
                            2048,
                            2048,
                            CompressionType.OFF,
                            ChecksumType.OFF,
                            ObjectType.OBJECT_SET,
                            0,
                            1,
                            1,
                            new long[4]))));
  }

  @Test
  void aRootBeyondTheEndOfItsMetaslabIsRefused() {
    Lie.refused(
        forge ->
            forge.editUberblock(
                u ->
                    with(
                        u,
                        u.txg(),
                        BlockPointer.stored(
                            new long[] {Dva.of(1, (1L << 49) - 4096), 0, 0},
                            2048,
                            2048,
                            CompressionType.OFF,
                            ChecksumType.OFF,
                            ObjectType.OBJECT_SET,
                            0,
                            1,
                            1,
                            new long[4]))));
  }

  @Test
  void anEmbeddedRootIsRefusedOrRead() {
    Lie.refused(
        forge ->
            forge.editUberblock(
                u ->
                    with(
                        u,
                        u.txg(),
                        BlockPointer.embedded(
                            new byte[90],
                            2048,
                            CompressionType.ZSTD,
                            ObjectType.OBJECT_SET,
                            0,
                            1,
                            1))));
  }

  @Test
  void txgsNearTheEndOfTheirRangeAreRefused() {
    for (long txg : new long[] {Long.MAX_VALUE, Long.MAX_VALUE - 1, 1L << 62}) {
      Lie.refused(forge -> forge.editUberblock(u -> with(u, txg, u.root())));
    }
  }

  @Test
  void everyByteOfAnUberblockMayBeWrong() {
    for (int at = 0; at < Uberblock.BYTES; at += 13) {
      int offset = at;
      PoolForge forge = PoolForge.fresh();
      forge.editUberblockBytes(u -> Disk.putU8(u, offset, Disk.u8(u, offset) ^ 0x81));
      HostileRun.read(forge.bytes(), Lie.env());
    }
  }

  // ---- layout

  @Test
  void overlappingTilesAreRefused() {
    Lie.refused(
        forge ->
            forge.editLayout(
                layout ->
                    with(
                        layout,
                        entry ->
                            new LayoutRecord.Entry(
                                entry.id(),
                                0,
                                entry.profile(),
                                entry.placement(),
                                entry.birthTxg(),
                                layout.entries().getFirst().columns()))));
  }

  @Test
  void tilesBeyondTheDeviceAreRefused() {
    Lie.refused(
        forge ->
            forge.editLayout(
                layout ->
                    with(
                        layout,
                        entry ->
                            new LayoutRecord.Entry(
                                entry.id(),
                                0,
                                entry.profile(),
                                entry.placement(),
                                entry.birthTxg(),
                                List.of(new Column(0, 65_535))))));
  }

  @Test
  void columnsOnDevicesThatDoNotExistAreRefused() {
    Lie.refused(
        forge ->
            forge.editLayout(
                layout ->
                    with(
                        layout,
                        entry ->
                            new LayoutRecord.Entry(
                                entry.id(),
                                0,
                                entry.profile(),
                                entry.placement(),
                                entry.birthTxg(),
                                List.of(new Column(9, 0))))));
  }

  @Test
  void groupsThatDoNotExistAreRefused() {
    Lie.refused(
        forge ->
            forge.editLayout(
                layout ->
                    with(
                        layout,
                        entry ->
                            new LayoutRecord.Entry(
                                entry.id(),
                                3,
                                entry.profile(),
                                entry.placement(),
                                entry.birthTxg(),
                                entry.columns()))));
  }

  @Test
  void profilesThatThisVersionDoesNotHaveAreRefused() {
    Lie.refused(
        forge ->
            forge.editLayout(
                layout ->
                    with(
                        layout,
                        entry ->
                            new LayoutRecord.Entry(
                                entry.id(),
                                0,
                                new Profile(Profile.Kind.MIRROR, 2, 0),
                                entry.placement(),
                                entry.birthTxg(),
                                List.of(new Column(0, 12), new Column(0, 13))))));
    Lie.refused(
        forge ->
            forge.editConfig(
                config ->
                    with(
                        config,
                        group ->
                            new PoolConfig.Group(
                                0,
                                group.placement(),
                                group.sectorBytes(),
                                group.tileBytes(),
                                new Profile(Profile.Kind.RAIDZ, 3, 1)),
                        device -> device)));
  }

  @Test
  void aMetaslabWithTheHighestIdTakesNoMemoryForTheIdsBelow() {
    Lie.told(
        forge ->
            forge.editLayout(
                layout ->
                    with(
                        layout,
                        entry ->
                            new LayoutRecord.Entry(
                                Dva.MAX_METASLAB,
                                0,
                                entry.profile(),
                                entry.placement(),
                                entry.birthTxg(),
                                entry.columns()))));
  }

  @Test
  void aLayoutWithoutMetaslabsIsRefused() {
    Lie.refused(
        forge ->
            forge.editLayout(
                layout -> new LayoutRecord(layout.generation(), layout.poolGuid(), 1, List.of())));
  }

  @Test
  void aLayoutOfAnotherPoolIsRefused() {
    Lie.refused(
        forge ->
            forge.editLayout(
                layout ->
                    new LayoutRecord(
                        layout.generation(), 5, layout.nextMetaslab(), layout.entries())));
  }

  @Test
  void generationsNearTheEndOfTheirRangeAreRefused() {
    Lie.refused(
        forge ->
            forge.editLayout(
                layout ->
                    new LayoutRecord(
                        Long.MAX_VALUE,
                        layout.poolGuid(),
                        layout.nextMetaslab(),
                        layout.entries())));
    Lie.refused(
        forge ->
            forge.editConfigBytes(
                c -> Disk.putU64(c, 16, Long.MAX_VALUE), forge.config().encodedBytes()));
    Lie.refused(
        forge -> forge.editConfigBytes(c -> Disk.putU64(c, 16, -3), forge.config().encodedBytes()));
  }

  @Test
  void metaslabsThatHaveRunOutOfIdsAreNoTrouble() {
    Lie.survived(
        forge ->
            forge.editLayout(
                layout ->
                    new LayoutRecord(
                        layout.generation(),
                        layout.poolGuid(),
                        Dva.MAX_METASLAB + 1,
                        layout.entries())));
  }

  @Test
  void everyWordOfALayoutMayBeWrong() {
    PoolForge sound = PoolForge.fresh();
    int length = (int) sound.layout().encodedBytes();
    int[] values = {0, 1, 0x7fff, 0xffff};
    for (int at = 12; at < 64 + 3 * 28; at += 2) {
      for (int i = 0; i < 2; i++) {
        int offset = at;
        int value = values[(at / 2 + i) % values.length];
        PoolForge forge = PoolForge.fresh();
        forge.editLayoutBytes(l -> Disk.putU16(l, offset, value), length);
        HostileRun.read(forge.bytes(), Lie.env());
      }
    }
  }

  // ---- configuration

  @Test
  void deviceIndexesWithGapsAreRefused() {
    Lie.refused(
        forge -> {
          forge.editConfig(
              config ->
                  with(
                      config,
                      group -> group,
                      device ->
                          new PoolConfig.Device(
                              device.guid(), 0, 7, device.capacityBytes(), 512, "")));
          forge.editLayout(
              layout ->
                  new LayoutRecord(
                      layout.generation(),
                      layout.poolGuid(),
                      layout.nextMetaslab(),
                      layout.entries().stream()
                          .map(
                              e ->
                                  new LayoutRecord.Entry(
                                      e.id(),
                                      0,
                                      e.profile(),
                                      e.placement(),
                                      e.birthTxg(),
                                      List.of(new Column(7, e.columns().getFirst().tile()))))
                          .toList()));
        });
  }

  @Test
  void devicesLargerThanTheyAreAreRefused() {
    for (long capacity : new long[] {32 << 20, 1L << 50, Long.MAX_VALUE}) {
      Lie.refused(
          forge ->
              forge.editConfig(
                  config ->
                      with(
                          config,
                          group -> group,
                          device ->
                              new PoolConfig.Device(device.guid(), 0, 0, capacity, 512, ""))));
    }
  }

  @Test
  void devicesWithOtherBlocksThanTheyHaveAreRefused() {
    for (int block : new int[] {4096, 65_536}) {
      Lie.refused(
          forge ->
              forge.editConfig(
                  config ->
                      with(
                          config,
                          group -> group,
                          device ->
                              new PoolConfig.Device(
                                  device.guid(), 0, 0, device.capacityBytes(), block, ""))));
    }
  }

  @Test
  void tilesLargerThanTheDeviceAreRefused() {
    Lie.refused(
        forge ->
            forge.editConfig(
                config ->
                    with(
                        config,
                        group ->
                            new PoolConfig.Group(
                                0, group.placement(), 512, 16L << 30, group.profile()),
                        device -> device)));
  }

  @Test
  void sectorsOfAnotherSizeAreTold() {
    for (int sector : new int[] {512, 65_536}) {
      Lie.told(
          forge ->
              forge.editConfig(
                  config ->
                      with(
                          config,
                          group ->
                              new PoolConfig.Group(
                                  0, group.placement(), sector, group.tileBytes(), group.profile()),
                          device -> device)));
    }
  }

  @Test
  void aConfigurationWithoutGroupsOrDevicesIsRefused() {
    Lie.refused(forge -> forge.editConfig(config -> config.withDevices(List.of(), List.of())));
    Lie.refused(
        forge -> forge.editConfig(config -> config.withDevices(config.groups(), List.of())));
  }

  @Test
  void severalGroupsAreRefused() {
    Lie.refused(
        forge ->
            forge.editConfig(
                config ->
                    config.withDevices(
                        List.of(
                            config.groups().getFirst(),
                            new PoolConfig.Group(
                                1, PlacementClass.LOG, 512, 1 << 20, Profile.SINGLE)),
                        config.devices())));
  }

  @Test
  void featuresThatAreNotKnownAreRefused() {
    Lie.refused(
        forge ->
            forge.editConfig(
                config ->
                    config.withFeatures(
                        List.of(new PoolConfig.Feature("org.example:future", true)))));
  }

  @Test
  void poolNamesThatNoPoolMayHaveAreNoTrouble() {
    for (String name : List.of(" ", ".", "..", "a\nb", "@", "-x", "\u202e", "x".repeat(255))) {
      Lie.survived(forge -> forge.editConfig(config -> config.withName(name)));
    }
  }

  @Test
  void everyWordOfAConfigurationMayBeWrong() {
    int length = PoolForge.fresh().config().encodedBytes();
    int[] values = {0, 1, 0xffff};
    for (int at = 8; at + 2 <= length; at += 6) {
      int offset = at;
      int value = values[at / 6 % values.length];
      PoolForge forge = PoolForge.fresh();
      forge.editConfigBytes(c -> Disk.putU16(c, offset, value), length);
      HostileRun.read(forge.bytes(), Lie.env());
    }
  }

  @Test
  void layoutsWhoseChecksumIsThatOfAnotherAreRefused() {
    Lie.refused(
        forge ->
            forge.editUberblock(
                u ->
                    new Uberblock(
                        u.txg(),
                        u.timestampNanos(),
                        u.poolGuid(),
                        u.forkId(),
                        u.root(),
                        u.layoutGeneration(),
                        Hash256.ZERO,
                        u.configGeneration(),
                        u.configChecksum(),
                        u.checkpoint())));
  }
}
