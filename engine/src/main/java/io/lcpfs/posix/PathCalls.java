package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The calls by path, each as the system call of its name. Paths are bytes, UTF-8 by custom;
 * relative ones begin at the root, or at the directory that the calls were made for.
 */
public final class PathCalls {
  private final PosixFileSystem fs;
  private final FsCore core;
  private final PathWalk walk;
  private final long startInode;

  PathCalls(PosixFileSystem fs, FsCore core, PathWalk walk, long startInode) {
    this.fs = fs;
    this.core = core;
    this.walk = walk;
    this.startInode = startInode;
  }

  /**
   * The bytes of a path that is given as text: UTF-8, and the bytes themselves where {@link
   * NameText} has escaped them.
   */
  public static byte[] path(String text) {
    return text.getBytes(NameText.CHARSET);
  }

  private Znode start() {
    return core.znodes.get(startInode);
  }

  /** The inode number of a path. */
  public long resolve(byte[] path, boolean followLast, Caller caller) {
    return walk.resolve(start(), path, followLast, caller).inode;
  }

  /** stat, or lstat without {@code followLast}; allocates nothing when the names are cached. */
  public void stat(byte[] path, boolean followLast, Caller caller, AttrBuffer to) {
    walk.resolve(start(), path, followLast, caller).fill(to, core.options.recordBytes());
  }

  public Attr stat(byte[] path, Caller caller) {
    return core.attr(walk.resolve(start(), path, true, caller));
  }

  public Attr lstat(byte[] path, Caller caller) {
    return core.attr(walk.resolve(start(), path, false, caller));
  }

  private PathWalk.Last last(byte[] path, Caller caller) {
    return walk.resolveLast(start(), path, caller);
  }

  /**
   * Opens, and creates with O_CREAT; follows symbolic links unless O_NOFOLLOW (then ELOOP),
   * creating what a dangling one points to.
   */
  public FileHandle open(byte[] path, int flags, int mode, Caller caller) {
    boolean creates = (flags & OpenFlags.O_CREAT) != 0;
    boolean follows =
        (flags & OpenFlags.O_NOFOLLOW) == 0
            && (flags & (OpenFlags.O_CREAT | OpenFlags.O_EXCL))
                != (OpenFlags.O_CREAT | OpenFlags.O_EXCL);
    if (!creates) {
      return fs.open(resolve(path, follows, caller), flags, caller);
    }
    Znode from = start();
    byte[] text = path;
    for (int links = 0; links <= PathWalk.MAX_SYMLINKS; links++) {
      PathWalk.Last last = walk.resolveLast(from, text, caller);
      if (isSpecial(last.name())) {
        boolean mustBeNew = (flags & OpenFlags.O_EXCL) != 0;
        throw posix(mustBeNew ? Errno.EEXIST : Errno.EISDIR, Names.show(path));
      }
      if (last.trailingSlash()) {
        throw posix(Errno.EISDIR, Names.show(path));
      }
      Znode existing = existing(last, caller);
      if (existing == null || !existing.attrs().isSymlink() || !follows) {
        return fs.create(last.directory().inode, last.name(), mode, flags, caller).handle();
      }
      from = last.directory();
      text = walk.readlink(existing);
    }
    throw posix(Errno.ELOOP, Names.show(path));
  }

  /** A new file without a name in the directory that {@code path} names, as O_TMPFILE has it. */
  FileHandle openUnnamed(byte[] path, int flags, int mode, Caller caller) {
    boolean follows = (flags & OpenFlags.O_NOFOLLOW) == 0;
    int ofFile = flags & ~(OpenFlags.O_DIRECTORY | OpenFlags.O_EXCL);
    return fs.createUnnamed(resolve(path, follows, caller), mode, ofFile, caller).handle();
  }

  private @Nullable Znode existing(PathWalk.Last last, Caller caller) {
    try {
      return fs.directories.lookup(last.directory(), last.name(), caller);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return null;
      }
      throw e;
    }
  }

  public Attr mkdir(byte[] path, int mode, Caller caller) {
    PathWalk.Last last = last(path, caller);
    if (isSpecial(last.name())) {
      throw posix(Errno.EEXIST, Names.show(path));
    }
    return fs.mkdir(last.directory().inode, last.name(), mode, caller);
  }

  public Attr mknod(byte[] path, int mode, long rdev, Caller caller) {
    PathWalk.Last last = newFile(path, caller);
    return fs.mknod(last.directory().inode, last.name(), mode, rdev, caller);
  }

  public Attr symlink(byte[] target, byte[] path, Caller caller) {
    if (target.length == 0) {
      throw posix(Errno.ENOENT, "empty target"); // before the path is looked at
    }
    PathWalk.Last last = newFile(path, caller);
    return fs.symlink(last.directory().inode, last.name(), target, caller);
  }

  /** Makes {@code newPath} another name of {@code oldPath}, which is not followed. */
  public Attr link(byte[] oldPath, byte[] newPath, Caller caller) {
    return link(resolve(oldPath, false, caller), newPath, caller);
  }

  /** Makes {@code newPath} another name of a file that is known by its number. */
  public Attr link(long inode, byte[] newPath, Caller caller) {
    PathWalk.Last last = newFile(newPath, caller);
    return fs.link(inode, last.directory().inode, last.name(), caller);
  }

  /** As {@link #link(long, byte[], Caller)}, the first name of a file that was made without one. */
  Attr linkUnnamed(long inode, byte[] newPath, Caller caller) {
    PathWalk.Last last = newFile(newPath, caller);
    return fs.linkUnnamed(inode, last.directory().inode, last.name(), caller);
  }

  /** A last name for something that is no directory. */
  private PathWalk.Last newFile(byte[] path, Caller caller) {
    PathWalk.Last last = last(path, caller);
    if (isSpecial(last.name())) {
      throw posix(Errno.EEXIST, Names.show(path));
    }
    if (last.trailingSlash()) {
      throw posix(existing(last, caller) == null ? Errno.ENOENT : Errno.EEXIST, Names.show(path));
    }
    return last;
  }

  private static boolean isSpecial(byte[] name) {
    return name.length == 0 || Names.isDot(name) || Names.isDotDot(name);
  }

  public byte[] readlink(byte[] path, Caller caller) {
    return fs.readlink(resolve(path, false, caller));
  }

  public void unlink(byte[] path, Caller caller) {
    PathWalk.Last last = last(path, caller);
    if (isSpecial(last.name())) {
      throw posix(Errno.EISDIR, Names.show(path));
    }
    if (last.trailingSlash()) {
      Znode found = fs.directories.lookup(last.directory(), last.name(), caller);
      throw posix(found.isDirectory() ? Errno.EISDIR : Errno.ENOTDIR, Names.show(path));
    }
    fs.unlink(last.directory().inode, last.name(), caller);
  }

  public void rmdir(byte[] path, Caller caller) {
    PathWalk.Last last = last(path, caller);
    if (last.name().length == 0) {
      throw posix(Errno.EBUSY, Names.show(path));
    }
    fs.rmdir(last.directory().inode, last.name(), caller);
  }

  public void rename(byte[] oldPath, byte[] newPath, int flags, Caller caller) {
    rename(oldPath, this, newPath, flags, caller);
  }

  /** As renameat2(2): {@code newPath} is relative to where {@code newCalls} begin. */
  public void rename(byte[] oldPath, PathCalls newCalls, byte[] newPath, int flags, Caller caller) {
    RenameOp.checkFlags(flags); // before the paths are looked at
    PathWalk.Last from = last(oldPath, caller);
    PathWalk.Last to = newCalls.last(newPath, caller);
    if (isSpecial(from.name())) {
      throw posix(Errno.EBUSY, Names.show(oldPath));
    }
    if (isSpecial(to.name())) {
      boolean replaces = (flags & OpenFlags.RENAME_NOREPLACE) == 0;
      throw posix(replaces ? Errno.EBUSY : Errno.EEXIST, Names.show(newPath));
    }
    if (from.trailingSlash() || to.trailingSlash()) {
      checkSlashes(from, to, flags, caller);
    }
    fs.rename(from.directory().inode, from.name(), to.directory().inode, to.name(), flags, caller);
  }

  /** Refuses what is no directory where a slash says that it is one. */
  private void checkSlashes(PathWalk.Last from, PathWalk.Last to, int flags, Caller caller) {
    Znode source = fs.directories.lookup(from.directory(), from.name(), caller);
    boolean exchanges = (flags & OpenFlags.RENAME_EXCHANGE) != 0;
    if (exchanges) {
      Znode target = fs.directories.lookup(to.directory(), to.name(), caller);
      if (to.trailingSlash()) {
        DirectoryOps.checkDirectory(target);
      }
    }
    if ((flags & OpenFlags.RENAME_NOREPLACE) != 0 && existing(to, caller) != null) {
      throw posix(Errno.EEXIST, Names.show(to.name()));
    }
    if (from.trailingSlash() || !exchanges) {
      DirectoryOps.checkDirectory(source);
    }
  }

  /** chmod, chown, utimensat and truncate; lchown and the like without {@code followLast}. */
  public Attr setattr(byte[] path, boolean followLast, SetAttr change, Caller caller) {
    return fs.setattr(resolve(path, followLast, caller), change, caller);
  }

  public void access(byte[] path, int mask, Caller caller) {
    fs.access(resolve(path, true, caller), mask, caller);
  }

  public byte[] getxattr(byte[] path, boolean followLast, byte[] name, Caller caller) {
    return fs.getxattr(resolve(path, followLast, caller), name, caller);
  }

  public void setxattr(
      byte[] path, boolean followLast, byte[] name, byte[] value, int flags, Caller caller) {
    fs.setxattr(resolve(path, followLast, caller), name, value, flags, caller);
  }

  public List<byte[]> listxattr(byte[] path, boolean followLast, Caller caller) {
    return fs.listxattr(resolve(path, followLast, caller), caller);
  }

  public void removexattr(byte[] path, boolean followLast, byte[] name, Caller caller) {
    fs.removexattr(resolve(path, followLast, caller), name, caller);
  }

  /** Lists a directory from the beginning, '.' and '..' included. */
  public void list(byte[] path, Caller caller, DirectoryVisitor visitor) {
    try (FileHandle handle = open(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, 0, caller)) {
      fs.readdir(handle, 0, visitor);
    }
  }

  /** The names in a directory without '.' and '..', in the order of their cookies. */
  public List<byte[]> names(byte[] path, Caller caller) {
    List<byte[]> names = new ArrayList<>();
    list(
        path,
        caller,
        (cookie, name, inode, type) -> {
          if (cookie > 2) {
            names.add(name);
          }
          return true;
        });
    return names;
  }
}
