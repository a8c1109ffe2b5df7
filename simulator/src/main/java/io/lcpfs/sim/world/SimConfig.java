package io.lcpfs.sim.world;

import io.lcpfs.env.PlantedBug;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a simulated world is made from.
 *
 * @param seed decides everything
 * @param preemptPerMille how often, of 1,000 calls into the world, the caller is made to wait while
 *     others run
 * @param cpus what {@link io.lcpfs.env.Env#cpus} answers
 * @param maxSteps scheduling steps after which the run counts as stuck
 * @param planted mistakes that the engine is asked to make
 */
public record SimConfig(
    long seed, int preemptPerMille, int cpus, long maxSteps, Set<PlantedBug> planted) {

  private static final Integer[] PREEMPT_PER_MILLE = {0, 20, 100, 300};

  public SimConfig {
    // An EnumSet iterates in declaration order, in every JVM.
    EnumSet<PlantedBug> copy = EnumSet.noneOf(PlantedBug.class);
    copy.addAll(planted);
    planted = copy;
  }

  /** The usual world of a seed: how eagerly tasks are preempted is itself drawn from the seed. */
  public static SimConfig of(long seed) {
    SimRandom random = SimRandom.named(seed, "config");
    return new SimConfig(
        seed,
        random.pick(PREEMPT_PER_MILLE),
        1 + random.nextInt(4),
        200_000_000L,
        EnumSet.noneOf(PlantedBug.class));
  }

  public SimConfig withPlanted(Set<PlantedBug> bugs) {
    return new SimConfig(seed, preemptPerMille, cpus, maxSteps, bugs);
  }

  public SimConfig withMaxSteps(long steps) {
    return new SimConfig(seed, preemptPerMille, cpus, steps, planted);
  }

  /** No forced preemption: the schedule varies only where tasks wait. */
  public SimConfig calm() {
    return new SimConfig(seed, 0, cpus, maxSteps, planted);
  }
}
