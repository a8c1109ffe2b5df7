package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;

/** What was last done with a pool, by its number on disk. */
public enum PoolState {
  /** Imported somewhere, or never exported since. */
  ACTIVE(0),
  /** Exported cleanly: any host may import it. */
  EXPORTED(1),
  /** Destroyed; importable only when that is asked for. */
  DESTROYED(2);

  private final int code;

  PoolState(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }

  /** The state of an on-disk number; Corrupt when there is none. */
  public static PoolState ofCode(long code) {
    for (PoolState state : values()) {
      if (state.code == code) {
        return state;
      }
    }
    throw corrupt("config.state", code);
  }
}
