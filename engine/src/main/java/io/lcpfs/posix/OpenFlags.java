package io.lcpfs.posix;

/** The flags of open(2), numbered as on Linux x86-64, and those of rename and fallocate. */
public final class OpenFlags {
  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_ACCMODE = 3;
  public static final int O_CREAT = 0x40;
  public static final int O_EXCL = 0x80;
  public static final int O_TRUNC = 0x200;
  public static final int O_APPEND = 0x400;
  public static final int O_DIRECTORY = 0x10000;
  public static final int O_NOFOLLOW = 0x20000;
  public static final int O_NOATIME = 0x40000;

  /** Each write is durable when it returns; so is what is needed to read it back. */
  public static final int O_DSYNC = 0x1000;

  /** As O_DSYNC, with all attributes; includes its bit. */
  public static final int O_SYNC = 0x101000;

  /** rename: fail with EEXIST instead of replacing. */
  public static final int RENAME_NOREPLACE = 1;

  /** rename: both names stay, and change places. */
  public static final int RENAME_EXCHANGE = 2;

  /** fallocate: the file's size stays. */
  public static final int FALLOC_KEEP_SIZE = 1;

  public static final int FALLOC_PUNCH_HOLE = 2;
  public static final int FALLOC_ZERO_RANGE = 0x10;

  /** access: the bits of {@code mask}; 0 asks for existence. */
  public static final int R_OK = 4;

  public static final int W_OK = 2;
  public static final int X_OK = 1;

  private OpenFlags() {}

  static boolean reads(int flags) {
    int mode = flags & O_ACCMODE;
    return mode == O_RDONLY || mode == O_RDWR;
  }

  static boolean writes(int flags) {
    int mode = flags & O_ACCMODE;
    return mode == O_WRONLY || mode == O_RDWR;
  }
}
