package io.lcpfs.cli;

import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.Profile;
import io.lcpfs.pool.GroupSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The devices of a new pool as they are written on a command line: {@code mirror a b mirror c d log
 * x}.
 *
 * @param devices in the order of the groups
 * @param groups how many devices belong together, and how
 */
record PoolLayout(List<Path> devices, List<GroupSpec> groups) {
  private static final String SINGLE = "single";
  private static final String MIRROR = "mirror";
  private static final String LOG = "log";

  /** Words of other layouts and classes, which this version does not make. */
  private static final String FUTURE = "(raidz|draid)[0-9].*|raidz|draid|spare|cache|special|dedup";

  /**
   * Reads the words.
   *
   * @param force take groups that do not bear the loss of equally many devices
   * @throws Failure usage, with what to write instead
   */
  static PoolLayout parse(List<String> words, boolean force) {
    Parser parser = new Parser();
    words.forEach(parser::word);
    parser.endGroup();
    parser.check(force);
    return new PoolLayout(List.copyOf(parser.devices), List.copyOf(parser.groups));
  }

  private static final class Parser {
    final List<Path> devices = new ArrayList<>();
    final List<GroupSpec> groups = new ArrayList<>();
    private PlacementClass placement = PlacementClass.NORMAL;
    private String kind = "";
    private int count;

    void word(String word) {
      if (word.equals(SINGLE) || word.equals(MIRROR)) {
        if (count > 0 || !(kind.isEmpty() || kind.equals(LOG))) {
          endGroup();
        }
        kind = word;
      } else if (word.equals(LOG)) {
        endGroup();
        if (placement == PlacementClass.LOG) {
          throw Failure.usage(
              LOG, "stands there twice", "name one device, or one mirror, for logs");
        }
        placement = PlacementClass.LOG;
        kind = LOG;
      } else if (word.matches(FUTURE)) {
        throw Failure.failed(
            word,
            "this version makes single devices and mirrors only",
            "write 'mirror A B', or a path with a '/' if a device is meant");
      } else {
        devices.add(Path.of(word).toAbsolutePath().normalize());
        count++;
      }
    }

    void endGroup() {
      if (count == 0) {
        if (kind.isEmpty()) {
          throw Failure.usage(
              "pool create", "names no device first", "write a device before 'log'");
        }
        throw Failure.usage(kind, "has no devices", "write them after it");
      }
      if (kind.equals(MIRROR)) {
        if (count < 2 || count > Profile.MAX_WIDTH) {
          throw Failure.usage(
              MIRROR,
              "has 2 to " + Profile.MAX_WIDTH + " devices, and not " + count,
              "name more, or fewer");
        }
        groups.add(GroupSpec.mirror(placement, count));
      } else {
        groups.add(GroupSpec.single(placement, count));
      }
      kind = "";
      count = 0;
    }

    void check(boolean force) {
      long logs = groups.stream().filter(one -> one.placement() == PlacementClass.LOG).count();
      if (logs > 1) {
        throw Failure.usage(LOG, "has several groups", "name devices, or one mirror, for logs");
      }
      long widths =
          groups.stream()
              .filter(one -> one.placement() == PlacementClass.NORMAL)
              .map(GroupSpec::profile)
              .distinct()
              .count();
      if (widths > 1 && !force) {
        throw Failure.usage(
            "pool create",
            "the groups do not bear the loss of equally many devices",
            "give each mirror as many, or add -f");
      }
    }
  }
}
