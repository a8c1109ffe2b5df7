package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.pool.Progress;
import org.junit.jupiter.api.Test;

class ProgressLineTest {

  @Test
  void itTellsShareRateAndTimeLeft() {
    assertThat(ProgressLine.text(new Progress("7 files", 100 << 20, 400 << 20), 2))
        .isEqualTo("7 files: 100M of 400M (25%), 50M/s, 0:06 left");
  }

  @Test
  void withoutATotalItTellsTheRate() {
    assertThat(ProgressLine.text(new Progress("verify", 1 << 20, 0), 0.5))
        .isEqualTo("verify: 1M, 2M/s");
  }
}
