package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.format.NameText;

/** The rules for names and symbolic link targets. */
final class Names {
  static final int MAX_NAME_BYTES = 255;
  static final int MAX_PATH_BYTES = 4096;

  /** One less than {@link #MAX_PATH_BYTES}, as on Linux. */
  static final int MAX_TARGET_BYTES = 4095;

  private Names() {}

  /** A name as printed in an error. */
  static String show(byte[] name) {
    return NameText.decode(name);
  }

  /**
   * Refuses what cannot be looked up.
   *
   * @throws io.lcpfs.error.PoolException ENOENT when empty, ENAMETOOLONG, EINVAL when it holds '/'
   *     or NUL
   */
  static void checkLookup(byte[] name) {
    if (name.length == 0) {
      throw posix(Errno.ENOENT, "empty name");
    }
    if (name.length > MAX_NAME_BYTES) {
      throw posix(Errno.ENAMETOOLONG, show(name));
    }
    if (hasForbiddenByte(name)) {
      throw posix(Errno.EINVAL, show(name));
    }
  }

  /** Refuses what cannot be created, removed or renamed: also '.' and '..' (EINVAL). */
  static void check(byte[] name) {
    checkLookup(name);
    if (isDot(name) || isDotDot(name)) {
      throw posix(Errno.EINVAL, show(name));
    }
  }

  /** Corrupt when a name found in a directory could not have been created. */
  static void checkFromDisk(byte[] name) {
    if (name.length == 0
        || name.length > MAX_NAME_BYTES
        || isDot(name)
        || isDotDot(name)
        || hasForbiddenByte(name)) {
      throw corrupt("directory_entry.name", show(name));
    }
  }

  private static boolean hasForbiddenByte(byte[] name) {
    for (byte b : name) {
      if (b == '/' || b == 0) {
        return true;
      }
    }
    return false;
  }

  static boolean isDot(byte[] name) {
    return name.length == 1 && name[0] == '.';
  }

  static boolean isDotDot(byte[] name) {
    return name.length == 2 && name[0] == '.' && name[1] == '.';
  }

  /** A hash of part of an array; not keyed, for tables of bounded buckets only. */
  static int hash(byte[] bytes, int offset, int length) {
    int hash = length;
    for (int i = offset; i < offset + length; i++) {
      hash = hash * 31 + bytes[i];
    }
    return hash;
  }
}
