package io.lcpfs.pool;

import java.util.List;
import java.util.Map;

/**
 * What a dataset may take and what is kept for it, from its local properties; of bytes 0 is no
 * rule. What cannot be read, as a later version may have written it, is no rule either.
 *
 * @param quota bytes that it may use with its snapshots and all below it
 * @param refquota bytes that it may refer to itself
 * @param reservation bytes kept for it with its snapshots and all below it
 * @param refreservation bytes kept for what it refers to itself
 * @param filesystemLimit datasets that may be below it, or {@link #NO_LIMIT}
 * @param snapshotLimit snapshots that may be of it and of those below it, or {@link #NO_LIMIT}
 */
public record SpaceRules(
    long quota,
    long refquota,
    long reservation,
    long refreservation,
    long filesystemLimit,
    long snapshotLimit) {
  static final String QUOTA = "quota";
  static final String REFQUOTA = "refquota";
  static final String RESERVATION = "reservation";
  static final String REFRESERVATION = "refreservation";
  static final String FILESYSTEM_LIMIT = "filesystem_limit";
  static final String SNAPSHOT_LIMIT = "snapshot_limit";

  /** The properties that it is made of. */
  static final List<String> NAMES =
      List.of(QUOTA, REFQUOTA, RESERVATION, REFRESERVATION, FILESYSTEM_LIMIT, SNAPSHOT_LIMIT);

  /** As many as one likes. */
  static final long NO_LIMIT = Long.MAX_VALUE;

  /**
   * How a limit of none at all is kept: 0 is what earlier versions wrote where there is no limit.
   */
  public static final String FORBIDS_ALL = "00";

  static final SpaceRules NONE = new SpaceRules(0, 0, 0, 0, NO_LIMIT, NO_LIMIT);

  static SpaceRules of(Map<String, String> properties) {
    return new SpaceRules(
        number(properties, QUOTA),
        number(properties, REFQUOTA),
        number(properties, RESERVATION),
        number(properties, REFRESERVATION),
        limit(properties, FILESYSTEM_LIMIT),
        limit(properties, SNAPSHOT_LIMIT));
  }

  private static long limit(Map<String, String> properties, String name) {
    String text = properties.get(name);
    if (FORBIDS_ALL.equals(text)) {
      return 0;
    }
    long limit = text == null ? 0 : number(text);
    return limit == 0 ? NO_LIMIT : limit;
  }

  private static long number(Map<String, String> properties, String name) {
    String text = properties.get(name);
    return text == null ? 0 : number(text);
  }

  /** A stored quota; 0 is none. */
  static long number(String text) {
    try {
      return Math.max(0, Long.parseLong(text));
    } catch (NumberFormatException e) {
      return 0; // not ours
    }
  }

  /** Whether it says anything of bytes. */
  boolean aboutBytes() {
    return quota > 0 || refquota > 0 || reservation > 0 || refreservation > 0;
  }
}
