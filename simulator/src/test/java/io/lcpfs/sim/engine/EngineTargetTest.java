package io.lcpfs.sim.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.sim.ScriptSearch;
import io.lcpfs.sim.SimOptions;
import io.lcpfs.sim.SimReport;
import io.lcpfs.sim.Simulation;
import io.lcpfs.sim.world.SimConfig;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A short run of what {@code lcpfs sim} does at length. */
class EngineTargetTest {
  private static final int SEEDS = 16;

  private static SimReport seeds(long first, long count, EnumSet<PlantedBug> planted) {
    return Simulation.run(
        new EngineTarget(), SimOptions.seeds(first, count).withScripts(0, 0).withPlanted(planted));
  }

  @Test
  void theEngineKeepsEveryPromise() {
    SimReport report = seeds(1, SEEDS, EnumSet.noneOf(PlantedBug.class));
    assertThat(report.violations()).isEmpty();
    assertThat(report.operations()).isGreaterThanOrEqualTo(SEEDS * 1_000);
    assertThat(report.crashes()).isGreaterThanOrEqualTo(SEEDS * 2);
    assertThat(report.probes())
        .containsKeys(
            CodeProbe.SYNC_EXTRA_PASS,
            CodeProbe.CACHE_EVICTED,
            CodeProbe.ZAP_UPGRADED,
            CodeProbe.FREE_DEFERRED_ON_IMPORT,
            CodeProbe.DITTO_COPY_READ);
  }

  @ParameterizedTest
  @EnumSource
  void eachPlantedMistakeIsFound(PlantedBug bug) {
    for (long seed = 1; seed <= 64; seed++) {
      if (!seeds(seed, 1, EnumSet.of(bug)).violations().isEmpty()) {
        return;
      }
    }
    for (long seed = 1; seed <= 8; seed++) {
      SimConfig config = SimConfig.of(seed).withPlanted(EnumSet.of(bug));
      if (ScriptSearch.run(new EngineTarget(), config, 4_000).violation() != null) {
        return;
      }
    }
    fail("nothing found " + bug);
  }

  @Test
  void everyCrashStateOfAShortScriptIsTried() {
    ScriptSearch.Result result = ScriptSearch.run(new EngineTarget(), SimConfig.of(4), 20_000);
    assertThat(result.violation()).isNull();
    assertThat(result.complete()).isTrue();
    assertThat(result.states()).isGreaterThan(result.points());
  }
}
