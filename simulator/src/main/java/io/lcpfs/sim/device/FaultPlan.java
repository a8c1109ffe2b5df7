package io.lcpfs.sim.device;

import io.lcpfs.sim.world.SimRandom;
import java.util.EnumMap;
import java.util.Map;

/**
 * Which faults the devices of a world may show: a rate per million commands for each kind, and how
 * many of each kind in all. One plan is shared by all devices of a pool so that its budget is
 * theirs.
 */
public final class FaultPlan {
  private final SimRandom random;
  private final EnumMap<FaultKind, Integer> perMillion = new EnumMap<>(FaultKind.class);
  private final EnumMap<FaultKind, Integer> budget = new EnumMap<>(FaultKind.class);
  private final EnumMap<FaultKind, Long> injected = new EnumMap<>(FaultKind.class);
  private boolean enabled = true;

  public FaultPlan(SimRandom random) {
    this.random = random;
  }

  /** A plan that injects nothing. */
  public static FaultPlan none() {
    return new FaultPlan(new SimRandom(0));
  }

  /** Allows {@code count} faults of a kind, each with the given chance at a command it fits. */
  public FaultPlan allow(FaultKind kind, int ratePerMillion, int count) {
    perMillion.put(kind, ratePerMillion);
    budget.merge(kind, count, Integer::sum);
    return this;
  }

  /** Switches injection off and on, for example while a result is checked. */
  public void enable(boolean on) {
    enabled = on;
  }

  /** Whether a fault of this kind strikes now; it then counts as injected. */
  boolean strikes(FaultKind kind) {
    Integer rate = perMillion.get(kind);
    if (rate == null || !enabled || budget.getOrDefault(kind, 0) == 0) {
      return false;
    }
    if (random.nextInt(1_000_000) >= rate) {
      return false;
    }
    budget.merge(kind, -1, Integer::sum);
    count(kind);
    return true;
  }

  /** Counts a fault that was injected by other means. */
  public void count(FaultKind kind) {
    injected.merge(kind, 1L, Long::sum);
  }

  /** How many faults of each kind were injected so far. */
  public Map<FaultKind, Long> injected() {
    return injected;
  }

  /** Faults so far that damage what is stored without saying so. */
  public long silentDamage() {
    return injected.entrySet().stream()
        .filter(e -> e.getKey().silent())
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  SimRandom random() {
    return random;
  }
}
