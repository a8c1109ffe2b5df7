package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;

/** Who may do what, as on Linux: mode bits, ownership, and root's capabilities. */
final class Permissions {
  private Permissions() {}

  /** Whether {@code caller} has all of {@code mask} (R_OK, W_OK, X_OK) on the file. */
  private static boolean allows(Znode znode, Caller caller, int mask) {
    ZnodeRecord file = znode.attrs();
    if (caller.privileged()) {
      // CAP_DAC_OVERRIDE: everything but executing what nobody may execute.
      return (mask & OpenFlags.X_OK) == 0
          || file.isDirectory()
          || (file.mode & Mode.ANY_EXECUTE) != 0;
    }
    int bits = file.mode;
    if (caller.uid() == file.uid) {
      bits >>= 6;
    } else if (file.hasFlag(ZnodeRecord.FLAG_ACL) && (file.mode & Mode.GROUP_ANY) != 0) {
      // With an empty mask Linux looks at the mode only, and a mount is to answer the same.
      PosixAcl acl = znode.acl(file);
      // Without one the attributes are others by now.
      return acl == null ? allows(znode, caller, mask) : acl.allows(file, caller, mask);
    } else if (caller.inGroup(file.gid)) {
      bits >>= 3;
    }
    return (bits & mask & 7) == mask;
  }

  /**
   * @throws io.lcpfs.error.PoolException EACCES; EIO when the access control list cannot be read
   */
  static void check(Znode file, Caller caller, int mask) {
    if (!allows(file, caller, mask)) {
      throw posix(Errno.EACCES, "inode " + file.inode);
    }
  }

  static boolean owns(ZnodeRecord file, Caller caller) {
    return caller.uid() == file.uid || caller.privileged();
  }

  /** @throws io.lcpfs.error.PoolException EPERM unless the caller owns the file or is root */
  static void checkOwner(Znode file, Caller caller) {
    if (!owns(file.attrs(), caller)) {
      throw posix(Errno.EPERM, "inode " + file.inode);
    }
  }

  /**
   * Whether {@code directory} may lose its entry for {@code child}.
   *
   * @throws io.lcpfs.error.PoolException EACCES by the directory's mode, EPERM by its sticky bit
   */
  static void checkRemoval(Znode directory, Znode child, Caller caller) {
    check(directory, caller, OpenFlags.W_OK | OpenFlags.X_OK);
    ZnodeRecord held = directory.attrs();
    if ((held.mode & Mode.STICKY) != 0 && !owns(held, caller) && !owns(child.attrs(), caller)) {
      throw posix(Errno.EPERM, "sticky directory " + directory.inode);
    }
  }

  /** A mode after someone without privilege changed the content or the owner. */
  static int withoutSetId(int mode) {
    int cleared = mode & ~Mode.SET_UID;
    return (mode & Mode.GROUP_EXECUTE) != 0 ? cleared & ~Mode.SET_GID : cleared;
  }
}
