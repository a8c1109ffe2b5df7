package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A group fails in the background, and the next that happens to the pool is its close. */
class SuspendedCloseTest {
  private final PoolWorld world = new PoolWorld();
  private final MemoryDisk disk = MemoryDisk.ofBytes(512, 64 << 20);

  @AfterEach
  void close() {
    world.close();
  }

  private void tells(Consumer<PoolEngine> ending) throws InterruptedException {
    world.tuning = world.tuning.withTxgTimeoutNanos(20_000_000);
    PoolEngine pool = world.create(disk);
    pool.createDataset("kept", new TreeMap<>());
    pool.sync();
    disk.setFailing(true);
    pool.createDataset("lost", new TreeMap<>());
    while (pool.status().health() != Health.SUSPENDED) {
      Thread.sleep(1);
    }
    assertThatThrownBy(() -> ending.accept(pool))
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO))
        .hasMessageContaining("what came after is lost");
    pool.close(); // does nothing any more
    disk.setFailing(false);
    try (PoolEngine again = world.open(disk)) {
      assertThat(again.datasets()).extracting(DatasetInfo::path).containsExactly("", "kept");
      PoolWorld.assertClean(again);
    }
  }

  @Test
  void aCloseTells() throws InterruptedException {
    tells(PoolEngine::close);
  }

  @Test
  void anExportTells() throws InterruptedException {
    tells(PoolEngine::export);
  }
}
