package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;

/**
 * The bytes that a struct flock means.
 *
 * @param last the last byte, which belongs to it
 */
record LockRange(long first, long last) {

  /**
   * @throws PoolException EINVAL for a range that begins before the file or an unknown {@code
   *     whence}; EOVERFLOW
   */
  static LockRange of(OpenFile file, int whence, long start, long length) {
    try {
      long base =
          switch (whence) {
            case VfsFlags.SEEK_SET -> 0;
            case VfsFlags.SEEK_CUR -> file.seek(0, VfsFlags.SEEK_CUR);
            case VfsFlags.SEEK_END -> file.handle().size();
            default -> throw posix(Errno.EINVAL, "whence " + whence);
          };
      long at = Math.addExact(base, start);
      long first = length < 0 ? Math.addExact(at, length) : at;
      if (first < 0) {
        throw posix(Errno.EINVAL, "lock from " + first);
      }
      if (length == 0) {
        return new LockRange(first, RangeLocks.TO_THE_END);
      }
      return new LockRange(first, length < 0 ? at - 1 : Math.addExact(at, length - 1));
    } catch (ArithmeticException e) {
      throw new PoolException(
          new PoolError.Posix(Errno.EOVERFLOW, "lock of " + length + " bytes from " + start), e);
    }
  }

  /** EINVAL for what is neither F_RDLCK nor F_WRLCK. */
  static RangeLocks.Kind kind(int type) {
    return switch (type) {
      case VfsFlags.F_RDLCK -> RangeLocks.Kind.SHARED;
      case VfsFlags.F_WRLCK -> RangeLocks.Kind.EXCLUSIVE;
      default -> throw posix(Errno.EINVAL, "lock type " + type);
    };
  }
}
