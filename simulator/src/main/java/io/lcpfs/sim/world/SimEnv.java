package io.lcpfs.sim.world;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.env.Task;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * The world as one simulated machine sees it. {@link #run} makes a world with a first machine that
 * never crashes, where the test itself runs; {@link #newMachine} adds one that can: on {@link
 * #crash} its tasks stop where they stand and never run again, and what they held (locks, memory)
 * is only garbage of the old incarnation. Start over with a fresh machine and a fresh object graph.
 */
public final class SimEnv implements Env {
  /** 2026-01-01T00:00Z. */
  private static final long WALL_ORIGIN_NANOS = 1_767_225_600_000_000_000L;

  /** The body of a simulated world. */
  public interface Body<T> {
    T run(SimEnv env) throws Exception;
  }

  private final SimScheduler scheduler;
  private final String name;
  private final SimRandom random;
  private final List<SimEnv> machines;
  private final ArrayList<Runnable> onCrash = new ArrayList<>();
  private boolean crashed;

  private SimEnv(SimScheduler scheduler, String name, List<SimEnv> machines) {
    this.scheduler = scheduler;
    this.name = name;
    this.machines = machines;
    this.random = SimRandom.named(scheduler.config().seed(), "env " + machines.size());
    machines.add(this);
  }

  /**
   * Runs {@code body} as the first task of the world of {@code seed}; see {@link #run(SimConfig,
   * Body)}.
   */
  public static <T> SimResult<T> run(long seed, Body<T> body) {
    return run(SimConfig.of(seed), body);
  }

  /**
   * Runs {@code body} to its end on the calling platform thread. Tasks that are still alive then
   * are dropped.
   *
   * @throws SimFailure what the body threw, an Error of any task, an exception of a forked task
   *     that nobody joined, a deadlock, a wait on the real clock
   */
  public static <T> SimResult<T> run(SimConfig config, Body<T> body) {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException("a simulated world needs a platform thread");
    }
    SimScheduler scheduler = new SimScheduler(config);
    SimEnv root = new SimEnv(scheduler, "world", new ArrayList<>());
    return scheduler.run(root, () -> body.run(root));
  }

  /** A further machine in this world: same clock, own randomness. */
  public SimEnv newMachine(String machineName) {
    return new SimEnv(scheduler, machineName, machines);
  }

  public String name() {
    return name;
  }

  public boolean crashed() {
    return crashed;
  }

  /** Runs {@code action} when this machine crashes, before any other task goes on. */
  public void onCrash(Runnable action) {
    onCrash.add(action);
  }

  /**
   * Stops every task of this machine for ever. Tasks of other machines that join one of them get
   * {@link MachineCrashed}. Called by a task of this machine, it does not return.
   */
  public void crash() {
    if (!crashed) {
      boolean suicide = scheduler.currentTask().machine == this;
      crashed = true;
      scheduler.digest().add("crash");
      for (int i = 0; i < onCrash.size(); i++) {
        onCrash.get(i).run();
      }
      scheduler.dropTasksOf(this);
      if (suicide) {
        scheduler.parkForever();
      }
    }
  }

  void abandon() {
    for (SimEnv machine : machines) {
      machine.crashed = true;
    }
    scheduler.dropEverything();
  }

  /** Adds a result to the digest of the run. */
  public void record(long value) {
    scheduler.digest().add(value);
  }

  public long digestSoFar() {
    return scheduler.digestSoFar();
  }

  /**
   * A stream of random numbers of this world for {@code purpose}; the same each time it is asked.
   */
  public SimRandom randomFor(String purpose) {
    return SimRandom.named(scheduler.config().seed(), purpose);
  }

  public long seed() {
    return scheduler.config().seed();
  }

  /** Tasks of this machine that have not ended. */
  public int liveTasks() {
    return scheduler.liveTasksOf(this);
  }

  /** Makes the caller wait while others run, with the probability of this world. */
  public void preemptionPoint() {
    scheduler.preemptionPoint();
  }

  @Override
  public long nanoTime() {
    preemptionPoint();
    return scheduler.readClock();
  }

  @Override
  public long wallNanos() {
    preemptionPoint();
    return WALL_ORIGIN_NANOS + scheduler.readClock();
  }

  @Override
  public void sleep(long nanos) {
    scheduler.sleep(nanos);
  }

  @Override
  public long randomLong() {
    preemptionPoint();
    return random.nextLong();
  }

  @Override
  @SuppressWarnings("NullAway") // the only value of Void is null
  public Task<Void> fork(String taskName, Runnable body) {
    preemptionPoint();
    return scheduler.start(
        this,
        taskName,
        true,
        () -> {
          body.run();
          return null;
        });
  }

  /** Starts {@code job} on this machine; whoever joins it gets its result or its exception. */
  public <T> Task<T> start(String taskName, Callable<T> job) {
    return scheduler.start(this, taskName, false, job);
  }

  /** Runs {@code job} on this machine and waits for its end. */
  public <T> T call(String taskName, Callable<T> job) {
    return scheduler.start(this, taskName, false, job).join();
  }

  @Override
  public <T> Task<T> onDevice(Callable<T> job) {
    preemptionPoint();
    return scheduler.start(this, "device", false, job);
  }

  @Override
  public <T> Task<T> onCpu(Callable<T> job) {
    preemptionPoint();
    return scheduler.start(this, "cpu", false, job);
  }

  @Override
  public int cpus() {
    return scheduler.config().cpus();
  }

  @Override
  public void probe(CodeProbe probe) {
    scheduler.probe(probe);
    preemptionPoint();
  }

  @Override
  public boolean planted(PlantedBug bug) {
    return scheduler.config().planted().contains(bug);
  }

  /** How often each probe was reached so far. */
  public Map<CodeProbe, Long> probesSoFar() {
    return Collections.unmodifiableMap(scheduler.probesSoFar());
  }
}
