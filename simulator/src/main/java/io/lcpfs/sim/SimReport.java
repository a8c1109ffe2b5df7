package io.lcpfs.sim;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.sim.device.FaultKind;
import io.lcpfs.sim.world.Digest;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What a simulation found, summed over its seeds.
 *
 * @param target what was simulated
 * @param options what was asked for
 * @param violations each with the command that replays it; empty when all promises were kept
 * @param digest over the digests of all seeds in their order
 * @param operations carried out and compared
 * @param refusals for want of space or memory
 * @param crashes of machines, searched crash states not counted
 * @param faults injected by kind
 * @param probes reached
 * @param missingProbes never reached
 * @param states crash states searched
 * @param completeScripts scripts of which every crash state was tried
 * @param virtualSeconds time that passed inside
 * @param realNanos time that it took
 */
public record SimReport(
    String target,
    SimOptions options,
    List<String> violations,
    long digest,
    long operations,
    long refusals,
    long crashes,
    Map<FaultKind, Long> faults,
    Map<CodeProbe, Long> probes,
    Set<CodeProbe> missingProbes,
    long states,
    long completeScripts,
    long virtualSeconds,
    long realNanos) {

  /**
   * Branches that no seed comes to; tests reach them and fail when they do not. Two names of one
   * directory with the same 47-bit hash: some ten million entries would be needed, the tests of the
   * ZAP use a narrower hash. A block that is freed, and its sectors reused three groups later,
   * while one read of it is under way: a test holds that read up. The header of a gang, an
   * indirect block on its way to be freed, a tail block about to be written anew, that a device
   * lost: one seed in a thousand comes to one of them.
   */
  private static final Set<CodeProbe> OUT_OF_REACH =
      Set.of(
          CodeProbe.ZAP_HASH_COLLISION,
          CodeProbe.READ_RACED_WITH_SYNC,
          CodeProbe.GANG_HEADER_LOST,
          CodeProbe.INDIRECT_BLOCK_LOST,
          CodeProbe.TAIL_BLOCK_LOST);

  static SimReport of(
      String target,
      SimOptions options,
      List<SeedResult> seeds,
      List<ScriptSearch.Result> scripts,
      long realNanos) {
    List<String> violations = new ArrayList<>();
    Digest digest = new Digest();
    EnumMap<FaultKind, Long> faults = new EnumMap<>(FaultKind.class);
    EnumMap<CodeProbe, Long> probes = new EnumMap<>(CodeProbe.class);
    long virtualNanos = 0;
    for (SeedResult seed : seeds) {
      digest.add(seed.digest());
      virtualNanos += seed.virtualNanos();
      seed.faults().forEach((kind, count) -> faults.merge(kind, count, Long::sum));
      seed.probes().forEach((probe, count) -> probes.merge(probe, count, Long::sum));
      if (seed.violation() != null) {
        violations.add(seed.violation() + replay(options, "--replay", seed.seed()));
      }
    }
    for (ScriptSearch.Result script : scripts) {
      digest.add(script.points());
      digest.add(script.states());
      if (script.violation() != null) {
        violations.add(script.violation() + replay(options, "--script", script.seed()));
      }
    }
    EnumSet<CodeProbe> missing = EnumSet.allOf(CodeProbe.class);
    missing.removeAll(probes.keySet());
    missing.removeAll(OUT_OF_REACH);
    if (options.requireProbes() && !missing.isEmpty()) {
      violations.add("never reached: " + missing);
    }
    return new SimReport(
        target,
        options,
        violations,
        digest.value(),
        seeds.stream().mapToLong(SeedResult::operations).sum(),
        seeds.stream().mapToLong(SeedResult::refusals).sum(),
        seeds.stream().mapToLong(SeedResult::crashes).sum(),
        faults,
        probes,
        missing,
        scripts.stream().mapToLong(ScriptSearch.Result::states).sum(),
        scripts.stream().filter(ScriptSearch.Result::complete).count(),
        virtualNanos / 1_000_000_000L,
        realNanos);
  }

  private static String replay(SimOptions options, String what, long seed) {
    StringBuilder command =
        new StringBuilder("\n  replay: lcpfs sim ").append(what).append(' ').append(seed);
    if (what.equals("--replay") && options.operationsPerSeed() != SimOptions.OPERATIONS) {
      command.append(" --operations ").append(options.operationsPerSeed());
    }
    if (what.equals("--script")) {
      command.append(" --states ").append(options.statesPerScript());
    }
    for (PlantedBug bug : options.planted()) {
      command.append(" --plant ").append(bug);
    }
    return command.toString();
  }

  public boolean passed() {
    return violations.isEmpty();
  }

  /** Lines for a person. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    violations.forEach(violation -> lines.add("VIOLATION " + violation));
    lines.add(
        "target "
            + target
            + ", seeds "
            + options.firstSeed()
            + " to "
            + (options.firstSeed() + options.seeds() - 1)
            + (options.planted().isEmpty() ? "" : ", planted " + options.planted()));
    double seconds = realNanos / 1e9;
    lines.add(
        String.format(
            Locale.ROOT,
            "%d operations compared (%d refused for space), %d crashes, %d s simulated in %.1f s, "
                + "%.0f operations/s",
            operations,
            refusals,
            crashes,
            virtualSeconds,
            seconds,
            operations / seconds));
    lines.add(
        "crash states searched: "
            + states
            + ", scripts searched completely: "
            + completeScripts
            + " of "
            + options.scripts());
    lines.add("faults injected: " + faults);
    lines.add("probes reached: " + probes);
    if (!missingProbes.isEmpty()) {
      lines.add("probes not reached: " + missingProbes);
    }
    lines.add(String.format(Locale.ROOT, "digest %016x", digest));
    lines.add(passed() ? "no violation" : violations.size() + " violations");
    return lines;
  }
}
