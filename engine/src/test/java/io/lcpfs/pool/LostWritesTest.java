package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Dva;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.txg.Tx;
import io.lcpfs.vdev.TileMap;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A device said that writes were stored, and they are not there. */
class LostWritesTest {
  private static final int RECORD = 128 << 10;

  private final PoolWorld world = new PoolWorld();
  private Kept device = new Kept(96 << 20);

  @AfterEach
  void close() {
    world.close();
  }

  private static FileHandle open(PosixFileSystem fs, String path) {
    return fs.paths()
        .open(
            path.getBytes(StandardCharsets.UTF_8),
            OpenFlags.O_CREAT | OpenFlags.O_RDWR,
            0644,
            Caller.ROOT);
  }

  private static byte[] noise(long seed, int bytes) {
    byte[] content = new byte[bytes];
    new Random(seed).nextBytes(content);
    return content;
  }

  private static int write(FileHandle file, long at, byte[] content) {
    return file.write(at, MemorySegment.ofArray(content), 0, content.length);
  }

  private static byte[] read(FileHandle file, long at, int bytes) {
    byte[] content = new byte[bytes];
    int count = file.read(at, MemorySegment.ofArray(content), 0, bytes);
    return Arrays.copyOf(content, count);
  }

  /** Loses all copies of the blocks of the root dataset that are meant; says how many blocks. */
  private int lose(OpenPool pool, Predicate<BlockPointer> meant) {
    TileMap tiles = pool.parts().devices.tiles();
    int[] lost = {0};
    PoolWorld.eachBlock(
        pool,
        PoolWorld.objects(pool),
        (object, blockId, pointer) -> {
          if (!pointer.isEmbedded() && meant.test(pointer)) {
            for (int copy = 0; copy < pointer.copies(); copy++) {
              device.damage(tiles.deviceOffset(pointer.dva(copy), 512), 512);
            }
            lost[0]++;
          }
        });
    return lost[0];
  }

  @Test
  void aWriteThatMeetsALostBlockEndsThere() {
    byte[] old = noise(1, 5 * RECORD);
    try (PoolEngine pool = world.create(device)) {
      PosixFileSystem fs = world.format(pool);
      try (FileHandle file = open(fs, "/f")) {
        write(file, 0, old);
      }
      fs.close();
      pool.sync();
      int[] seen = {0};
      assertThat(
              lose(
                  (OpenPool) pool,
                  pointer ->
                      pointer.type() == ObjectType.FILE && pointer.level() == 0 && seen[0]++ == 3))
          .isEqualTo(1);
    }
    try (PoolEngine pool = world.open(device)) {
      PosixFileSystem fs = world.mount(pool);
      byte[] wanted = noise(2, 3 * RECORD);
      try (FileHandle file = open(fs, "/f")) {
        // Blocks 1 and 2 are replaced whole; the lost one would have to be read first.
        assertThat(write(file, RECORD, Arrays.copyOf(wanted, 2 * RECORD + 1000)))
            .isEqualTo(2 * RECORD);
        assertThat(read(file, RECORD, 2 * RECORD)).isEqualTo(Arrays.copyOf(wanted, 2 * RECORD));
        assertThatThrownBy(() -> write(file, 3 * RECORD, new byte[1000]))
            .isInstanceOfSatisfying(
                PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO));
        assertThat(write(file, RECORD, wanted))
            .as("whole blocks need none of it")
            .isEqualTo(3 * RECORD);
        assertThat(read(file, RECORD, 3 * RECORD)).isEqualTo(wanted);
      }
      fs.close();
      pool.sync();
      world.assertFilesClean(pool);
    }
  }

  /**
   * Two groups, each with a file; the blocks of the second that are meant are lost, then the power.
   */
  private void losingOfTheSecond(Predicate<BlockPointer> meant) {
    OpenPool pool = (OpenPool) world.create(device);
    PosixFileSystem fs = world.format(pool);
    try (FileHandle file = open(fs, "/first")) {
      write(file, 0, noise(1, 3 * RECORD));
    }
    pool.sync();
    long before = pool.parts().txgs.syncedTxg();
    try (FileHandle file = open(fs, "/second")) {
      write(file, 0, noise(2, 3 * RECORD));
    }
    pool.sync();
    assertThat(lose(pool, pointer -> pointer.physicalBirth() > before && meant.test(pointer)))
        .isPositive();
    Kept afterPowerLoss = device.copy();
    fs.close();
    pool.close();
    device = afterPowerLoss;
  }

  private void assertOnlyTheFirst(boolean first) {
    try (PoolEngine pool = world.open(device)) {
      assertThat(pool.status().problems().stream().anyMatch(p -> p.contains("passed over")))
          .isEqualTo(first);
      PosixFileSystem fs = world.mount(pool);
      try (FileHandle file = open(fs, "/first")) {
        assertThat(read(file, 0, 3 * RECORD)).isEqualTo(noise(1, 3 * RECORD));
      }
      try (FileHandle file = open(fs, "/second")) {
        assertThat(file.size()).isEqualTo(first ? 0 : 3 * RECORD);
      }
      fs.close();
    }
    try (PoolEngine pool = world.open(device)) {
      assertThat(pool.verify(progress -> {}).findings().isEmpty()).isEqualTo(first);
    }
  }

  @Test
  void aGangWhoseHeaderIsLostLeavesItsPiecesAllocatedAndIsToldSo() {
    device = new Kept(16 << 20);
    try (OpenPool pool = (OpenPool) world.create(device)) {
      ObjectSet objects = PoolWorld.objects(pool);
      long number;
      // Larger than a quarter of a metaslab: it takes a gang, whatever is free.
      try (Tx tx = objects.begin(2 << 20);
          Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
        number = dnode.number();
        dnode.write(tx, 0, MemorySegment.ofArray(noise(3, 1 << 20)), 0, 1 << 20, 1 << 20);
      }
      pool.sync();
      TileMap tiles = pool.parts().devices.tiles();
      PoolWorld.eachBlock(
          pool,
          objects,
          (object, blockId, pointer) -> {
            if (!pointer.isEmbedded() && Dva.isGang(pointer.dva(0))) {
              long dva = pointer.dva(0);
              long header = Dva.of(Dva.metaslab(dva), Dva.offsetBytes(dva));
              device.damage(tiles.deviceOffset(header, 512), 512);
            }
          });
      try (Tx tx = objects.beginFreeing(1 << 20);
          Dnode dnode = objects.hold(number)) {
        dnode.free(tx);
      }
      pool.sync();
      assertThat(pool.verify(progress -> {}).findings())
          .isNotEmpty()
          .allMatch(finding -> finding.what().contains("leaked"));
    }
  }

  @Test
  void aGroupWhoseMetadataIsLostGivesWayToTheOneBefore() {
    losingOfTheSecond(pointer -> pointer.type() != ObjectType.FILE);
    assertOnlyTheFirst(true);
  }

  @Test
  void aGroupOfWhichOneBlockOfTheTreeIsLostGivesWayToo() {
    losingOfTheSecond(pointer -> pointer.type() == ObjectType.FILE && pointer.level() > 0);
    assertOnlyTheFirst(true);
  }

  @Test
  void lostContentIsToldAndTakesNothingElseAlong() {
    losingOfTheSecond(pointer -> pointer.type() == ObjectType.FILE && pointer.level() == 0);
    assertOnlyTheFirst(false);
  }
}
