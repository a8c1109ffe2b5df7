package io.lcpfs.format;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
import java.util.ArrayList;
import java.util.List;

/** One of each structure, with something in every field. */
public final class SampleRecords {
  private SampleRecords() {}

  public static BlockPointer pointer(int copies) {
    return BlockPointer.stored(
        new long[] {
          Dva.of(5, 4096),
          copies > 1 ? Dva.of(900, 1 << 20) : 0,
          copies > 2 ? Dva.gang(Dva.of(Dva.MAX_METASLAB, 512)) : 0
        },
        131072,
        65536,
        CompressionType.LZ4,
        ChecksumType.BLAKE3,
        ObjectType.FILE,
        2,
        77,
        123,
        new long[] {1, -2, 3, Long.MIN_VALUE});
  }

  public static BlockPointer embedded(int bytes) {
    byte[] payload = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      payload[i] = (byte) (i * 7 + 1);
    }
    return BlockPointer.embedded(payload, 512, CompressionType.LZ4, ObjectType.FILE, 0, 9, 1);
  }

  public static PoolConfig config(int devices) {
    List<PoolConfig.Device> list = new ArrayList<>();
    for (int i = 0; i < devices; i++) {
      list.add(
          new PoolConfig.Device(
              1000 + i,
              i % 2 == 0 ? 0 : 7,
              i * 2,
              (64L + i) << 20,
              i % 2 == 0 ? 512 : 65536,
              i == 0 ? "" : "/dev/disk/by-id/gerät-" + i));
    }
    return new PoolConfig(
        0x1234_5678_9abcL,
        "tänk",
        PoolState.EXPORTED,
        3,
        55,
        44,
        33,
        22,
        1_790_000_000L,
        Features.KNOWN,
        List.of(
            new PoolConfig.Group(0, PlacementClass.NORMAL, 4096, 1 << 20, Profile.SINGLE),
            new PoolConfig.Group(
                7, PlacementClass.SPECIAL, 512, 16L << 30, new Profile(Profile.Kind.RAIDZ, 5, 2))),
        list);
  }

  public static LayoutRecord layout(int metaslabs) {
    List<LayoutRecord.Entry> entries = new ArrayList<>();
    for (int i = 1; i <= metaslabs; i++) {
      Profile profile =
          switch (i % 3) {
            case 0 -> Profile.SINGLE;
            case 1 -> new Profile(Profile.Kind.MIRROR, 3, 0);
            default -> new Profile(Profile.Kind.RAIDZ, 4, 1);
          };
      List<LayoutRecord.Column> columns = new ArrayList<>();
      for (int c = 0; c < profile.width(); c++) {
        columns.add(new LayoutRecord.Column(c, 65_534 - i));
      }
      entries.add(
          new LayoutRecord.Entry(
              i * 2,
              i % 2,
              profile,
              i % 2 == 0 ? PlacementClass.LOG : PlacementClass.DEDUP,
              i + 10L,
              columns));
    }
    return new LayoutRecord(9, 0x1234_5678_9abcL, metaslabs * 2 + 5, entries);
  }

  public static Uberblock uberblock() {
    PoolConfig config = config(3);
    LayoutRecord layout = layout(4);
    return new Uberblock(
        81,
        123_456_789L,
        config.poolGuid(),
        config.forkId(),
        pointer(3),
        layout.generation(),
        layout.checksum(),
        config.generation(),
        config.checksum(),
        CheckpointRecord.NONE);
  }

  public static GangHeader gang(int children) {
    List<BlockPointer> list = new ArrayList<>();
    for (int i = 0; i < children; i++) {
      list.add(pointer(1 + i % 3));
    }
    return new GangHeader(Dva.gang(Dva.of(12, 8192)), 66, list);
  }

  public static DnodeRecord dnode() {
    return new DnodeRecord(
        ObjectType.FILE,
        3,
        131072,
        15,
        60_000,
        1L << 33,
        5,
        false,
        0,
        BlockPointer.stored(
            new long[] {Dva.of(5, 4096), 0, 0},
            32768,
            4096,
            CompressionType.LZ4,
            ChecksumType.BLAKE3,
            ObjectType.FILE,
            2,
            77,
            123,
            new long[4]),
        new byte[] {1, 2, 3});
  }
}
