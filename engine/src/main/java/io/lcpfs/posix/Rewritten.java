package io.lcpfs.posix;

/**
 * What {@link FileHandle#rewrite} did.
 *
 * @param bytes of records that were written anew, before compression
 * @param sharedBytes of records that were left as they are because other files have them too
 */
public record Rewritten(long bytes, long sharedBytes) {
  public static final Rewritten NONE = new Rewritten(0, 0);

  /** Both together. */
  public Rewritten plus(Rewritten other) {
    return new Rewritten(bytes + other.bytes, sharedBytes + other.sharedBytes);
  }
}
