package io.lcpfs.sim;

import io.lcpfs.sim.world.SimConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs many seeds and scripts on a few platform threads; each world stays on one of them. */
public final class Simulation {
  /** Violations after which no further seed is begun. */
  private static final int ENOUGH_VIOLATIONS = 20;

  private static final int PROGRESS_LINES = 20;

  private final SimTarget target;
  private final SimOptions options;
  private final Consumer<String> progress;
  private final AtomicInteger nextJob = new AtomicInteger();
  private final AtomicInteger violations = new AtomicInteger();
  private final AtomicInteger seedsDone = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> broken = new AtomicReference<>();
  private final AtomicReferenceArray<@Nullable SeedResult> seeds;
  private final AtomicReferenceArray<ScriptSearch.@Nullable Result> scripts;

  private Simulation(SimTarget target, SimOptions options, Consumer<String> progress) {
    this.target = target;
    this.options = options;
    this.progress = progress;
    this.seeds = new AtomicReferenceArray<>(Math.toIntExact(options.seeds()));
    this.scripts = new AtomicReferenceArray<>(Math.toIntExact(options.scripts()));
  }

  /** Runs what {@code options} asks for and waits for its end. */
  public static SimReport run(SimTarget target, SimOptions options) {
    return run(target, options, line -> {});
  }

  /**
   * As above.
   *
   * @param progress told now and then how far the run is; by several threads
   */
  public static SimReport run(SimTarget target, SimOptions options, Consumer<String> progress) {
    return new Simulation(target, options, progress).run();
  }

  private SimReport run() {
    long start = System.nanoTime();
    List<Thread> workers = new ArrayList<>();
    for (int i = 0; i < options.workers(); i++) {
      workers.add(Thread.ofPlatform().name("sim-" + i).start(this::work));
    }
    boolean interrupted = false;
    for (Thread worker : workers) {
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
          nextJob.set(Integer.MAX_VALUE / 2); // the seeds under way end, no other begins
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    Throwable failure = broken.get();
    if (failure != null) {
      throw new IllegalStateException("the simulator itself failed", failure);
    }
    return SimReport.of(
        target.name(), options, present(seeds), present(scripts), System.nanoTime() - start);
  }

  private static <T> List<T> present(AtomicReferenceArray<@Nullable T> array) {
    List<T> list = new ArrayList<>();
    for (int i = 0; i < array.length(); i++) {
      T element = array.get(i);
      if (element != null) {
        list.add(element);
      }
    }
    return list;
  }

  private void work() {
    try {
      for (int job = nextJob.getAndIncrement();
          job < seeds.length() + scripts.length() && violations.get() < ENOUGH_VIOLATIONS;
          job = nextJob.getAndIncrement()) {
        // Scripts take longest, so they come first.
        if (job < scripts.length()) {
          runScript(job);
        } else {
          runSeed(job - scripts.length());
        }
      }
    } catch (RuntimeException | Error e) {
      broken.compareAndSet(null, e);
    }
  }

  private void runScript(int index) {
    ScriptSearch.Result result = ScriptSearch.run(target, config(index), options.statesPerScript());
    scripts.set(index, result);
    if (result.violation() != null) {
      violations.incrementAndGet();
    }
  }

  private void runSeed(int index) {
    SeedResult result = SeedRun.run(target, config(index), options.operationsPerSeed());
    seeds.set(index, result);
    if (result.violation() != null) {
      violations.incrementAndGet();
      progress.accept("seed " + (options.firstSeed() + index) + ": " + result.violation());
    }
    int done = seedsDone.incrementAndGet();
    if (done % Math.max(1, seeds.length() / PROGRESS_LINES) == 0) {
      progress.accept(done + " of " + seeds.length() + " seeds, " + violations + " violations");
    }
  }

  private SimConfig config(int index) {
    return SimConfig.of(options.firstSeed() + index).withPlanted(options.planted());
  }
}
