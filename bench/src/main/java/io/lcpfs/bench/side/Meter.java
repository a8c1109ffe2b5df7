package io.lcpfs.bench.side;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Measures a stretch of work: wall-clock time, CPU time of the process, heap allocated. */
final class Meter {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final long cpuAtStart = HostSystem.processCpuNanos();
  private final long allocatedAtStart = THREADS.getTotalThreadAllocatedBytes();
  private final long startNanos = System.nanoTime();

  private Meter() {}

  static Meter start() {
    return new Meter();
  }

  /** Heap that the calling thread has allocated since it started, in bytes. */
  static long threadAllocatedBytes() {
    return THREADS.getCurrentThreadAllocatedBytes();
  }

  /**
   * Ends it.
   *
   * @param amount what was done, in the row's unit times seconds
   * @param operations what the costs are divided by
   */
  Sample stop(double amount, long operations) {
    long nanos = System.nanoTime() - startNanos;
    long allocated = THREADS.getTotalThreadAllocatedBytes() - allocatedAtStart;
    long cpu = HostSystem.processCpuNanos() - cpuAtStart;
    return new Sample(amount / nanos * 1e9, operations, cpu, allocated);
  }
}
