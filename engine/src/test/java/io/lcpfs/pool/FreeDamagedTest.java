package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.txg.Tx;
import io.lcpfs.vdev.TileMap;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is to be freed has blocks that a device has lost: the pool goes on, and a check tells. */
class FreeDamagedTest {
  private static final int PROPERTIES = 600;
  private static final int CHILDREN = 300;

  private final PoolWorld world = new PoolWorld();
  private final Kept device = new Kept(96 << 20);

  @AfterEach
  void close() {
    world.close();
  }

  private DatasetRecord record(OpenPool pool, String name) {
    long root = entry(pool, MetaDirectory.OBJECT, MetaDirectory.ROOT_DATASET);
    long number = entry(pool, recordOf(pool, root).childrenZap(), name);
    return recordOf(pool, number);
  }

  private boolean destroying(OpenPool pool) {
    long list = entry(pool, MetaDirectory.OBJECT, MetaDirectory.DESTROYED);
    try (Dnode dnode = pool.meta().hold(list)) {
      return Zap.open(dnode, world.env).count() > 0;
    }
  }

  private long entry(OpenPool pool, long zap, String name) {
    try (Dnode dnode = pool.meta().hold(zap)) {
      return Zap.open(dnode, world.env).getLong(name.getBytes(UTF_8));
    }
  }

  private static DatasetRecord recordOf(OpenPool pool, long object) {
    try (Dnode dnode = pool.meta().hold(object)) {
      return DatasetRecord.decode(dnode.bonus());
    }
  }

  /** Loses all copies of the indirect blocks of an object, or with 0 of all extended attributes. */
  private int lose(OpenPool pool, ObjectSet objects, long object) {
    TileMap tiles = pool.parts().devices.tiles();
    int[] lost = {0};
    PoolWorld.eachBlock(
        pool,
        objects,
        (number, blockId, pointer) -> {
          boolean meant = number == object || (object == 0 && pointer.type() == ObjectType.XATTRS);
          if (meant && pointer.level() > 0 && !pointer.isEmbedded()) {
            for (int copy = 0; copy < pointer.copies(); copy++) {
              device.damage(tiles.deviceOffset(pointer.dva(copy), 512), 512);
            }
            lost[0]++;
          }
        });
    return lost[0];
  }

  private void furnish(PoolEngine pool) {
    pool.createDataset("d", new TreeMap<>());
    Map<String, String> properties = new TreeMap<>();
    for (int i = 0; i < PROPERTIES; i++) {
      properties.put("test:property-" + i, "value ".repeat(20) + i);
    }
    pool.setLocalProperties("d", properties);
    for (int i = 0; i < CHILDREN; i++) {
      pool.createDataset("d/child-" + "x".repeat(200) + i, new TreeMap<>());
    }
    pool.sync();
  }

  /** An import goes back a group when it finds metadata lost, so newer groups come on top. */
  private static void age(PoolEngine pool) {
    for (int i = 0; i < 4; i++) {
      pool.createDataset("age-" + i, new TreeMap<>());
      pool.sync();
    }
  }

  private static void assertWorks(PoolEngine pool) {
    for (int i = 0; i < 10; i++) {
      pool.createDataset("later-" + i, new TreeMap<>());
      pool.sync();
    }
  }

  @Test
  void lostPropertiesAreLeftAndTheRestIsFreed() {
    try (OpenPool pool = (OpenPool) world.create(device)) {
      furnish(pool);
      for (int i = 0; i < CHILDREN; i++) {
        pool.destroyDataset("d/child-" + "x".repeat(200) + i);
      }
      while (destroying(pool)) {
        pool.sync(); // what is left of them would not be freed beside what cannot be read
      }
      age(pool);
      assertThat(lose(pool, pool.meta(), record(pool, "d").propertiesZap())).isPositive();
    }
    try (OpenPool pool = (OpenPool) world.open(device)) {
      pool.destroyDataset("d");
      while (destroying(pool) && pool.status().problems().isEmpty()) {
        pool.sync();
      }
      assertThat(pool.status().problems()).isEmpty();
      assertWorks(pool);
      assertThat(pool.status().problems()).isEmpty();
      assertThat(pool.datasets()).noneMatch(dataset -> dataset.path().equals("d"));
    }
    try (OpenPool pool = (OpenPool) world.open(device)) {
      assertThat(pool.verify(progress -> {}).findings())
          .isNotEmpty()
          .allMatch(finding -> finding.what().contains("leaked"));
    }
  }

  @Test
  void aDatasetWhosePropertiesAreNoObjectIsDestroyedAllTheSame() {
    try (OpenPool pool = (OpenPool) world.create(device)) {
      pool.createDataset("d", new TreeMap<>());
      long root = entry(pool, MetaDirectory.OBJECT, MetaDirectory.ROOT_DATASET);
      long number = entry(pool, recordOf(pool, root).childrenZap(), "d");
      try (Dnode dnode = pool.meta().hold(number);
          Tx tx = pool.meta().begin(1 << 16)) {
        byte[] bonus = dnode.bonus();
        long properties = Disk.offset(DatasetRecord.LAYOUT, "properties_zap");
        Disk.putU64(MemorySegment.ofArray(bonus), properties, 1L << 40);
        dnode.setBonus(tx, bonus);
      }
      pool.destroyDataset("d");
      while (destroying(pool) && pool.status().problems().isEmpty()) {
        pool.sync();
      }
      assertWorks(pool);
      assertThat(pool.status().problems()).isEmpty();
    }
  }

  @Test
  void aDatasetWhoseChildrenCannotBeSeenIsNotDestroyed() {
    try (OpenPool pool = (OpenPool) world.create(device)) {
      furnish(pool);
      age(pool);
      assertThat(lose(pool, pool.meta(), record(pool, "d").childrenZap())).isPositive();
    }
    try (OpenPool pool = (OpenPool) world.open(device)) {
      assertThatThrownBy(() -> pool.destroyDataset("d"))
          .isInstanceOfSatisfying(
              PoolException.class, e -> assertThat(e.errno()).isIn(Errno.EIO, Errno.ENOTEMPTY));
      assertWorks(pool);
      assertThat(pool.dataset("d").path()).isEqualTo("d");
    }
  }

  @Test
  void lostExtendedAttributesGoWithTheirFile() {
    byte[] name = "user.big".getBytes(UTF_8);
    try (OpenPool pool = (OpenPool) world.create(device)) {
      PosixFileSystem fs = world.format(pool);
      for (String path : new String[] {"/gone", "/changed"}) {
        fs.paths().mkdir(PathCalls.path(path), 0755, Caller.ROOT);
        for (int i = 0; i < 8; i++) {
          byte[] value = new byte[60_000];
          new Random(i).nextBytes(value);
          byte[] one = ("user." + i).getBytes(UTF_8);
          fs.paths().setxattr(PathCalls.path(path), true, one, value, 0, Caller.ROOT);
        }
      }
      fs.close();
      age(pool);
      assertThat(lose(pool, PoolWorld.objects(pool), 0)).isEqualTo(2);
    }
    try (OpenPool pool = (OpenPool) world.open(device)) {
      PosixFileSystem fs = world.mount(pool);
      byte[] changed = PathCalls.path("/changed");
      assertThatThrownBy(() -> fs.paths().setxattr(changed, true, name, name, 0, Caller.ROOT))
          .isInstanceOfSatisfying(
              PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO));
      fs.paths().rmdir(PathCalls.path("/gone"), Caller.ROOT);
      fs.paths().rmdir(changed, Caller.ROOT);
      while (!fs.reaperIdle()) {
        Thread.onSpinWait();
      }
      pool.sync();
      assertWorks(pool);
      assertThat(pool.status().problems()).isEmpty();
      fs.close();
    }
    try (OpenPool pool = (OpenPool) world.open(device)) {
      assertThat(pool.verify(progress -> {}).findings())
          .isNotEmpty()
          .allMatch(finding -> finding.what().matches(".*leaked|used_bytes is .*"));
    }
  }
}
