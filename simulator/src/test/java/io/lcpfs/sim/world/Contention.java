package io.lcpfs.sim.world;

import io.lcpfs.env.Task;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A bounded queue under a lock with conditions, used by several tasks that also sleep and fork. */
final class Contention {
  private static final int ITEMS = 40;

  private final SimEnv env;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition notEmpty = lock.newCondition();
  private final Condition notFull = lock.newCondition();
  private final ArrayDeque<Long> queue = new ArrayDeque<>();
  private long sum;

  private Contention(SimEnv env) {
    this.env = env;
  }

  static long run(SimEnv env) {
    return new Contention(env).go();
  }

  private long go() {
    ArrayList<Task<Void>> tasks = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      tasks.add(env.fork("producer", this::produce));
      tasks.add(env.fork("consumer", this::consume));
    }
    long heavy = env.onCpu(() -> env.randomLong() & 0xFF).join();
    tasks.forEach(Task::join);
    env.record(sum);
    return sum + heavy;
  }

  private void produce() {
    for (int i = 0; i < ITEMS; i++) {
      lock.lock();
      try {
        while (queue.size() >= 3) {
          notFull.awaitUninterruptibly();
        }
        queue.add(env.randomLong() & 0xFFFF);
        notEmpty.signal();
      } finally {
        lock.unlock();
      }
      if ((env.randomLong() & 7) == 0) {
        env.sleep(env.randomLong() & 0xFFFFF);
      }
    }
  }

  private void consume() {
    for (int i = 0; i < ITEMS; i++) {
      lock.lock();
      try {
        while (queue.isEmpty()) {
          notEmpty.awaitUninterruptibly();
        }
        sum = sum * 31 + queue.remove() + (env.nanoTime() & 0xFF);
        notFull.signal();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Prints the digests of seeds 0 to 19: run in another JVM to compare. */
  public static void main(String[] args) {
    for (long seed = 0; seed < 20; seed++) {
      System.out.println(SimEnv.run(seed, Contention::run).digest());
    }
  }
}
