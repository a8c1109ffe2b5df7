package io.lcpfs.bench.side;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Collects samples and prints them: minimum, median, maximum, and what an operation costs. */
final class Report {
  /** The two systems' samples of a row. */
  private static final class Samples {
    private final Row row;
    private final List<Sample> host = new ArrayList<>();
    private final List<Sample> lcpfs = new ArrayList<>();

    Samples(Row row) {
      this.row = row;
    }
  }

  private final List<Samples> all = new ArrayList<>();

  Report(List<Row> rows) {
    rows.forEach(row -> all.add(new Samples(row)));
  }

  void add(Row row, boolean lcpfs, Sample sample) {
    for (Samples samples : all) {
      if (samples.row.id().equals(row.id())) {
        (lcpfs ? samples.lcpfs : samples.host).add(sample);
      }
    }
  }

  static double median(List<Sample> samples, ToDoubleFunction<Sample> of) {
    double[] sorted = samples.stream().mapToDouble(of).sorted().toArray();
    if (sorted.length == 0) {
      return Double.NaN;
    }
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static String span(List<Sample> samples) {
    double[] sorted = samples.stream().mapToDouble(Sample::value).sorted().toArray();
    if (sorted.length == 0) {
      return " ".repeat(29);
    }
    return String.format(
        Locale.ROOT,
        "%,9.0f %,9.0f %,9.0f",
        sorted[0],
        median(samples, Sample::value),
        sorted[sorted.length - 1]);
  }

  /** @param hostName what the other system is called */
  void print(PrintStream out, String hostName) {
    out.printf(
        Locale.ROOT,
        "%n%-12s %-9s %-29s   %-29s   %6s %s%n",
        "row",
        "unit",
        hostName + " min, median, max",
        "lcpfs min, median, max",
        "ratio",
        "goals");
    for (Samples samples : all) {
      double ratio = median(samples.lcpfs, Sample::value) / median(samples.host, Sample::value);
      out.printf(
          Locale.ROOT,
          "%-12s %-9s %s   %s   %5.2fx %s%n",
          samples.row.id(),
          samples.row.unit(),
          span(samples.host),
          span(samples.lcpfs),
          ratio,
          goals(samples, ratio));
    }
    out.printf(
        Locale.ROOT,
        "%n%-12s %-24s %-24s  (medians; CPU of the process, heap)%n",
        "row",
        hostName + " us, bytes per op",
        "lcpfs us, bytes per op");
    for (Samples samples : all) {
      out.printf(
          Locale.ROOT,
          "%-12s %s %s%n",
          samples.row.id(),
          costs(samples.host),
          costs(samples.lcpfs));
    }
    out.println();
    for (Samples samples : all) {
      String configuration = samples.row.configuration();
      out.println(
          samples.row.id()
              + ": "
              + samples.row.title()
              + (configuration.isEmpty() ? "" : " (" + configuration + ")"));
    }
  }

  private static String costs(List<Sample> samples) {
    return String.format(
        Locale.ROOT,
        "%,12.3f %,11.1f",
        median(samples, Sample::cpuNanosPerOperation) / 1000,
        median(samples, Sample::allocatedPerOperation));
  }

  private static String goals(Samples samples, double ratio) {
    List<String> goals = new ArrayList<>();
    if (samples.row.goalRatio() > 0) {
      goals.add(
          String.format(
              Locale.ROOT,
              "%.2fx %s",
              samples.row.goalRatio(),
              word(ratio >= samples.row.goalRatio())));
    }
    if (samples.row.goalAbsolute() > 0) {
      goals.add(
          String.format(
              Locale.ROOT,
              "%,.0f %s",
              samples.row.goalAbsolute(),
              word(median(samples.lcpfs, Sample::value) >= samples.row.goalAbsolute())));
    }
    return String.join(", ", goals);
  }

  static String word(boolean reached) {
    return reached ? "reached" : "MISSED";
  }

  /** The values of a row's samples, for whoever wants to see the rounds. */
  void printRounds(PrintStream out) {
    for (Samples samples : all) {
      out.println(
          samples.row.id()
              + " rounds: host "
              + values(samples.host)
              + " lcpfs "
              + values(samples.lcpfs));
    }
  }

  private static String values(List<Sample> samples) {
    return Arrays.toString(samples.stream().mapToLong(s -> Math.round(s.value())).toArray());
  }
}
