package io.lcpfs.pool;

import static io.lcpfs.pool.LogWorld.ROOT;
import static io.lcpfs.pool.LogWorld.b;
import static io.lcpfs.pool.LogWorld.noise;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Pool;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.pool.LogWorld.CountedDisk;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.vdev.TileMap;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Mirrors: what one of the devices has lost or changed comes from another, and is put right. */
@Timeout(180)
class MirrorTest {
  private static final int MIB = 1 << 20;
  private static final int FILES = 40;
  private static final Tuning TUNING =
      Tuning.standard()
          .withCacheBytes(8 * MIB)
          .withDirtyBytes(4 * MIB)
          .withTxgTimeoutNanos(60_000_000_000L)
          .withPoison(true);

  private final LogWorld.World env = new LogWorld.World();
  private List<CountedDisk> disks = disks(2, 32);

  @AfterEach
  void end() {
    env.close();
  }

  private static List<CountedDisk> disks(int count, int mebibytes) {
    List<CountedDisk> disks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      disks.add(new CountedDisk(new byte[mebibytes * MIB], i + 1));
    }
    return disks;
  }

  private Pool create(GroupSpec... groups) {
    return Pool.create(
        List.copyOf(disks),
        CreateOptions.named("tank")
            .withSmallDevices(true)
            .withGroups(List.of(groups))
            .withTuning(TUNING),
        env);
  }

  private Pool create() {
    return create(GroupSpec.mirror(PlacementClass.NORMAL, disks.size()));
  }

  private Pool open() {
    return Pool.open(
        List.copyOf(disks), OpenOptions.standard().withTuning(TUNING).withForce(true), env);
  }

  private static void write(PosixFileSystem files, String path, byte[] content) {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
    try (FileHandle file = files.paths().open(b(path), flags, 0x1A4, ROOT)) {
      file.write(0, MemorySegment.ofArray(content), 0, content.length);
    }
  }

  private static byte[] read(PosixFileSystem files, String path) {
    try (FileHandle file = files.paths().open(b(path), OpenFlags.O_RDONLY, 0, ROOT)) {
      byte[] content = new byte[(int) file.size()];
      file.read(0, MemorySegment.ofArray(content), 0, content.length);
      return content;
    }
  }

  private static byte[] content(int file) {
    return noise(file, file % 8 == 0 ? 900_000 : 100 + file * 997);
  }

  private static void fill(Pool pool) {
    PosixFileSystem files = pool.dataset("tank").fileSystem();
    for (int i = 0; i < FILES; i++) {
      write(files, "/f" + i, content(i));
    }
    pool.sync();
  }

  private static void assertAllThere(Pool pool) {
    PosixFileSystem files = pool.dataset("tank").fileSystem();
    for (int i = 0; i < FILES; i++) {
      assertThat(read(files, "/f" + i)).as("f%d", i).isEqualTo(content(i));
    }
  }

  /** Noise over all tiles of a device; its labels stay. */
  private void ruin(int device) {
    CountedDisk disk = disks.get(device);
    Geometry geometry = new Geometry(disk.capacity(), disk.blockSize());
    long tile = Geometry.tileBytes(disk.capacity());
    int block = disk.blockSize();
    byte[] bytes = noise(device, (int) (geometry.tileCount(tile) * tile));
    disk.writeBlocks(
        geometry.tileOffset(0, tile) / block, bytes.length / block, MemorySegment.ofArray(bytes));
    disk.flush();
  }

  private static void damage(CountedDisk disk, long offset, int bytes) {
    disk.writeBlocks(
        offset / disk.blockSize(),
        bytes / disk.blockSize(),
        MemorySegment.ofArray(noise(offset, bytes)));
    disk.flush();
  }

  /** What the pool says of a device since its import. */
  private static DeviceStatus device(Pool pool, int index) {
    return pool.status().devices().get(index);
  }

  @Test
  void eachDeviceAloneGivesEverythingBackAndTheOtherIsPutRight() {
    for (int ruined = 0; ruined < 2; ruined++) {
      disks = disks(2, 32);
      try (Pool pool = create()) {
        fill(pool);
      }
      ruin(ruined);
      try (Pool pool = open()) {
        assertAllThere(pool);
        assertThat(device(pool, ruined).checksumErrors()).isPositive();
        assertThat(device(pool, ruined).repaired()).isPositive();
        assertThat(device(pool, 1 - ruined).checksumErrors()).isZero();
        assertThat(device(pool, 1 - ruined).repaired()).isZero();
      }
    }
  }

  @Test
  void verifyTellsWhatIsWrongOnEitherDevice() {
    for (int ruined = 0; ruined < 2; ruined++) {
      disks = disks(2, 32);
      try (Pool pool = create()) {
        fill(pool);
        assertThat(pool.verify(progress -> {}).findings()).isEmpty();
      }
      ruin(ruined);
      String where = "on device " + ruined;
      try (Pool pool = open()) {
        assertThat(pool.verify(progress -> {}).findings())
            .hasSizeGreaterThan(FILES)
            .allMatch(finding -> finding.what().contains(where));
      }
    }
  }

  @Test
  void whatIsWrongOnAllDevicesIsNotGivenOut() {
    try (Pool pool = create()) {
      fill(pool);
    }
    long[] at = new long[2];
    eachContent(
        (tiles, pointer) -> {
          if (at[0] == 0 && pointer.lsizeBytes() > 64 << 10) {
            for (int way = 0; way < 2; way++) {
              at[tiles.device(pointer.dva(0), way)] = tiles.deviceOffset(pointer.dva(0), way, 4096);
            }
          }
        });
    damage(disks.get(0), at[0], 4096);
    damage(disks.get(1), at[1], 4096);
    try (Pool pool = open()) {
      PosixFileSystem files = pool.dataset("tank").fileSystem();
      int lost = 0;
      for (int i = 0; i < FILES; i++) {
        String path = "/f" + i;
        try {
          assertThat(read(files, path)).isEqualTo(content(i));
        } catch (PoolException e) {
          assertThat(e.errno()).isEqualTo(Errno.EIO);
          lost++;
        }
      }
      assertThat(lost).isEqualTo(1);
      assertThat(device(pool, 0).repaired() + device(pool, 1).repaired()).isZero();
    }
  }

  private interface ContentVisitor {
    void block(TileMap tiles, BlockPointer pointer);
  }

  private void eachContent(ContentVisitor visitor) {
    OpenOptions options = OpenOptions.standard().withTuning(TUNING).withForce(true);
    try (OpenPool pool = (OpenPool) PoolEngines.open(List.copyOf(disks), options, env)) {
      TileMap tiles = pool.parts().devices.tiles();
      PoolWorld.eachBlock(
          pool,
          PoolWorld.objects(pool),
          (object, blockId, pointer) -> {
            if (pointer.type() == ObjectType.FILE
                && pointer.level() == 0
                && !pointer.isEmbedded()) {
              visitor.block(tiles, pointer);
            }
          });
    }
  }

  @Test
  void gangsAreMirroredPieceByPieceAndHeaderByHeader() {
    for (int ruined = 0; ruined < 2; ruined++) {
      disks = disks(2, 16);
      try (Pool pool = create()) {
        Map<String, String> large = Map.of("recordsize", "1M", "compression", "off");
        pool.createDataset("tank/large", large, false);
        write(pool.dataset("tank/large").fileSystem(), "/gang", noise(5, MIB));
        pool.sync();
        assertThat(pool.verify(progress -> {}).findings()).isEmpty();
      }
      ruin(ruined);
      try (Pool pool = open()) {
        env.probes.clear();
        assertThat(read(pool.dataset("tank/large").fileSystem(), "/gang")).isEqualTo(noise(5, MIB));
        assertThat(env.probes).contains(CodeProbe.GANG_BLOCK_READ);
        assertThat(device(pool, ruined).repaired()).isPositive();
        assertThat(device(pool, 1 - ruined).repaired()).isZero();
        String where = "on device " + ruined;
        assertThat(pool.verify(progress -> {}).findings())
            .isNotEmpty()
            .allMatch(finding -> finding.what().contains(where));
      }
    }
  }

  @Test
  void whatWasFsyncedIsReplayedFromEitherDevice() {
    for (int ruined = 0; ruined < 2; ruined++) {
      disks = disks(2, 32);
      Pool pool = create();
      PosixFileSystem files = pool.dataset("tank").fileSystem();
      for (int i = 0; i < 3; i++) {
        synced(files, "/warm", new byte[] {(byte) i});
      }
      pool.sync();
      long txg = pool.status().txg();
      synced(files, "/kept", noise(1, 9000));
      synced(files, "/too", noise(2, 200));
      assertThat(pool.status().txg()).as("groups written by fsync").isEqualTo(txg);
      List<byte[]> left = disks.stream().map(CountedDisk::crash).toList();
      assertThatThrownBy(pool::close).isInstanceOf(PoolException.class);
      disks = List.of(new CountedDisk(left.get(0), 3), new CountedDisk(left.get(1), 4));
      ruin(ruined);
      try (Pool again = open()) {
        PosixFileSystem found = again.dataset("tank").fileSystem();
        assertThat(read(found, "/kept")).isEqualTo(noise(1, 9000));
        assertThat(read(found, "/too")).isEqualTo(noise(2, 200));
      }
    }
  }

  private static void synced(PosixFileSystem files, String path, byte[] content) {
    write(files, path, content);
    try (FileHandle file = files.paths().open(b(path), OpenFlags.O_RDWR, 0, ROOT)) {
      file.fsync();
    }
  }

  @Test
  void severalMirrorsAreFilledTogetherAndALogMayBeOne() {
    disks = disks(6, 32);
    GroupSpec pair = GroupSpec.mirror(PlacementClass.NORMAL, 2);
    try (Pool pool = create(pair, pair, GroupSpec.mirror(PlacementClass.LOG, 2))) {
      fill(pool);
      assertThat(pool.status().sizeBytes()).isBetween(50L * MIB, 62L * MIB);
      for (int device = 0; device < 4; device++) {
        assertThat(device(pool, device).allocatedBytes()).isGreaterThan(MIB);
      }
      assertThat(device(pool, 0).allocatedBytes()).isEqualTo(device(pool, 1).allocatedBytes());
      synced(pool.dataset("tank").fileSystem(), "/f1", content(1));
      assertThat(pool.verify(progress -> {}).findings()).isEmpty();
    }
    ruin(1);
    ruin(2);
    ruin(5);
    try (Pool pool = open()) {
      assertAllThere(pool);
    }
  }

  @Test
  void aMirrorFillsUpAndIsEmptiedAgain() {
    disks = disks(3, 16);
    try (Pool pool = create()) {
      PosixFileSystem files = pool.dataset("tank").fileSystem();
      int written = 0;
      try {
        for (int i = 0; i < 40; i++) {
          write(files, "/big" + i, noise(i, MIB));
          written++;
        }
      } catch (PoolException e) {
        assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
      }
      assertThat(written).isBetween(6, 16);
      for (int i = 0; i <= written; i++) {
        try {
          files.paths().unlink(b("/big" + i), ROOT);
        } catch (PoolException e) {
          assertThat(e.errno()).isEqualTo(Errno.ENOENT);
        }
      }
      fill(pool);
      assertAllThere(pool);
      assertThat(pool.verify(progress -> {}).findings()).isEmpty();
    }
  }

  @Test
  void groupsThatDoNotFitAreRefused() {
    for (GroupSpec spec :
        List.of(
            GroupSpec.mirror(PlacementClass.NORMAL, 3),
            GroupSpec.mirror(PlacementClass.LOG, 2),
            new GroupSpec(
                PlacementClass.NORMAL, 1, GroupSpec.mirror(PlacementClass.NORMAL, 2).profile()))) {
      assertThatThrownBy(() -> create(spec))
          .isInstanceOf(PoolException.class)
          .extracting(e -> ((PoolException) e).errno())
          .isEqualTo(Errno.EINVAL);
    }
  }
}
