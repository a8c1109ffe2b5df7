package io.lcpfs.posix;

/**
 * What stat(2) tells. Times are seconds since 1970 and nanoseconds within the second.
 *
 * @param mode type and permission bits, see {@link Mode}
 * @param size bytes; of a directory, its entries; of a symbolic link, the target's length
 * @param blocks512 allocated space in units of 512 bytes, as of the last sync
 * @param blockBytes the preferred size of a transfer
 */
public record Attr(
    long inode,
    long generation,
    int mode,
    long nlink,
    int uid,
    int gid,
    long rdev,
    long size,
    long blocks512,
    int blockBytes,
    long atimeSeconds,
    int atimeNanos,
    long mtimeSeconds,
    int mtimeNanos,
    long ctimeSeconds,
    int ctimeNanos,
    long btimeSeconds,
    int btimeNanos) {

  public boolean isDirectory() {
    return Mode.isDirectory(mode);
  }

  public boolean isRegular() {
    return Mode.isRegular(mode);
  }

  public boolean isSymlink() {
    return Mode.isSymlink(mode);
  }

  /** The permission bits with set-user-id, set-group-id and sticky. */
  public int permissions() {
    return mode & Mode.PERMISSIONS;
  }
}
