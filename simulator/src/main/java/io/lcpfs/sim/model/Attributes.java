package io.lcpfs.sim.model;

import io.lcpfs.sim.world.Digest;

/**
 * What lstat answers, as far as it is compared.
 *
 * @param mode permission bits (07777)
 * @param nlink number of names; 0 for a directory, where file systems differ
 * @param size bytes; 0 for all but files and symbolic links
 * @param rdev device number, 0 where there is none
 * @param mtimeNanos nanoseconds since 1970, or {@link #UNKNOWN} where the clock decided
 */
public record Attributes(
    NodeKind kind, int mode, int uid, int gid, int nlink, long size, long rdev, long mtimeNanos) {
  public static final long UNKNOWN = Long.MIN_VALUE;

  /** Equal in all but a time that one of the two does not know. */
  public boolean agrees(Attributes other) {
    return withMtime(0).equals(other.withMtime(0))
        && (mtimeNanos == UNKNOWN || other.mtimeNanos == UNKNOWN || mtimeNanos == other.mtimeNanos);
  }

  public Attributes withMtime(long nanos) {
    return new Attributes(kind, mode, uid, gid, nlink, size, rdev, nanos);
  }

  /** A hash of all but the time. */
  public long hash() {
    return Digest.of(kind.name())
        + 31L * (mode + 31L * (uid + 31L * (gid + 31L * (nlink + 31L * (size + 31L * rdev)))));
  }
}
