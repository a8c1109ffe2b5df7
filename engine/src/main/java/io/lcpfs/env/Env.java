package io.lcpfs.env;

import java.util.concurrent.Callable;

/**
 * Everything non-deterministic that the engine may ask of the world. Locks are {@link
 * java.util.concurrent.locks.ReentrantLock} with untimed conditions; a timed wait is a forked task
 * that sleeps and then signals.
 */
public interface Env {

  /** Monotonic time in nanoseconds from an arbitrary origin. */
  long nanoTime();

  /** Wall-clock time in nanoseconds since 1970-01-01T00:00Z. */
  long wallNanos();

  /** Blocks the caller for at least {@code nanos}. An interrupt ends the sleep early. */
  void sleep(long nanos);

  /** The next random number; unpredictable in the real world, seeded in the simulator. */
  long randomLong();

  /** Starts a long-lived task of its own thread. Names need not be unique. */
  Task<Void> fork(String name, Runnable body);

  /** Runs a job that may block in native code or on a device; parks the waiter, not a carrier. */
  <T> Task<T> onDevice(Callable<T> job);

  /** Runs a job that burns CPU (compression, checksums); at most {@link #cpus} run at once. */
  <T> Task<T> onCpu(Callable<T> job);

  /** How many CPU jobs run side by side. At least 1. */
  int cpus();

  /**
   * A hook for code that must be explored by the simulator: counts that the rare branch {@code
   * probe} was taken. Costs nothing in the real world.
   */
  default void probe(CodeProbe probe) {}

  /**
   * Whether the mistake {@code bug} is to be made on purpose. Always false in the real world; the
   * simulator plants one to prove that its checks find it.
   */
  default boolean planted(PlantedBug bug) {
    return false;
  }
}
