package io.lcpfs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.RealEnv;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class HostilePoolTest {
  private static final RealEnv ENV = new RealEnv();

  @AfterAll
  static void close() {
    ENV.close();
  }

  @Test
  void theSoundImageIsReadAndUsedWithoutAComplaint() {
    HostileRun.Outcome read = HostileRun.read(SoundImage.get().copy(), ENV);
    HostileRun.use(SoundImage.get().copy(), ENV);
    assertThat(read.findings()).isEmpty();
    assertThat(read.verified()).isTrue();
  }

  @Test
  void aForgeThatChangesNothingLeavesTheImageSound() {
    PoolForge forge = PoolForge.fresh();
    HostileRun.Outcome read = HostileRun.read(forge.bytes(), ENV);
    assertThat(read.findings()).isEmpty();
  }
}
