package io.lcpfs.pool;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;

/**
 * What a verification found.
 *
 * @param findings everything that is not as it should be; empty for a sound pool
 * @param counts how much was looked at, by kind: "blocks", "objects", "datasets" and so on
 * @param bytesChecked read from devices and verified
 */
public record VerifyReport(
    List<Finding> findings, SortedMap<String, Long> counts, long bytesChecked) {

  /**
   * One thing that is wrong.
   *
   * @param check the room's check that found it, for example "SpaceMapCheck"
   * @param where the place: block, object, dataset
   * @param what the matter, and what to do when something can be done
   */
  public record Finding(String check, String where, String what) {}

  /** The same with more findings. */
  VerifyReport with(List<Finding> more) {
    List<Finding> all = new ArrayList<>(findings);
    all.addAll(more);
    return new VerifyReport(List.copyOf(all), counts, bytesChecked);
  }

  /** Whether nothing is wrong. */
  public boolean clean() {
    return findings.isEmpty();
  }
}
