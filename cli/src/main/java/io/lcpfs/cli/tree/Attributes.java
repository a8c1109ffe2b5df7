package io.lcpfs.cli.tree;

/**
 * What is known of a file without opening it.
 *
 * @param identity equal for two names of one file
 * @param mode type and permission bits as in st_mode
 * @param nlink number of names
 * @param rdev of a device node, as st_rdev on Linux
 * @param size bytes
 * @param storedBytes allocated
 */
public record Attributes(
    Identity identity,
    int mode,
    long nlink,
    int uid,
    int gid,
    long rdev,
    long size,
    long storedBytes,
    long atimeSeconds,
    int atimeNanos,
    long mtimeSeconds,
    int mtimeNanos) {

  /**
   * Tells files apart.
   *
   * @param space the file system
   */
  public record Identity(long space, long inode) {}

  public static final int TYPE_MASK = 0xF000;
  public static final int DIRECTORY = 0x4000;
  public static final int REGULAR = 0x8000;
  public static final int SYMLINK = 0xA000;
  public static final int SET_ID_BITS = 0xC00;
  public static final int PERMISSIONS = 0xFFF;

  public boolean isDirectory() {
    return (mode & TYPE_MASK) == DIRECTORY;
  }

  public boolean isRegular() {
    return (mode & TYPE_MASK) == REGULAR;
  }

  public boolean isSymlink() {
    return (mode & TYPE_MASK) == SYMLINK;
  }

  /** The permission bits with set-user-id, set-group-id and sticky. */
  public int permissions() {
    return mode & PERMISSIONS;
  }
}
