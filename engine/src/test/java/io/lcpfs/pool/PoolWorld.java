package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.TreeWalk;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.PosixCheck;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.txg.Tx;
import java.util.List;

/**
 * What tests of whole pools share: an environment, a tuning, pools with a file system in the root.
 */
final class PoolWorld implements AutoCloseable {
  final RealEnv env = new RealEnv();
  Tuning tuning =
      Tuning.standard()
          .withCacheBytes(32L << 20)
          .withDirtyBytes(8L << 20)
          .withPoison(true)
          .withBlocksFreedAtOnce(50);

  PoolEngine create(BlockDevice device) {
    return PoolEngines.create(
        List.of(device),
        CreateOptions.named("tank").withSmallDevices(true).withTuning(tuning),
        env);
  }

  PoolEngine open(BlockDevice device) {
    return PoolEngines.open(List.of(device), OpenOptions.standard().withTuning(tuning), env);
  }

  PoolEngine openReadOnly(BlockDevice device) {
    return PoolEngines.open(
        List.of(device), OpenOptions.standard().withTuning(tuning).withReadOnly(true), env);
  }

  static ObjectSet objects(PoolEngine pool) {
    return pool.objectSet("", DatasetPolicy.DEFAULT);
  }

  PosixFileSystem format(PoolEngine pool) {
    ObjectSet objects = objects(pool);
    try (Tx tx = objects.begin(256 << 10)) {
      PosixFileSystem.format(tx, objects, env);
    }
    return mount(pool);
  }

  PosixFileSystem mount(PoolEngine pool) {
    return PosixFileSystem.open(objects(pool), env, FsOptions.DEFAULTS);
  }

  /** Told of a block; see {@link TreeWalk.Visitor#block}. */
  interface BlockVisitor {
    void block(long object, long blockId, BlockPointer pointer);
  }

  /** Visits every block of {@code objects} while no group is written. */
  static void eachBlock(OpenPool pool, ObjectSet objects, BlockVisitor visitor) {
    TreeWalk.Visitor all =
        new TreeWalk.Visitor() {
          @Override
          public boolean block(long object, long blockId, BlockPointer pointer) {
            visitor.block(object, blockId, pointer);
            return true;
          }

          @Override
          public void object(long number, DnodeRecord dnode) {}

          // A visitor may be what damages the blocks.
          @Override
          public void damaged(String where, String what) {}
        };
    pool.parts()
        .sync
        .whileStill(() -> new TreeWalk(pool.parts().context, all).objectSet(objects.root()));
  }

  static void assertClean(PoolEngine pool) {
    assertThat(pool.verify(p -> {}).findings()).isEmpty();
    assertThat(pool.status().problems()).isEmpty();
  }

  void assertFilesClean(PoolEngine pool) {
    assertClean(pool);
    assertThat(PosixCheck.check(objects(pool), env).problems()).isEmpty();
  }

  @Override
  public void close() {
    env.close();
  }
}
