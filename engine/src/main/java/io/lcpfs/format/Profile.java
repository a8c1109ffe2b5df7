package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.error.Check;

/**
 * How a metaslab spreads a block over its columns.
 *
 * @param kind the rule
 * @param width how many columns: 1 for single, copies for a mirror, data and parity for RAID-Z
 * @param parity parity columns among them: 1 to 3 for RAID-Z, else 0
 */
public record Profile(Kind kind, int width, int parity) {
  public static final Profile SINGLE = new Profile(Kind.SINGLE, 1, 0);
  public static final int MAX_WIDTH = 255;

  /** The rules, by their number on disk. */
  public enum Kind {
    SINGLE(1),
    MIRROR(2),
    RAIDZ(3);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    public int code() {
      return code;
    }
  }

  public Profile {
    Check.that(isValid(kind, width, parity), "profile width", width);
  }

  private static boolean isValid(Kind kind, int width, int parity) {
    return switch (kind) {
      case SINGLE -> width == 1 && parity == 0;
      case MIRROR -> width >= 2 && width <= MAX_WIDTH && parity == 0;
      case RAIDZ -> parity >= 1 && parity <= 3 && width > parity && width <= MAX_WIDTH;
    };
  }

  /** The profile of on-disk numbers; Corrupt, naming {@code field}, when there is none. */
  static Profile decode(int kindCode, int width, int parity, String field) {
    for (Kind kind : Kind.values()) {
      if (kind.code() == kindCode) {
        if (!isValid(kind, width, parity)) {
          throw corrupt(field, kind + " with width " + width + " and parity " + parity);
        }
        return new Profile(kind, width, parity);
      }
    }
    throw corrupt(field, kindCode);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case SINGLE -> "single";
      case MIRROR -> "mirror-" + width;
      case RAIDZ -> "raidz" + parity + "-" + width;
    };
  }
}
