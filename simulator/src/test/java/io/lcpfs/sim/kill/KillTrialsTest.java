package io.lcpfs.sim.kill;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KillTrialsTest {

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aKilledProcessLosesNothingThatWasSynced(boolean losesUnflushed) throws Exception {
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    assertThat(
            KillTrials.run(
                4, losesUnflushed, 3, new PrintStream(log, true, StandardCharsets.UTF_8)))
        .as(log.toString(StandardCharsets.UTF_8))
        .isEmpty();
  }
}
