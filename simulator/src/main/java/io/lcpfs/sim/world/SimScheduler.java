package io.lcpfs.sim.world;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Check;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.PriorityQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Runs the tasks of a world one step at a time on the calling thread. Which runnable task goes next
 * is drawn from the seed. Time is virtual: each step costs a little, and when nothing can run it
 * jumps to the next timer. When there is none either, the run ends with the tasks that wait.
 */
final class SimScheduler {
  private static final long MAX_STEP_NANOS = 4_000;

  /** Real time granted to a JDK monitor that another simulated world in this JVM holds. */
  private static final long MONITOR_PATIENCE_NANOS = 20_000_000_000L;

  private static final int FRAMES_SHOWN = 12;

  private record Timer(long deadlineNanos, long sequence, SimTask<?> task) {}

  private record OutsideWake(SimTask<?> task, Runnable step) {}

  private final SimConfig config;
  private final SimRandom choices;
  private final Thread loopThread = Thread.currentThread();
  private final ArrayList<SimTask<?>> runnable = new ArrayList<>();
  private final ArrayList<SimTask<?>> live = new ArrayList<>();
  private final PriorityQueue<Timer> timers =
      new PriorityQueue<>(
          (a, b) -> {
            int byTime = Long.compare(a.deadlineNanos, b.deadlineNanos);
            return byTime != 0 ? byTime : Long.compare(a.sequence, b.sequence);
          });
  private final ConcurrentLinkedQueue<OutsideWake> outside = new ConcurrentLinkedQueue<>();
  private final ArrayList<SimTask<?>> failedForks = new ArrayList<>();
  private final EnumMap<CodeProbe, Long> probes = new EnumMap<>(CodeProbe.class);
  private final Digest digest = new Digest();

  private long nowNanos = 1_000_000_000L;
  private long timerSequence;
  private long steps;
  private int nextTaskId;
  private @Nullable SimTask<?> current;
  private @Nullable Throwable fatal;
  private String fatalMessage = "";

  SimScheduler(SimConfig config) {
    this.config = config;
    this.choices = SimRandom.named(config.seed(), "schedule");
  }

  <T> SimResult<T> run(SimEnv root, Callable<T> body) {
    SimTask<T> main = start(root, "main", false, body);
    while (!main.isDone() && fatal == null) {
      oneStep();
    }
    if (fatal == null) {
      reportUnjoinedFailures();
    }
    root.abandon();
    if (fatal != null) {
      throw new SimFailure(config.seed(), fatalMessage, fatal);
    }
    Throwable thrown = main.failure();
    if (thrown instanceof SimFailure failure) {
      throw failure;
    }
    if (thrown != null) {
      String message =
          thrown instanceof Violation ? String.valueOf(thrown.getMessage()) : thrown.toString();
      throw new SimFailure(config.seed(), message, thrown);
    }
    return new SimResult<>(main.join(), digest.value(), steps, nowNanos, probes);
  }

  private void oneStep() {
    fireTimers();
    if (runnable.isEmpty()) {
      Timer next = timers.peek();
      if (next == null) {
        fail("deadlock: nothing can run and no timer is set\n" + describeWaiting(), null);
        return;
      }
      nowNanos = Math.max(nowNanos, next.deadlineNanos);
      return;
    }
    SimTask<?> task = takeRunnable();
    Runnable step = task.takeStep();
    if (step == null || task.machine.crashed()) {
      return;
    }
    if (++steps > config.maxSteps()) {
      fail("no end after " + config.maxSteps() + " steps\n" + describeWaiting(), null);
      return;
    }
    digest.add(task.id);
    nowNanos += 1 + choices.nextLong(MAX_STEP_NANOS);
    current = task;
    step.run();
    current = null;
    afterStep(task);
  }

  private SimTask<?> takeRunnable() {
    int last = runnable.size() - 1;
    int index = last == 0 ? 0 : choices.nextInt(last + 1);
    SimTask<?> task = runnable.get(index);
    runnable.set(index, runnable.get(last));
    runnable.remove(last);
    return task;
  }

  private void fireTimers() {
    for (Timer next = timers.peek();
        next != null && next.deadlineNanos <= nowNanos;
        next = timers.peek()) {
      timers.remove();
      next.task.timerFired = true;
      LockSupport.unpark(next.task.thread());
    }
  }

  /** A task that stopped must wait for something of this world; else the replay would be lost. */
  private void afterStep(SimTask<?> task) {
    if (task.isDone() || task.scheduled()) {
      return;
    }
    if (task.machine.crashed()) {
      VirtualThreads.abandon(task.thread());
      return;
    }
    switch (task.thread().getState()) {
      case BLOCKED -> awaitMonitor(task);
      case TIMED_WAITING -> fail(task + " waits on the real clock\n" + stackOf(task), null);
      default -> drainOutside(task);
    }
  }

  /**
   * The task met a JDK monitor that a thread of another world holds. It goes on as soon as it can,
   * as if nothing had happened, before anything else is chosen.
   */
  private void awaitMonitor(SimTask<?> task) {
    long deadline = System.nanoTime() + MONITOR_PATIENCE_NANOS;
    while (true) {
      OutsideWake wake = outside.poll();
      if (wake != null && wake.task == task) {
        goOn(wake);
        return;
      }
      if (wake != null) {
        fail(wake.task + " was woken from outside the simulated world", null);
        return;
      }
      if (System.nanoTime() > deadline) {
        fail(task + " is stuck on a monitor (synchronized)\n" + stackOf(task), null);
        return;
      }
      LockSupport.parkNanos(this, 1_000_000);
    }
  }

  private void goOn(OutsideWake wake) {
    current = wake.task;
    wake.step.run();
    current = null;
    afterStep(wake.task);
  }

  private void drainOutside(SimTask<?> stopped) {
    OutsideWake wake = outside.poll();
    if (wake != null && wake.task == stopped) {
      goOn(wake); // it met a monitor that was left before its state was looked at
    } else if (wake != null) {
      fail(wake.task + " was woken from outside the simulated world", null);
    }
  }

  boolean calledFromOutside() {
    Thread caller = Thread.currentThread();
    SimTask<?> running = current;
    return !caller.equals(loopThread) && (running == null || !caller.equals(running.thread()));
  }

  void wokenFromOutside(SimTask<?> task, Runnable step) {
    outside.add(new OutsideWake(task, step));
    LockSupport.unpark(loopThread);
  }

  void runnable(SimTask<?> task) {
    runnable.add(task);
  }

  <T> SimTask<T> start(SimEnv machine, String name, boolean forked, Callable<T> body) {
    SimTask<T> task = new SimTask<>(this, machine, nextTaskId++, name, forked, body);
    live.add(task);
    task.thread().start();
    return task;
  }

  void ended(SimTask<?> task) {
    live.remove(task);
    Throwable failure = task.failure();
    if (failure instanceof Error) {
      fail(task + " failed: " + failure, failure);
    } else if (failure != null && task.forked) {
      failedForks.add(task);
    }
  }

  private void reportUnjoinedFailures() {
    for (SimTask<?> task : failedForks) {
      if (!task.joined()) {
        Throwable failure = task.failure();
        fail(task + " ended with an exception that nobody saw: " + failure, failure);
        return;
      }
    }
  }

  SimTask<?> currentTask() {
    SimTask<?> task = current;
    if (task == null || !Thread.currentThread().equals(task.thread())) {
      throw new IllegalStateException(
          "call from outside the simulated world: " + Thread.currentThread());
    }
    return task;
  }

  void sleep(long nanos) {
    SimTask<?> me = currentTask();
    me.timerFired = false;
    Timer timer = new Timer(nowNanos + Math.max(0, nanos), timerSequence++, me);
    timers.add(timer);
    while (!me.timerFired && !Thread.currentThread().isInterrupted()) {
      LockSupport.park(this);
    }
    if (!me.timerFired) {
      timers.remove(timer);
    }
  }

  /** Lets others run, sometimes. */
  void preemptionPoint() {
    currentTask();
    if (choices.chance(config.preemptPerMille())) {
      Thread.yield();
    }
  }

  /** Ends all tasks of {@code machine} where they stand. A caller on that machine never returns. */
  void dropTasksOf(SimEnv machine) {
    ArrayList<SimTask<?>> dropped = new ArrayList<>();
    live.removeIf(task -> task.machine == machine && dropped.add(task));
    runnable.removeIf(task -> task.machine == machine);
    timers.removeIf(timer -> timer.task.machine == machine);
    for (SimTask<?> task : dropped) {
      task.wakeWaitersOfCrash();
      if (task != current) {
        VirtualThreads.abandon(task.thread());
      }
    }
  }

  void parkForever() {
    while (true) {
      LockSupport.park(this);
    }
  }

  void dropEverything() {
    for (SimTask<?> task : live) {
      VirtualThreads.abandon(task.thread());
    }
    live.clear();
    runnable.clear();
    timers.clear();
  }

  private void fail(String message, @Nullable Throwable cause) {
    if (fatal == null) {
      fatalMessage = message;
      fatal = cause == null ? new AssertionError(message) : cause;
    }
  }

  private String describeWaiting() {
    StringBuilder text = new StringBuilder();
    for (SimTask<?> task : live) {
      text.append("  ").append(task).append(' ').append(task.thread().getState()).append('\n');
      text.append(stackOf(task));
    }
    return text.toString();
  }

  private static String stackOf(SimTask<?> task) {
    StringBuilder text = new StringBuilder();
    int shown = 0;
    for (StackTraceElement frame : task.thread().getStackTrace()) {
      if (frame.getClassName().startsWith("io.lcpfs.") && shown++ < FRAMES_SHOWN) {
        text.append("      at ").append(frame).append('\n');
      }
    }
    return text.toString();
  }

  long nowNanos() {
    return nowNanos;
  }

  /** A reading of the clock takes time too: a loop that polls it comes to an end. */
  long readClock() {
    nowNanos += 50;
    return nowNanos;
  }

  void probe(CodeProbe probe) {
    probes.merge(probe, 1L, Long::sum);
  }

  EnumMap<CodeProbe, Long> probesSoFar() {
    return new EnumMap<>(probes);
  }

  Digest digest() {
    return digest;
  }

  long digestSoFar() {
    return digest.value();
  }

  int liveTasksOf(SimEnv machine) {
    int count = 0;
    for (SimTask<?> task : live) {
      if (task.machine == machine) {
        count++;
      }
    }
    return count;
  }

  SimConfig config() {
    Check.that(config.cpus() > 0, "cpus", config.cpus());
    return config;
  }
}
