package io.lcpfs.sim;

import io.lcpfs.sim.world.SimConfig;
import java.util.ArrayList;
import java.util.List;

/** Prints the digests of a few seeds: run in another JVM to compare. */
final class SeedDigests {
  private SeedDigests() {}

  static List<String> compute() {
    List<String> lines = new ArrayList<>();
    for (long seed = 1; seed <= 4; seed++) {
      SeedResult result = SeedRun.run(new ToyStore(), SimConfig.of(seed), 300);
      lines.add(seed + " " + Long.toHexString(result.digest()));
    }
    return lines;
  }

  public static void main(String[] args) {
    compute().forEach(System.out::println);
  }
}
