package io.lcpfs.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.PlantedBug;
import io.lcpfs.sim.device.FaultKind;
import io.lcpfs.sim.world.SimConfig;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HarnessTest {
  private static final SimTarget TOY = new ToyStore();

  private static SimReport simulate(SimOptions options) {
    return Simulation.run(TOY, options);
  }

  @Test
  void aCorrectStoreKeepsEveryPromise() {
    SimReport report = simulate(SimOptions.seeds(1, 60).withScripts(8, 300));
    assertThat(report.violations()).isEmpty();
    assertThat(report.operations()).isGreaterThanOrEqualTo(60 * 1_000);
    assertThat(report.crashes()).isGreaterThanOrEqualTo(60 * 2);
    assertThat(report.faults())
        .containsKeys(
            FaultKind.BIT_ROT,
            FaultKind.TORN_WRITE,
            FaultKind.UNFLUSHED_WRITE_LOST,
            FaultKind.LOST_WRITE,
            FaultKind.MISDIRECTED_WRITE,
            FaultKind.READ_ERROR,
            FaultKind.WRITE_ERROR,
            FaultKind.FLUSH_ERROR,
            FaultKind.DISAPPEARANCE,
            FaultKind.LATENCY_SPIKE);
    assertThat(report.states()).isGreaterThan(50);
    assertThat(report.completeScripts()).isPositive();
  }

  @Test
  void everySeedHasItsOperationsCrashesAndFault() {
    for (long seed = 100; seed < 110; seed++) {
      SeedResult result = SeedRun.run(TOY, SimConfig.of(seed), 1_000);
      assertThat(result.violation()).isNull();
      assertThat(result.operations()).isGreaterThanOrEqualTo(1_000);
      assertThat(result.crashes()).isGreaterThanOrEqualTo(2);
      assertThat(result.faults().keySet())
          .anyMatch(kind -> kind.silent() || kind.stopsThePool() || kind == FaultKind.READ_ERROR);
    }
  }

  @Test
  void aSeedReplaysToTheSameDigestAndSeedsDiffer() {
    Set<Long> digests = new HashSet<>();
    for (long seed = 1; seed <= 10; seed++) {
      SeedResult first = SeedRun.run(TOY, SimConfig.of(seed), 300);
      assertThat(SeedRun.run(TOY, SimConfig.of(seed), 300)).isEqualTo(first);
      digests.add(first.digest());
    }
    assertThat(digests).hasSize(10);
  }

  @Test
  void aNewJvmWithAnotherHeapGivesTheSameDigests() throws Exception {
    Process jvm =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx200m",
                "-XX:+UseSerialGC",
                "--add-opens",
                "java.base/java.lang=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                SeedDigests.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(jvm.waitFor()).isZero();
    assertThat(output.lines().toList()).isEqualTo(SeedDigests.compute());
  }

  @Test
  void theDigestDoesNotDependOnTheNumberOfWorkers() {
    SimOptions options = SimOptions.seeds(5, 8).withOperations(200).withScripts(1, 50);
    SimReport one = simulate(options.withWorkers(1));
    SimReport three = simulate(options.withWorkers(3));
    assertThat(three.digest()).isEqualTo(one.digest());
    assertThat(three.states()).isEqualTo(one.states());
    assertThat(three.faults()).isEqualTo(one.faults());
  }

  @Test
  void aMissingFlushBeforeTheUberblockIsFoundWithinAFewSeeds() {
    SimReport report =
        simulate(
            SimOptions.seeds(1, 10)
                .withScripts(0, 0)
                .withPlanted(EnumSet.of(PlantedBug.NO_FLUSH_BEFORE_UBERBLOCK)));
    assertThat(report.violations())
        .isNotEmpty()
        .allMatch(
            v ->
                v.contains("replay: lcpfs sim --replay ")
                    && v.contains("--plant NO_FLUSH_BEFORE_UBERBLOCK"));
  }

  @Test
  void aMissingFlushIsFoundByTheSearchOfOneScript() {
    SimConfig planted =
        SimConfig.of(1).withPlanted(EnumSet.of(PlantedBug.NO_FLUSH_BEFORE_UBERBLOCK));
    ScriptSearch.Result result = ScriptSearch.run(TOY, planted, 2_000);
    assertThat(result.violation()).contains("crash before flush").contains("in the state where");
  }

  @Test
  void theSearchOfAShortScriptIsComplete() {
    int complete = 0;
    for (long seed = 1; seed <= 5; seed++) {
      ScriptSearch.Result result = ScriptSearch.run(TOY, SimConfig.of(seed), 20_000);
      assertThat(result.violation()).as("seed %d", seed).isNull();
      complete += result.complete() ? 1 : 0;
    }
    assertThat(complete).isGreaterThanOrEqualTo(3);
  }

  @Test
  void aRenameInTwoPartsIsFound() {
    SimReport report =
        simulate(
            SimOptions.seeds(1, 10)
                .withScripts(5, 500)
                .withPlanted(EnumSet.of(PlantedBug.RENAME_IN_TWO_TXGS)));
    assertThat(report.violations()).isNotEmpty();
  }

  @Test
  void anUnverifiedChecksumIsFound() {
    SimReport report =
        simulate(
            SimOptions.seeds(1, 40)
                .withScripts(0, 0)
                .withPlanted(EnumSet.of(PlantedBug.CHECKSUM_NOT_VERIFIED)));
    assertThat(report.violations()).isNotEmpty();
  }

  @Test
  void aProbeThatIsNeverReachedFailsALongRun() {
    SimOptions asked = SimOptions.seeds(1, 1).withOperations(50);
    SimOptions strict = new SimOptions(1, 1, 50, 0, 1, asked.planted(), 1, true);
    assertThat(simulate(strict).violations())
        .singleElement()
        .asString()
        .contains("never reached")
        .contains("CACHE_EVICTED");
  }

  @Test
  void theCommandPrintsViolationsWithTheirReplay() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ByteArrayOutputStream progress = new ByteArrayOutputStream();
    PrintStream toProgress = new PrintStream(progress, true, StandardCharsets.UTF_8);
    int status =
        SimMain.run(
            TOY,
            new String[] {"--seeds", "6", "--plant", "NO_FLUSH_BEFORE_UBERBLOCK", "--scripts", "0"},
            new PrintStream(bytes, true, StandardCharsets.UTF_8),
            toProgress);
    String output = bytes.toString(StandardCharsets.UTF_8);
    assertThat(status).as(output).isEqualTo(1);
    assertThat(output).contains("VIOLATION seed ").contains("replay: lcpfs sim --replay ");
    bytes.reset();
    int good =
        SimMain.run(
            TOY,
            new String[] {"--seeds", "2", "--operations", "100"},
            new PrintStream(bytes, true, StandardCharsets.UTF_8),
            toProgress);
    assertThat(good).isZero();
    assertThat(bytes.toString(StandardCharsets.UTF_8)).contains("digest ").contains("no violation");
    assertThat(progress.toString(StandardCharsets.UTF_8)).contains("2 of 2 seeds, 0 violations");
    assertThat(
            SimMain.run(
                TOY,
                new String[] {"--plant", "NONSENSE"},
                new PrintStream(bytes, true, StandardCharsets.UTF_8),
                toProgress))
        .isEqualTo(2);
  }
}
