package io.lcpfs.posix;

/**
 * On whose behalf a call is made. User 0 has all capabilities, as root has on Linux.
 *
 * @param uid effective user
 * @param gid effective group
 * @param groups supplementary groups; not copied, not to be changed
 * @param umask the permission bits that new files do not get, unless their directory has a default
 *     access control list
 */
@SuppressWarnings("ArrayRecordComponent")
public record Caller(int uid, int gid, int[] groups, int umask) {
  private static final int[] NO_GROUPS = {};

  public static final Caller ROOT = new Caller(0, 0, NO_GROUPS);

  /** A caller without a umask. */
  public Caller(int uid, int gid, int[] groups) {
    this(uid, gid, groups, 0);
  }

  /** A caller without supplementary groups. */
  public static Caller of(int uid, int gid) {
    return new Caller(uid, gid, NO_GROUPS);
  }

  /** The same caller with another umask. */
  public Caller withUmask(int bits) {
    return bits == umask ? this : new Caller(uid, gid, groups, bits);
  }

  /** Whether the caller may pass over permissions and ownership. */
  public boolean privileged() {
    return uid == 0;
  }

  boolean inGroup(int group) {
    if (group == gid) {
      return true;
    }
    for (int one : groups) {
      if (one == group) {
        return true;
      }
    }
    return false;
  }
}
