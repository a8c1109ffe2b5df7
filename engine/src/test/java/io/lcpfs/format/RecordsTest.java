package io.lcpfs.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordsTest {
  private static final long PLACE = 135_168;

  private static void corrupt(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class));
  }

  private static MemorySegment bytes(int count) {
    return MemorySegment.ofArray(new byte[count]);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 40})
  void everyConfigurationIsReadBack(int devices) {
    PoolConfig config = SampleRecords.config(devices);
    MemorySegment area = bytes(20_000);
    area.asSlice(0, config.encodedBytes()).copyFrom(MemorySegment.ofArray(config.encode()));
    assertThat(PoolConfig.decode(area)).isEqualTo(config);
    assertThat(config.checksum()).isEqualTo(PoolConfig.decode(area).checksum());
    LabelRecord label = new LabelRecord(1000, config);
    label.encode(area, PLACE);
    assertThat(LabelRecord.decode(area, PLACE)).isEqualTo(label);
    corrupt(() -> LabelRecord.decode(area, PLACE + 4096));
    corrupt(() -> LabelRecord.decode(area.asSlice(0, LabelRecord.encodedBytes(config) - 1), PLACE));
  }

  @Test
  void everyChangeOfTheConfigurationIsANewGeneration() {
    PoolConfig config = SampleRecords.config(2);
    assertThat(config.withState(PoolState.ACTIVE).generation()).isEqualTo(4);
    PoolConfig fork = config.withFork(91, 92, 93);
    assertThat(fork.parentForkId()).isEqualTo(config.forkId());
    assertThat(fork.state()).isEqualTo(PoolState.ACTIVE);
    assertThat(config.withName("other").checksum()).isNotEqualTo(config.checksum());
    assertThat(config.withDevices(config.groups(), config.devices().subList(0, 1)).devices())
        .hasSize(1);
    corrupt(() -> config.device(1));
    corrupt(() -> config.group(1));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 500})
  void everyLayoutIsReadBack(int metaslabs) {
    LayoutRecord layout = SampleRecords.layout(metaslabs);
    MemorySegment area = bytes(32_768);
    area.asSlice(0, layout.encodedBytes()).copyFrom(MemorySegment.ofArray(layout.encode()));
    assertThat(LayoutRecord.decode(area)).isEqualTo(layout);
    assertThat(LayoutRecord.totalBytes(area, 32_768)).isEqualTo(layout.encodedBytes());
    corrupt(() -> LayoutRecord.totalBytes(area, (int) layout.encodedBytes() - 1));
    corrupt(() -> LayoutRecord.decode(area.asSlice(0, layout.encodedBytes() - 1)));
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void everyUberblockIsReadBackInItsOwnPlaceOnly(int slotBytes) {
    Uberblock uberblock = SampleRecords.uberblock();
    MemorySegment slot = bytes(slotBytes);
    uberblock.encode(slot, PLACE);
    assertThat(Uberblock.decode(slot, PLACE)).isEqualTo(uberblock);
    corrupt(() -> Uberblock.decode(slot, PLACE + slotBytes));
    slot.set(Disk.U8, slotBytes - 40, (byte) 1);
    corrupt(() -> Uberblock.decode(slot, PLACE));
    corrupt(() -> Uberblock.decode(bytes(slotBytes), PLACE));
    corrupt(() -> Uberblock.decode(bytes(4), PLACE));
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void everyGangHeaderIsReadBackForItsOwnBlockOnly(int sectorBytes) {
    GangHeader gang = SampleRecords.gang(GangHeader.maxChildren(sectorBytes));
    MemorySegment sector = bytes(sectorBytes);
    gang.encode(sector);
    assertThat(GangHeader.decode(sector, gang.dva(), gang.birthTxg())).isEqualTo(gang);
    corrupt(() -> GangHeader.decode(sector, gang.dva() + 1, gang.birthTxg()));
    corrupt(() -> GangHeader.decode(sector, gang.dva(), gang.birthTxg() + 1));
    corrupt(() -> GangHeader.decode(sector.asSlice(0, 256), gang.dva(), gang.birthTxg()));
    assertThat(GangHeader.maxChildren(512)).isEqualTo(3);
    assertThat(GangHeader.maxChildren(4096)).isEqualTo(31);
  }

  @Test
  void everyBlockPointerIsReadBack() {
    MemorySegment at = bytes(256);
    for (int copies = 1; copies <= 3; copies++) {
      BlockPointer pointer = SampleRecords.pointer(copies);
      pointer.encode(at, 64);
      assertThat(BlockPointer.decode(at, 64)).isEqualTo(pointer);
      assertThat(pointer.copies()).isEqualTo(copies);
    }
    for (int length : new int[] {1, 23, 24, 25, 95, 96}) {
      BlockPointer pointer = SampleRecords.embedded(length);
      pointer.encode(at, 64);
      assertThat(BlockPointer.decode(at, 64)).isEqualTo(pointer);
      assertThat(BlockPointer.decode(at, 64).embeddedPayload()).hasSize(length);
    }
    BlockPointer.HOLE.encode(at, 64);
    assertThat(BlockPointer.decode(at, 64).isHole()).isTrue();
  }

  @Test
  void everySignOfLifeIsReadBackInItsOwnPlaceOnly() {
    ActivityRecord sign = new ActivityRecord(1, 2, 3, 4, 5, 6, 7);
    MemorySegment unit = bytes(4096);
    sign.encode(unit, PLACE);
    assertThat(ActivityRecord.decode(unit, PLACE)).isEqualTo(sign);
    corrupt(() -> ActivityRecord.decode(unit, 0));
    corrupt(() -> ActivityRecord.decode(bytes(4096), 0));
    corrupt(() -> ActivityRecord.decode(bytes(100), 0));
  }

  @Test
  void everyHistoryRecordIsReadBackAndHostileOnesAreCorrupt() {
    HistoryRecord record = new HistoryRecord(7, 9, "root@alpha", "pool create \u00e4");
    byte[] bytes = record.encode();
    byte[] log = new byte[bytes.length + 5];
    System.arraycopy(bytes, 0, log, 5, bytes.length);
    assertThat(HistoryRecord.decode(log, 5)).isEqualTo(record);
    assertThat(HistoryRecord.totalBytes(log, 5)).isEqualTo(bytes.length);
    String longText = "x".repeat(9000);
    assertThat(HistoryRecord.decode(new HistoryRecord(1, 1, longText, longText).encode(), 0).who())
        .hasSize(HistoryRecord.MAX_TEXT_BYTES);
    corrupt(() -> HistoryRecord.decode(log, 6));
    corrupt(() -> HistoryRecord.decode(log, log.length));
    corrupt(() -> HistoryRecord.totalBytes(new byte[24], 0));
    bytes[4] = (byte) 0xFF;
    bytes[5] = (byte) 0xFF;
    corrupt(() -> HistoryRecord.decode(bytes, 0));
  }

  @Test
  void everySpaceMapRecordKeepsItsFields() {
    long block = SpaceMapRecord.block(SpaceMapRecord.FREE, 1L << 48, 16 << 20);
    assertThat(SpaceMapRecord.type(block)).isEqualTo(SpaceMapRecord.FREE);
    assertThat(SpaceMapRecord.offsetBytes(block)).isEqualTo(1L << 48);
    assertThat(SpaceMapRecord.lengthBytes(block)).isEqualTo(16 << 20);
    long bitmap = SpaceMapRecord.bitmap(4096, 8192);
    assertThat(SpaceMapRecord.type(bitmap)).isEqualTo(SpaceMapRecord.BITMAP);
    assertThat(SpaceMapRecord.length(bitmap)).isEqualTo(8192);
    assertThat(SpaceMapRecord.txgOf(SpaceMapRecord.txg(1L << 60))).isEqualTo(1L << 60);
    corrupt(() -> SpaceMapRecord.txgOf(0));
  }

  @Test
  void everyUnknownFeatureIsRefusedByName() {
    Features.check(Features.KNOWN, false);
    List<PoolConfig.Feature> reading = List.of(new PoolConfig.Feature("org.new:nice", false));
    Features.check(reading, true);
    assertThatThrownBy(() -> Features.check(reading, false))
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EROFS))
        .hasMessageContaining("org.new:nice");
    assertThatThrownBy(
            () -> Features.check(List.of(new PoolConfig.Feature("org.new:odd", true)), true))
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EOPNOTSUPP))
        .hasMessageContaining("org.new:odd");
  }

  /** Flips bits, signs the result again where a checksum stands, and decodes. */
  private static int mutate(
      MemorySegment good,
      long checksumAt,
      long signedBytes,
      long place,
      Consumer<MemorySegment> decode) {
    SplittableRandom random = new SplittableRandom(good.byteSize());
    int taken = 0;
    for (int round = 0; round < 20_000; round++) {
      MemorySegment bad = bytes((int) good.byteSize()).copyFrom(good);
      for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
        long at = random.nextLong(good.byteSize());
        byte value =
            random.nextInt(3) == 0
                ? (byte) random.nextInt()
                : (byte) (bad.get(Disk.U8, at) ^ 1 << random.nextInt(8));
        bad.set(Disk.U8, at, value);
      }
      if (checksumAt >= 0 && random.nextInt(8) > 0) {
        Hash256.ofRecord(bad.asSlice(0, signedBytes), checksumAt, place).put(bad, checksumAt);
      }
      try {
        decode.accept(bad);
        taken++;
      } catch (PoolException e) {
        assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
      }
    }
    return taken;
  }

  @Test
  void everyMutatedRecordIsAValueOrCorrupt() {
    MemorySegment config = MemorySegment.ofArray(SampleRecords.config(3).encode());
    assertThat(
            mutate(
                config,
                Disk.offset(PoolConfig.HEADER, "checksum"),
                config.byteSize(),
                0,
                PoolConfig::decode))
        .isPositive();
    MemorySegment layout = MemorySegment.ofArray(SampleRecords.layout(5).encode());
    assertThat(
            mutate(
                layout,
                Disk.offset(LayoutRecord.HEADER, "checksum"),
                layout.byteSize(),
                0,
                LayoutRecord::decode))
        .isPositive();
    MemorySegment label = bytes(2000);
    new LabelRecord(1000, SampleRecords.config(2)).encode(label, PLACE);
    assertThat(
            mutate(
                label,
                Disk.offset(LabelRecord.HEADER, "checksum"),
                64,
                PLACE,
                area -> LabelRecord.decode(area, PLACE)))
        .isPositive();
    MemorySegment slot = bytes(512);
    SampleRecords.uberblock().encode(slot, PLACE);
    assertThat(
            mutate(
                slot,
                Disk.offset(Uberblock.LAYOUT, "checksum"),
                512,
                PLACE,
                area -> Uberblock.decode(area, PLACE)))
        .isPositive();
    MemorySegment activity = bytes(128);
    new ActivityRecord(1, 2, 3, 4, 5, 6, 7).encode(activity, PLACE);
    assertThat(
            mutate(
                activity,
                Disk.offset(ActivityRecord.LAYOUT, "checksum"),
                128,
                PLACE,
                area -> ActivityRecord.decode(area, PLACE)))
        .isPositive();
    GangHeader gang = SampleRecords.gang(3);
    MemorySegment sector = bytes(512);
    gang.encode(sector);
    assertThat(
            mutate(
                sector,
                Disk.offset(GangHeader.HEADER, "checksum"),
                512,
                0,
                area -> GangHeader.decode(area, gang.dva(), gang.birthTxg())))
        .isPositive();
  }

  @Test
  void everyMutatedStructureWithoutAChecksumIsAValueOrCorrupt() {
    MemorySegment pointer = bytes(128);
    SampleRecords.pointer(2).encode(pointer, 0);
    assertThat(mutate(pointer, -1, 0, 0, at -> BlockPointer.decode(at, 0))).isPositive();
    SampleRecords.embedded(50).encode(pointer, 0);
    assertThat(mutate(pointer, -1, 0, 0, at -> BlockPointer.decode(at, 0))).isPositive();
    MemorySegment dnode = bytes(512);
    SampleRecords.dnode().encode(dnode, 0);
    assertThat(mutate(dnode, -1, 0, 0, at -> DnodeRecord.decode(at, 0))).isPositive();
    MemorySegment set = bytes(ObjectSetRecord.BYTES);
    objectSet().encode(set);
    assertThat(ObjectSetRecord.decode(set).objectCount()).isEqualTo(12);
    assertThat(mutate(set, -1, 0, 0, ObjectSetRecord::decode)).isPositive();
    byte[] dataset =
        new DatasetRecord(
                1,
                2,
                3,
                4,
                5,
                6,
                7,
                1,
                8,
                new DatasetRecord.Snapshots(9, 10, 11),
                new DatasetRecord.Heritage(12, 13),
                new DatasetRecord.Remains(14, 15),
                SampleRecords.pointer(1))
            .encode();
    assertThat(DatasetRecord.decode(dataset).usedBytes()).isEqualTo(6);
    assertThat(
            mutate(
                MemorySegment.ofArray(dataset),
                -1,
                0,
                0,
                at -> DatasetRecord.decode(at.toArray(Disk.U8))))
        .isPositive();
    byte[] head = new SpaceMapHead(7, 80, 4096).encode();
    assertThat(
            mutate(
                MemorySegment.ofArray(head),
                -1,
                0,
                0,
                at -> SpaceMapHead.decode(at.toArray(Disk.U8))))
        .isPositive();
    MemorySegment tails = bytes(2048);
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      TailRecord.putEntry(tails, slot, 512 + slot * 40, 40, 3);
    }
    assertThat(
            mutate(
                tails,
                -1,
                0,
                0,
                at -> {
                  for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
                    assertThat(TailRecord.content(at, slot).byteSize())
                        .isEqualTo(TailRecord.lengthBytes(at, slot));
                  }
                }))
        .isPositive();
  }

  private static ObjectSetRecord objectSet() {
    return new ObjectSetRecord(
        empty(ObjectType.DNODE), empty(ObjectType.TAILS), empty(ObjectType.META_TAILS), 12);
  }

  private static DnodeRecord empty(ObjectType type) {
    int blockBytes = type == ObjectType.DNODE ? 16_384 : TailRecord.MAX_BYTES;
    return new DnodeRecord(
        type, 1, blockBytes, 15, 0, 0, 1, false, 0, BlockPointer.HOLE, new byte[0]);
  }
}
