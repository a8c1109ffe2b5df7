package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import java.util.Arrays;

/** Resolves paths, as path_resolution(7) has it. */
final class PathWalk {
  static final int MAX_SYMLINKS = 40;

  private final FsCore core;
  private final DirectoryOps directories;
  private final CreateOps links;

  PathWalk(FsCore core, DirectoryOps directories, CreateOps links) {
    this.core = core;
    this.directories = directories;
    this.links = links;
  }

  /** The directory and the name that a path ends in. */
  record Last(Znode directory, byte[] name, boolean trailingSlash) {}

  /**
   * The file that {@code path} names, relative to {@code start} unless it begins with '/'.
   * Allocates nothing when all names are cached and no link is met.
   *
   * @throws io.lcpfs.error.PoolException ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EINVAL, EIO
   */
  Znode resolve(Znode start, byte[] path, boolean followLast, Caller caller) {
    checkPath(path);
    Znode at = path[0] == '/' ? core.znodes.get(core.rootInode) : start;
    byte[] text = path;
    int position = 0;
    int symlinks = 0;
    while (true) {
      position = skipSlashes(text, position);
      if (position == text.length) {
        if (text[position - 1] == '/') {
          DirectoryOps.checkDirectory(at);
        }
        return at;
      }
      int end = endOfName(text, position);
      Znode next = step(at, text, position, end, caller);
      boolean last = end == text.length;
      if (next.attrs().isSymlink() && (!last || followLast)) {
        if (++symlinks > MAX_SYMLINKS) {
          throw posix(Errno.ELOOP, Names.show(path));
        }
        text = spliced(readlink(next), text, end);
        position = 0;
        if (text[0] == '/') {
          at = core.znodes.get(core.rootInode);
        }
        continue;
      }
      at = next;
      position = end;
    }
  }

  /** The directory of the last name in {@code path}; a path of slashes alone has an empty name. */
  Last resolveLast(Znode start, byte[] path, Caller caller) {
    checkPath(path);
    int end = path.length;
    while (end > 0 && path[end - 1] == '/') {
      end--;
    }
    int begin = end;
    while (begin > 0 && path[begin - 1] != '/') {
      begin--;
    }
    byte[] name = Arrays.copyOfRange(path, begin, end);
    Znode directory =
        begin == 0
            ? path[0] == '/' ? core.znodes.get(core.rootInode) : start
            : resolve(start, Arrays.copyOf(path, begin), true, caller);
    return new Last(directory, name, end < path.length);
  }

  byte[] readlink(Znode link) {
    Znode pinned = core.znodes.pin(link.inode);
    try {
      return links.readlink(pinned);
    } finally {
      core.znodes.unpin(pinned);
    }
  }

  private Znode step(Znode at, byte[] text, int from, int end, Caller caller) {
    DirectoryOps.checkDirectory(at);
    Permissions.check(at, caller, OpenFlags.X_OK);
    int length = end - from;
    if (length > Names.MAX_NAME_BYTES) {
      throw posix(Errno.ENAMETOOLONG, Names.show(Arrays.copyOfRange(text, from, end)));
    }
    if (text[from] == '.') {
      if (length == 1) {
        return at;
      }
      if (length == 2 && text[from + 1] == '.') {
        return directories.parent(at);
      }
    }
    Znode next = directories.child(at, text, from, length);
    if (next == null) {
      throw posix(Errno.ENOENT, Names.show(Arrays.copyOfRange(text, from, end)));
    }
    return next;
  }

  private static byte[] spliced(byte[] target, byte[] text, int end) {
    byte[] joined = Arrays.copyOf(target, target.length + text.length - end);
    System.arraycopy(text, end, joined, target.length, text.length - end);
    if (joined.length >= Names.MAX_PATH_BYTES + Names.MAX_TARGET_BYTES) {
      throw posix(Errno.ENAMETOOLONG, "path behind a symbolic link");
    }
    return joined;
  }

  private static void checkPath(byte[] path) {
    if (path.length == 0) {
      throw posix(Errno.ENOENT, "empty path");
    }
    if (path.length >= Names.MAX_PATH_BYTES) {
      throw posix(Errno.ENAMETOOLONG, "path of " + path.length + " bytes");
    }
  }

  private static int skipSlashes(byte[] text, int from) {
    int at = from;
    while (at < text.length && text[at] == '/') {
      at++;
    }
    return at;
  }

  private static int endOfName(byte[] text, int from) {
    int at = from;
    while (at < text.length && text[at] != '/') {
      if (text[at] == 0) {
        throw posix(Errno.EINVAL, "path with NUL");
      }
      at++;
    }
    return at;
  }
}
