package io.lcpfs.sim;

import io.lcpfs.env.PlantedBug;
import java.util.EnumSet;
import java.util.Set;

/**
 * What to simulate.
 *
 * @param firstSeed the first seed
 * @param seeds how many, one after the other
 * @param operationsPerSeed operations of all writers of a seed together, at least
 * @param scripts how many short scripts have all their crash states searched
 * @param statesPerScript recoveries after which the search of one crash point of a script samples
 * @param planted mistakes that the engine is asked to make
 * @param workers platform threads; results do not depend on it
 * @param requireProbes whether a probe that was never reached is a violation
 */
public record SimOptions(
    long firstSeed,
    long seeds,
    int operationsPerSeed,
    long scripts,
    long statesPerScript,
    Set<PlantedBug> planted,
    int workers,
    boolean requireProbes) {

  /** From so many seeds on, every probe has to be reached. */
  public static final long SEEDS_THAT_REACH_EVERY_PROBE = 1_000;

  /** The usual number of operations per seed. */
  public static final int OPERATIONS = 1_000;

  public SimOptions {
    EnumSet<PlantedBug> copy = EnumSet.noneOf(PlantedBug.class);
    copy.addAll(planted);
    planted = copy;
  }

  /** Seeds {@code first} onward with the usual effort on two threads. */
  public static SimOptions seeds(long first, long count) {
    return new SimOptions(
        first,
        count,
        OPERATIONS,
        Math.max(1, count / 100),
        20_000,
        EnumSet.noneOf(PlantedBug.class),
        2,
        count >= SEEDS_THAT_REACH_EVERY_PROBE);
  }

  public SimOptions withPlanted(Set<PlantedBug> bugs) {
    return new SimOptions(
        firstSeed,
        seeds,
        operationsPerSeed,
        scripts,
        statesPerScript,
        bugs,
        workers,
        requireProbes);
  }

  public SimOptions withWorkers(int threads) {
    return new SimOptions(
        firstSeed,
        seeds,
        operationsPerSeed,
        scripts,
        statesPerScript,
        planted,
        threads,
        requireProbes);
  }

  public SimOptions withScripts(long count, long states) {
    return new SimOptions(
        firstSeed, seeds, operationsPerSeed, count, states, planted, workers, requireProbes);
  }

  public SimOptions withOperations(int perSeed) {
    return new SimOptions(
        firstSeed, seeds, perSeed, scripts, statesPerScript, planted, workers, requireProbes);
  }
}
