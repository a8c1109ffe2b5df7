package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;

/** What a group or metaslab is for, by its number on disk. */
public enum PlacementClass {
  /** Everything that has no better place. */
  NORMAL(0),
  /** Intent log blocks only. */
  LOG(1),
  /** Metadata and small blocks. */
  SPECIAL(2),
  /** Tables of the deduplication. */
  DEDUP(3);

  private final int code;

  PlacementClass(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }

  /** The class of an on-disk number; Corrupt, naming {@code field}, when there is none. */
  public static PlacementClass ofCode(int code, String field) {
    for (PlacementClass one : values()) {
      if (one.code == code) {
        return one;
      }
    }
    throw corrupt(field, code);
  }
}
