package io.lcpfs.fuzz;

import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.Features;
import io.lcpfs.format.LabelRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.PoolState;
import io.lcpfs.format.Profile;
import io.lcpfs.format.SampleRecords;
import io.lcpfs.format.SpaceMapRecord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes the stored inputs of the fuzz targets of the format into {@code src/test/resources}; run
 * it with that folder when a structure changes.
 */
public final class FormatSeeds {
  private FormatSeeds() {}

  /** A pool whose devices the layouts of the fuzzer refer to. */
  static PoolConfig pool() {
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
        List.of(new PoolConfig.Group(0, PlacementClass.NORMAL, 4096, 1 << 20, Profile.SINGLE)),
        List.of(
            new PoolConfig.Device(50, 0, 0, 64 << 20, 4096, "a"),
            new PoolConfig.Device(51, 0, 1, 64 << 20, 4096, "b")));
  }

  private static byte[] words(int first, long... words) {
    ByteBuffer bytes = ByteBuffer.allocate(1 + words.length * 8).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) first);
    for (long word : words) {
      bytes.putLong(word);
    }
    return bytes.array();
  }

  private static byte[] bytes(int count, java.util.function.Consumer<MemorySegment> fill) {
    MemorySegment at = MemorySegment.ofArray(new byte[count]);
    fill.accept(at);
    return at.toArray(ValueLayout.JAVA_BYTE);
  }

  public static void main(String[] arguments) throws IOException {
    Path root = Path.of(arguments[0]).resolve("io/lcpfs/fuzz");
    String pools = "PoolFuzzTestInputs/everyPoolIsUsableOrRefused/";
    write(root, pools + "block", edits(1, 0x10, 30, 40, 9));
    write(root, pools + "dnodes", edits(1, 0x35, 38, 20, 2, 0x25, 5, 60, 3));
    write(root, pools + "bonus", edits(1, 0x38, 35, 30, 3, 0x18, 1, 31, 1));
    write(root, pools + "pointer", edits(1, 0x3a, 24, 50, 9, 0x0b, 9, 12, 28));
    write(root, pools + "copied-pointer", edits(0, 0x40, 2, 25, 0));
    write(root, pools + "uberblock", edits(0, 0x3c, 30, 0, 2));
    write(root, pools + "configuration", edits(0, 0x2d, 17, 0, 6));
    write(root, pools + "layout", edits(0, 0x1e, 30, 0, 34));
    String labels = "LabelFuzzTestInputs/";
    write(root, labels + "everyConfigurationIsAValueOrCorrupt/sound", pool().encode());
    write(
        root,
        labels + "everyConfigurationIsAValueOrCorrupt/raidz",
        SampleRecords.config(3).encode());
    write(
        root,
        labels + "everyLabelIsAValueOrCorrupt/sound",
        bytes(LabelRecord.encodedBytes(pool()), at -> new LabelRecord(51, pool()).encode(at, 0)));
    write(
        root,
        labels + "everyUberblockIsAValueOrCorrupt/sound",
        bytes(512, at -> SampleRecords.uberblock().encode(at, 0)));
    LayoutRecord.Entry entry =
        new LayoutRecord.Entry(
            1, 0, Profile.SINGLE, PlacementClass.NORMAL, 4, List.of(new LayoutRecord.Column(1, 7)));
    write(
        root,
        labels + "everyLayoutIsAValueOrCorruptAlsoWithItsPool/sound",
        new LayoutRecord(3, 9, 2, List.of(entry)).encode());
    write(
        root,
        labels + "everyLayoutIsAValueOrCorruptAlsoWithItsPool/wide",
        SampleRecords.layout(4).encode());
    String blocks = "BlockFuzzTestInputs/";
    write(
        root,
        blocks + "everyBlockPointerIsAValueOrCorrupt/three-copies",
        bytes(BlockPointer.BYTES, at -> SampleRecords.pointer(3).encode(at, 0)));
    write(
        root,
        blocks + "everyBlockPointerIsAValueOrCorrupt/embedded",
        bytes(BlockPointer.BYTES, at -> SampleRecords.embedded(90).encode(at, 0)));
    write(
        root,
        blocks + "everyDnodeIsAValueOrCorrupt/tree",
        bytes(DnodeRecord.BYTES, at -> SampleRecords.dnode().encode(at, 0)));
    write(
        root,
        blocks + "everyGangHeaderIsAValueOrCorrupt/three",
        bytes(512, at -> SampleRecords.gang(3).encode(at)));
    String maps = "SpaceMapFuzzTestInputs/everySpaceMapIsCorruptOrSaysTheSameWhenCondensed/";
    long alloc = SpaceMapRecord.block(SpaceMapRecord.ALLOC, 8192, 16384);
    long free = SpaceMapRecord.block(SpaceMapRecord.FREE, 8192, 16384);
    write(root, maps + "freed", words(0, SpaceMapRecord.txg(999), alloc, free));
    write(
        root,
        maps + "bitmap",
        words(
            1,
            SpaceMapRecord.bitmap(0, 40),
            0x5555_5555_5555_5555L,
            0xa9,
            SpaceMapRecord.txg(3),
            SpaceMapRecord.block(SpaceMapRecord.ALLOC, 1 << 20, 512)));
    write(
        root,
        maps + "reused-early",
        words(0, SpaceMapRecord.txg(999), alloc, free, SpaceMapRecord.txg(1000), alloc));
    write(
        root,
        maps + "reused-early-and-freed-again",
        words(0, SpaceMapRecord.txg(999), alloc, free, SpaceMapRecord.txg(1000), alloc, free));
  }

  /** Edits of a whole pool; see {@link PoolFuzzTest}. */
  private static byte[] edits(int writable, int... words) {
    ByteBuffer bytes = ByteBuffer.allocate(1 + words.length * 2).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) writable);
    for (int i = 0; i < words.length; i += 4) {
      bytes.put((byte) words[i]).put((byte) words[i + 1]).putShort((short) words[i + 2]);
      bytes.putInt(words[i + 3]);
    }
    return bytes.array();
  }

  private static void write(Path root, String name, byte[] content) throws IOException {
    Path file = root.resolve(name);
    Path folder = file.getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Files.write(file, content);
  }
}
