package io.lcpfs.sim.device;

import io.lcpfs.sim.world.SimRandom;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

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
  private boolean slowReads;
  private @Nullable String victim;

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

  /** Spares all devices but this one; latency spikes still strike everywhere. */
  public FaultPlan onlyOn(String device) {
    victim = device;
    return this;
  }

  /**
   * Some reads take so long that whole transaction groups come and go meanwhile. No fault, and
   * never switched off.
   */
  public FaultPlan withSlowReads() {
    slowReads = true;
    return this;
  }

  boolean slowReads() {
    return slowReads;
  }

  /** Switches injection off and on, for example while a result is checked. */
  public void enable(boolean on) {
    enabled = on;
  }

  /**
   * Whether a fault of this kind strikes {@code device} now; it then counts as injected. Silent
   * damage is done once in all: a second could hit the copy that the first has to be repaired from.
   */
  boolean strikes(FaultKind kind, String device) {
    Integer rate = perMillion.get(kind);
    if (rate == null || !enabled || budget.getOrDefault(kind, 0) == 0) {
      return false;
    }
    boolean spared = victim != null && !victim.equals(device) && kind != FaultKind.LATENCY_SPIKE;
    if (spared || (kind.silent() && silentDamage() > 0)) {
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

  /** Faults so far after which an engine without redundancy has to stop. */
  public long stopping() {
    return injected.entrySet().stream()
        .filter(e -> e.getKey().stopsThePool())
        .mapToLong(Map.Entry::getValue)
        .sum();
  }
}
