package io.lcpfs.posix;

/**
 * The numbers of the system call interface, as on Linux x86-64, beyond those of {@link OpenFlags}.
 */
public final class VfsFlags {
  public static final int O_NONBLOCK = 0x800;
  public static final int O_DSYNC = 0x1000;
  public static final int O_DIRECT = 0x4000;
  public static final int O_CLOEXEC = 0x80000;

  /** Includes {@link #O_DSYNC}. */
  public static final int O_SYNC = 0x101000;

  public static final int O_PATH = 0x200000;

  /** The bit that O_TMPFILE has beyond O_DIRECTORY. */
  public static final int O_TMPFILE_BIT = 0x400000;

  /** A new file without a name in the directory that the path names; includes O_DIRECTORY. */
  public static final int O_TMPFILE = O_TMPFILE_BIT | OpenFlags.O_DIRECTORY;

  /** lseek. */
  public static final int SEEK_SET = 0;

  public static final int SEEK_CUR = 1;
  public static final int SEEK_END = 2;
  public static final int SEEK_DATA = 3;
  public static final int SEEK_HOLE = 4;

  /** The working directory in place of a descriptor. */
  public static final int AT_FDCWD = -100;

  public static final int AT_SYMLINK_NOFOLLOW = 0x100;

  /** access with the effective user, which is the only one known here. */
  public static final int AT_EACCESS = 0x200;

  /** unlinkat: removes a directory; the same bit as AT_EACCESS. */
  public static final int AT_REMOVEDIR = 0x200;

  public static final int AT_SYMLINK_FOLLOW = 0x400;
  public static final int AT_EMPTY_PATH = 0x1000;

  /** fcntl commands. */
  public static final int F_DUPFD = 0;

  public static final int F_GETFD = 1;
  public static final int F_SETFD = 2;
  public static final int F_GETFL = 3;
  public static final int F_SETFL = 4;
  public static final int F_DUPFD_CLOEXEC = 1030;

  /** The only flag of a descriptor itself. */
  public static final int FD_CLOEXEC = 1;

  /** Types of a lock by range. */
  public static final int F_RDLCK = 0;

  public static final int F_WRLCK = 1;
  public static final int F_UNLCK = 2;

  /** flock. */
  public static final int LOCK_SH = 1;

  public static final int LOCK_EX = 2;
  public static final int LOCK_NB = 4;
  public static final int LOCK_UN = 8;

  /** What the kernel moves in one read or write at most, in bytes. */
  public static final int MOST_BYTES = 0x7ffff000;

  private VfsFlags() {}
}
