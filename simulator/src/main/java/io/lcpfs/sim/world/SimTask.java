package io.lcpfs.sim.world;

import io.lcpfs.env.Task;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One virtual thread of a machine. It is its own executor: the JDK hands each next step of the
 * thread to {@link #execute}, which is how the scheduler learns that the task became runnable.
 */
final class SimTask<T> implements Task<T>, Executor {
  final int id;
  final String name;
  final SimEnv machine;
  final boolean forked;

  private final SimScheduler scheduler;
  private final Callable<T> body;
  private final Thread thread;
  private final ArrayList<SimTask<?>> waiters = new ArrayList<>();

  private @Nullable Runnable step;
  private boolean done;
  private boolean joined;
  private @Nullable T result;
  private @Nullable Throwable failure;

  /** Set when the timer that this task sleeps on has fired. */
  boolean timerFired;

  SimTask(
      SimScheduler scheduler,
      SimEnv machine,
      int id,
      String name,
      boolean forked,
      Callable<T> body) {
    this.scheduler = scheduler;
    this.machine = machine;
    this.id = id;
    this.name = name;
    this.forked = forked;
    this.body = body;
    this.thread = VirtualThreads.unstarted(this, name, this::runBody);
  }

  Thread thread() {
    return thread;
  }

  boolean scheduled() {
    return step != null;
  }

  @Nullable Runnable takeStep() {
    Runnable taken = step;
    step = null;
    return taken;
  }

  /** Called by the JDK when the thread can go on. */
  @Override
  public void execute(Runnable nextStep) {
    if (scheduler.calledFromOutside()) {
      scheduler.wokenFromOutside(this, nextStep);
    } else {
      resume(nextStep);
    }
  }

  void resume(Runnable nextStep) {
    if (machine.crashed()) {
      return; // nobody runs on a machine that crashed
    }
    step = nextStep;
    scheduler.runnable(this);
  }

  private void runBody() {
    try {
      result = body.call();
    } catch (Throwable e) { // whatever it is, the one who joins gets it
      failure = e;
    }
    done = true;
    scheduler.ended(this);
    for (int i = 0; i < waiters.size(); i++) {
      LockSupport.unpark(waiters.get(i).thread);
    }
    waiters.clear();
  }

  void wakeWaitersOfCrash() {
    for (int i = 0; i < waiters.size(); i++) {
      SimTask<?> waiter = waiters.get(i);
      if (!waiter.machine.crashed()) {
        LockSupport.unpark(waiter.thread);
      }
    }
    waiters.clear();
  }

  @Nullable Throwable failure() {
    return failure;
  }

  boolean joined() {
    return joined;
  }

  @Override
  public boolean isDone() {
    return done;
  }

  @Override
  @SuppressWarnings("NullAway") // T of a fork is Void, whose only value is null
  public T join() {
    awaitEnd();
    joined = true;
    Throwable thrown = failure;
    if (thrown == null) {
      return result;
    }
    if (thrown instanceof RuntimeException e) {
      throw e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
    throw new IllegalStateException(name + " failed", thrown);
  }

  private void awaitEnd() {
    if (done) {
      return;
    }
    SimTask<?> me = scheduler.currentTask();
    boolean interrupted = false;
    while (!done) {
      if (machine.crashed()) {
        throw new MachineCrashed(machine.name());
      }
      waiters.add(me);
      LockSupport.park(this);
      waiters.remove(me);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      me.thread.interrupt();
    }
  }

  @Override
  public String toString() {
    return machine.name() + "/" + name + "#" + id;
  }
}
