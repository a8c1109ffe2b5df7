package io.lcpfs.cli.tree;

import io.lcpfs.posix.PosixFileSystem;

/**
 * How a tree is copied.
 *
 * @param recursive directories too
 * @param preserve permissions, times, extended attributes
 * @param keepOwner the owner stays as in the source; otherwise {@code uid} and {@code gid} own
 *     copies
 * @param special also set-id bits, device nodes, and attributes outside of user.*
 * @param noClobber leave what exists in the destination
 * @param uid owner of copies; -1 for whoever the destination chooses
 * @param gid likewise
 * @param workers files that are copied side by side, at least 1
 * @param reflink whether copies within a pool share the blocks of what they are of
 */
public record CopyOptions(
    boolean recursive,
    boolean preserve,
    boolean keepOwner,
    boolean special,
    boolean noClobber,
    int uid,
    int gid,
    int workers,
    Reflink reflink) {

  /** When copies share blocks. */
  public enum Reflink {
    /** Always: what cannot is refused. */
    ALWAYS,
    /** Where they can. */
    AUTO,
    NEVER
  }

  /** Which attributes the copy of a file with {@code from} gets. */
  Applied applied(Attributes from) {
    int bits = from.permissions();
    if (!special) {
      bits &= ~Attributes.SET_ID_BITS;
    }
    if (!preserve) {
      // What a new file gets under the customary umask.
      bits &= 0755;
    }
    return new Applied(
        bits,
        keepOwner ? from.uid() : uid,
        keepOwner ? from.gid() : gid,
        preserve ? Applied.Times.of(from) : Applied.NO_TIMES);
  }

  boolean copiesXattr(String name) {
    return preserve
        && (special
            || name.startsWith("user.")
            || name.equals(PosixFileSystem.XATTR_ACCESS_LIST)
            || name.equals(PosixFileSystem.XATTR_DEFAULT_LIST));
  }
}
