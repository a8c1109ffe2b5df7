package io.lcpfs.posix;

/** Which attributes to change, and to what. */
public final class SetAttr {
  static final int MODE = 1;
  static final int UID = 2;
  static final int GID = 4;
  static final int SIZE = 8;
  static final int ATIME = 0x10;
  static final int MTIME = 0x20;
  static final int ATIME_NOW = 0x40;
  static final int MTIME_NOW = 0x80;
  static final int CTIME = 0x100;
  static final int PROJECT = 0x200;
  static final int PROJECT_INHERITED = 0x400;
  static final int TIMES = ATIME | MTIME | ATIME_NOW | MTIME_NOW | CTIME;

  int mask;
  int mode;
  int uid;
  int gid;
  int project;
  boolean projectInherited;
  long size;
  long atimeSeconds;
  int atimeNanos;
  long mtimeSeconds;
  int mtimeNanos;
  long ctimeSeconds;
  int ctimeNanos;

  boolean has(int bits) {
    return (mask & bits) != 0;
  }

  /** The permission bits; a file type in {@code value} is ignored. */
  public SetAttr mode(int value) {
    mask |= MODE;
    mode = value & Mode.PERMISSIONS;
    return this;
  }

  public SetAttr uid(int value) {
    mask |= UID;
    uid = value;
    return this;
  }

  public SetAttr gid(int value) {
    mask |= GID;
    gid = value;
    return this;
  }

  /** The project that it counts for: an unsigned number. */
  public SetAttr project(int value) {
    mask |= PROJECT;
    project = value;
    return this;
  }

  /** Of a directory: whether what is made in it takes over its project. */
  public SetAttr projectInherited(boolean value) {
    mask |= PROJECT_INHERITED;
    projectInherited = value;
    return this;
  }

  /** Truncates or extends, in bytes. */
  public SetAttr size(long bytes) {
    mask |= SIZE;
    size = bytes;
    return this;
  }

  public SetAttr atime(long seconds, int nanos) {
    mask |= ATIME;
    atimeSeconds = seconds;
    atimeNanos = nanos;
    return this;
  }

  public SetAttr mtime(long seconds, int nanos) {
    mask |= MTIME;
    mtimeSeconds = seconds;
    mtimeNanos = nanos;
    return this;
  }

  public SetAttr atimeNow() {
    mask |= ATIME_NOW;
    return this;
  }

  public SetAttr mtimeNow() {
    mask |= MTIME_NOW;
    return this;
  }

  /** For a kernel that keeps times itself while it caches writes; otherwise ctime is now. */
  public SetAttr ctime(long seconds, int nanos) {
    mask |= CTIME;
    ctimeSeconds = seconds;
    ctimeNanos = nanos;
    return this;
  }
}
