package io.lcpfs.bench;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs the kernel benchmarks and prints one line each, in MB/s of plain data per second of CPU time
 * of one thread. About three minutes for all.
 */
public final class KernelBench {
  private static final List<String> PARTS =
      List.of("checksums", "parity", "compress", "decompress");
  private static final int ITERATIONS = 3;
  private static final long WARM_UP_MILLIS = 400;
  private static final long ITERATION_MILLIS = 150;

  private KernelBench() {}

  /**
   * {@code args}: {@code checksums}, {@code parity}, {@code compress}, {@code decompress}; none for
   * all.
   */
  public static void main(String[] args) throws RunnerException {
    List<String> parts = args.length > 0 ? List.of(args) : PARTS;
    if (!PARTS.containsAll(parts)) {
      throw new IllegalArgumentException("arguments are any of " + PARTS);
    }
    for (String part : parts) {
      switch (part) {
        case "checksums" -> run("ChecksumBench.hash", "what");
        case "parity" -> run("ParityBench.run", "what");
        case "compress" -> run("CompressionBench.compress", "property");
        default -> run("CompressionBench.decompress", "property");
      }
    }
  }

  private static void run(String benchmark, String parameter) throws RunnerException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("\\." + benchmark.replace(".", "\\.") + "$")
            .forks(1)
            .jvmArgsAppend(
                "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED")
            .warmupIterations(1)
            .warmupTime(TimeValue.milliseconds(WARM_UP_MILLIS))
            .measurementIterations(ITERATIONS)
            .measurementTime(TimeValue.milliseconds(ITERATION_MILLIS))
            .verbosity(VerboseMode.SILENT);
    if (benchmark.endsWith("decompress")) {
      options.param("records", "corpus");
    }
    Collection<RunResult> results = new Runner(options.build()).run();
    for (RunResult result : results) {
      print(benchmark, parameter, result);
    }
  }

  private static void print(String benchmark, String parameter, RunResult result) {
    String what = result.getParams().getParam(parameter);
    long bytes = ChecksumBench.BYTES_PER_OPERATION;
    String note = "";
    if (benchmark.startsWith("Compression")) {
      String records = result.getParams().getParam("records");
      CompressionBench sizes = new CompressionBench();
      sizes.setUp(what, records);
      boolean back = benchmark.endsWith("decompress");
      bytes = back ? sizes.decompressedPerOperation() : sizes.compressedPerOperation();
      note = String.format(Locale.ROOT, "  %s, ratio %.2f", records, sizes.ratio());
    }
    double operations = counted(result, "operations");
    double cpuNanos = counted(result, "cpuNanos");
    double perSecond = operations / cpuNanos * 1e9;
    System.out.printf(
        Locale.ROOT, "%-28s %-28s %9.1f MB/s%s%n", benchmark, what, perSecond * bytes / 1e6, note);
  }

  private static double counted(RunResult result, String counter) {
    Result<?> found = result.getSecondaryResults().get(counter);
    if (found == null) {
      throw new IllegalStateException("the harness lost the counter " + counter);
    }
    return found.getScore();
  }
}
