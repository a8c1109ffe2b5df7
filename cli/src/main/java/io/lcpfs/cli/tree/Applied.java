package io.lcpfs.cli.tree;

/**
 * Which attributes a copy takes over.
 *
 * @param permissions the bits to set, or -1 to leave them
 * @param uid or -1 to leave it
 * @param gid or -1 to leave it
 * @param times {@link #NO_TIMES} leaves them
 */
public record Applied(int permissions, int uid, int gid, Times times) {
  public static final Times NO_TIMES = new Times(false, 0, 0, 0, 0);

  /** Access and modification time; not {@code set}: left as they are. */
  public record Times(
      boolean set, long atimeSeconds, int atimeNanos, long mtimeSeconds, int mtimeNanos) {
    static Times of(Attributes from) {
      return new Times(
          true, from.atimeSeconds(), from.atimeNanos(), from.mtimeSeconds(), from.mtimeNanos());
    }
  }

  boolean setsOwner() {
    return uid != -1 || gid != -1;
  }
}
