package io.lcpfs.fuse;

/**
 * Numbers of the FUSE kernel protocol, version 7. Sources: linux/fuse.h; sizes in bytes, integers
 * in the host's byte order.
 */
final class Fuse {
  static final int MAJOR = 7;

  /** The newest minor version whose messages are known here. */
  static final int MINOR = 45;

  /** The first minor version with all messages as they are read here (2018, Linux 4.20). */
  static final int LEAST_MINOR = 28;

  static final long ROOT_NODE = 1;

  static final int MAX_TRANSFER_BYTES = 1 << 20;
  static final int PAGE_BYTES = 4096;

  // Operations
  static final int LOOKUP = 1;
  static final int FORGET = 2;
  static final int GETATTR = 3;
  static final int SETATTR = 4;
  static final int READLINK = 5;
  static final int SYMLINK = 6;
  static final int MKNOD = 8;
  static final int MKDIR = 9;
  static final int UNLINK = 10;
  static final int RMDIR = 11;
  static final int RENAME = 12;
  static final int LINK = 13;
  static final int OPEN = 14;
  static final int READ = 15;
  static final int WRITE = 16;
  static final int STATFS = 17;
  static final int RELEASE = 18;
  static final int FSYNC = 20;
  static final int SETXATTR = 21;
  static final int GETXATTR = 22;
  static final int LISTXATTR = 23;
  static final int REMOVEXATTR = 24;
  static final int FLUSH = 25;
  static final int INIT = 26;
  static final int OPENDIR = 27;
  static final int READDIR = 28;
  static final int RELEASEDIR = 29;
  static final int FSYNCDIR = 30;
  static final int ACCESS = 34;
  static final int CREATE = 35;
  static final int INTERRUPT = 36;
  static final int DESTROY = 38;
  static final int IOCTL = 39;
  static final int BATCH_FORGET = 42;
  static final int FALLOCATE = 43;
  static final int READDIRPLUS = 44;
  static final int RENAME2 = 45;
  static final int LSEEK = 46;
  static final int COPY_FILE_RANGE = 47;
  static final int SYNCFS = 50;
  static final int TMPFILE = 51;
  static final int STATX = 52;

  // Unasked messages to the kernel
  static final int NOTIFY_INVAL_INODE = 2;
  static final int NOTIFY_INVAL_ENTRY = 3;

  // What INIT agrees on
  static final int INIT_ASYNC_READ = 1;
  static final int INIT_EXPORT_SUPPORT = 1 << 4;
  static final int INIT_BIG_WRITES = 1 << 5;
  static final int INIT_DONT_MASK = 1 << 6;
  static final int INIT_DO_READDIRPLUS = 1 << 13;
  static final int INIT_READDIRPLUS_AUTO = 1 << 14;
  static final int INIT_ASYNC_DIO = 1 << 15;
  static final int INIT_WRITEBACK_CACHE = 1 << 16;
  static final int INIT_NO_OPEN_SUPPORT = 1 << 17;
  static final int INIT_PARALLEL_DIROPS = 1 << 18;
  static final int INIT_POSIX_ACL = 1 << 20;
  static final int INIT_ABORT_ERROR = 1 << 21;
  static final int INIT_MAX_PAGES = 1 << 22;
  static final int INIT_CACHE_SYMLINKS = 1 << 23;
  static final int INIT_NO_OPENDIR_SUPPORT = 1 << 24;
  static final int INIT_EXPLICIT_INVAL_DATA = 1 << 25;
  static final int INIT_HANDLE_KILLPRIV_V2 = 1 << 28;
  static final int INIT_SETXATTR_EXT = 1 << 29;
  static final int INIT_EXT = 1 << 30;

  /** In the second word of flags: the parent's group among the caller's comes with a creation. */
  static final int INIT2_CREATE_SUPP_GROUP = 1 << 2;

  // Flags of requests and answers
  static final int FOPEN_KEEP_CACHE = 1 << 1;
  static final int FOPEN_CACHE_DIR = 1 << 3;
  static final int FOPEN_NOFLUSH = 1 << 5;
  static final int WRITE_KILL_SUIDGID = 1 << 2;
  static final int SETXATTR_ACL_KILL_SGID = 1;

  /** Of READ: with the owner of locks, which the kernel tells of all direct reads and no others. */
  static final int READ_LOCKOWNER = 1 << 1;

  /** Of FSYNC: attributes that are not needed to read the data may wait. */
  static final int FSYNC_DATA_ONLY = 1;

  static final int EXT_GROUPS = 32;

  static final int FATTR_MODE = 1;
  static final int FATTR_UID = 1 << 1;
  static final int FATTR_GID = 1 << 2;
  static final int FATTR_SIZE = 1 << 3;
  static final int FATTR_ATIME = 1 << 4;
  static final int FATTR_MTIME = 1 << 5;
  static final int FATTR_FH = 1 << 6;
  static final int FATTR_ATIME_NOW = 1 << 7;
  static final int FATTR_MTIME_NOW = 1 << 8;
  static final int FATTR_LOCKOWNER = 1 << 9;
  static final int FATTR_CTIME = 1 << 10;
  static final int FATTR_KILL_SUIDGID = 1 << 11;

  static final int SEEK_DATA = 3;
  static final int SEEK_HOLE = 4;

  // Sizes
  static final int IN_HEADER_BYTES = 40;
  static final int OUT_HEADER_BYTES = 16;
  static final int WRITE_IN_BYTES = 40;
  static final int ENTRY_OUT_BYTES = 128;
  static final int ATTR_OUT_BYTES = 104;
  static final int OPEN_OUT_BYTES = 16;
  static final int STATX_OUT_BYTES = 288;
  static final int STATFS_OUT_BYTES = 80;
  static final int IOCTL_IN_BYTES = 32;
  static final int IOCTL_OUT_BYTES = 16;
  static final int DIRENT_BYTES = 24;

  private Fuse() {}
}
