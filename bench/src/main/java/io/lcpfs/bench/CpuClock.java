package io.lcpfs.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Counts the CPU time of the benchmark's thread beside its operations, so that a kernel's speed is
 * the processor's, whatever else the machine is doing.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class CpuClock {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** CPU time of the iteration, in nanoseconds; public for the harness. */
  public long cpuNanos;

  /** Operations of the iteration; public for the harness. */
  public long operations;

  private long startNanos;

  @Setup(Level.Iteration)
  public void start() {
    operations = 0;
    cpuNanos = 0;
    startNanos = THREADS.getCurrentThreadCpuTime();
  }

  @TearDown(Level.Iteration)
  public void stop() {
    cpuNanos = THREADS.getCurrentThreadCpuTime() - startNanos;
  }
}
