package io.lcpfs.posix;

import io.lcpfs.format.ObjectType;
import org.jspecify.annotations.Nullable;

/** The bits of st_mode, as in Linux, and their translations. */
public final class Mode {
  public static final int TYPE_MASK = 0xF000;
  public static final int FIFO = 0x1000;
  public static final int CHARACTER = 0x2000;
  public static final int DIRECTORY = 0x4000;
  public static final int BLOCK = 0x6000;
  public static final int REGULAR = 0x8000;
  public static final int SYMLINK = 0xA000;
  public static final int SOCKET = 0xC000;

  public static final int SET_UID = 0x800;
  public static final int SET_GID = 0x400;
  public static final int STICKY = 0x200;
  public static final int GROUP_EXECUTE = 8;
  public static final int GROUP_ANY = 0x38;
  public static final int ANY_EXECUTE = 0x49;

  /** Reading, writing and executing of all three classes. */
  public static final int ANY_PERMISSION = 0x1FF;

  public static final int PERMISSIONS = 0xFFF;

  private Mode() {}

  static int type(int mode) {
    return mode & TYPE_MASK;
  }

  static boolean isDirectory(int mode) {
    return (mode & TYPE_MASK) == DIRECTORY;
  }

  static boolean isRegular(int mode) {
    return (mode & TYPE_MASK) == REGULAR;
  }

  static boolean isSymlink(int mode) {
    return (mode & TYPE_MASK) == SYMLINK;
  }

  static boolean isDevice(int mode) {
    int type = mode & TYPE_MASK;
    return type == CHARACTER || type == BLOCK;
  }

  /** The 4-bit type of a directory entry (DT_REG and so on). */
  static int entryType(int mode) {
    return (mode & TYPE_MASK) >>> 12;
  }

  /** The type of object that holds a file of this mode, or null when the type bits are no type. */
  static @Nullable ObjectType objectType(int mode) {
    return switch (mode & TYPE_MASK) {
      case REGULAR -> ObjectType.FILE;
      case DIRECTORY -> ObjectType.DIRECTORY;
      case SYMLINK -> ObjectType.SYMLINK;
      case FIFO, CHARACTER, BLOCK, SOCKET -> ObjectType.SPECIAL;
      default -> null;
    };
  }
}
