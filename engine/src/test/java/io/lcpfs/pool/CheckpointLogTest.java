package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.CodeProbe;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Logs are written in place: what is in one when a checkpoint is gone back to is of later. */
@Timeout(120)
class CheckpointLogTest {
  private final LogWorld world = new LogWorld(64 << 20);

  @AfterEach
  void close() {
    world.close();
  }

  private void log(int seed, int count) {
    for (int i = 0; i < count; i++) {
      world.write("/f" + i % 5, 100 * i, LogWorld.noise(seed + i, 700));
      world.fsyncByLog("/f" + i % 5);
    }
  }

  private void goBack(byte[] image) {
    world.disk = new LogWorld.CountedDisk(image, 7);
    world.pool = PoolEngines.open(List.of(world.disk), world.options().withRewind(true), world.env);
    world.mount(LogWorld.OPTIONS);
    assertThat(world.env.probes).contains(CodeProbe.CHECKPOINT_REWOUND);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 12, 30})
  void whatWasLoggedSinceIsNotDoneAgain(int count) {
    log(1, 3);
    String then = world.tree();
    world.pool.takeCheckpoint();
    assertThat(world.tree()).isEqualTo(then);
    log(1000, count);
    assertThat(world.tree()).isNotEqualTo(then);
    goBack(world.crash());
    assertThat(world.tree()).isEqualTo(then);
    world.assertClean();
    // Nor by the next import.
    world.crashAndMount();
    assertThat(world.tree()).isEqualTo(then);
    world.assertClean();
  }

  @Test
  void whatWasLoggedBeforeIsThere() {
    log(1, 12);
    String then = world.tree();
    world.crashAndMount();
    assertThat(world.tree()).isEqualTo(then);
    world.pool.takeCheckpoint();
    world.write("/more", 0, new byte[] {1});
    world.pool.sync();
    goBack(world.crash());
    assertThat(world.tree()).isEqualTo(then);
    world.assertClean();
  }

  @Test
  void whatIsLoggedAfterGoingBackIsDoneAgain() {
    world.pool.takeCheckpoint();
    log(1, 12);
    goBack(world.crash());
    world.warmUp();
    log(1000, 7);
    String now = world.tree();
    world.crashAndMount();
    assertThat(world.tree()).isEqualTo(now);
    world.assertClean();
  }
}
