package io.lcpfs.bench.side;

/**
 * One measurement.
 *
 * @param value in the row's unit
 * @param operations what was done in the measured time: calls, files or entries
 * @param cpuNanos CPU time of the whole process meanwhile
 * @param allocatedBytes Java heap that all its threads allocated meanwhile
 */
record Sample(double value, long operations, long cpuNanos, long allocatedBytes) {
  double cpuNanosPerOperation() {
    return (double) cpuNanos / operations;
  }

  double allocatedPerOperation() {
    return (double) allocatedBytes / operations;
  }
}
