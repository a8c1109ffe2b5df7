package io.lcpfs.cli.tree;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A directory in a pool. Who may open the pool's devices may do everything in it, so all calls are
 * root's.
 */
public final class PoolDirectory implements TreeDirectory {
  private static final long LAST_DOT_COOKIE = 2;

  private final PosixFileSystem fs;
  private final long space;
  private final long inode;
  private final String display;

  /**
   * @param space tells the file system apart from others: its dataset's guid
   * @param display how messages call the directory
   */
  public PoolDirectory(PosixFileSystem fs, long space, long inode, String display) {
    this.fs = fs;
    this.space = space;
    this.inode = inode;
    this.display = display;
  }

  @Override
  public String display() {
    return display;
  }

  private String display(byte[] name) {
    return display.endsWith("/")
        ? display + HostDirectory.show(name)
        : display + "/" + HostDirectory.show(name);
  }

  /** The inode number of the directory. */
  public long inode() {
    return inode;
  }

  private interface Call<T> {
    T run();
  }

  /** The file system names only the last component: say the whole path. */
  private static <T> T named(String display, Call<T> call) {
    try {
      return call.run();
    } catch (PoolException e) {
      if (e.error() instanceof PoolError.Posix posix) {
        throw new PoolException(new PoolError.Posix(posix.errno(), display), e);
      }
      throw e;
    }
  }

  /** What {@code attr} says, of a file in the file system {@code space}. */
  public static Attributes attributes(Attr attr, long space) {
    return new Attributes(
        new Attributes.Identity(space, attr.inode()),
        attr.mode(),
        attr.nlink(),
        attr.uid(),
        attr.gid(),
        attr.rdev(),
        attr.size(),
        attr.blocks512() * 512,
        attr.atimeSeconds(),
        attr.atimeNanos(),
        attr.mtimeSeconds(),
        attr.mtimeNanos());
  }

  @Override
  public Attributes attributes() {
    return named(display, () -> attributes(fs.getattr(inode), space));
  }

  @Override
  public List<byte[]> names() {
    List<byte[]> names = new ArrayList<>();
    return named(
        display,
        () -> {
          try (FileHandle handle =
              fs.open(
                  inode,
                  OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOATIME,
                  Caller.ROOT)) {
            fs.readdir(
                handle,
                0,
                (cookie, name, number, type) -> {
                  if (cookie > LAST_DOT_COOKIE) {
                    names.add(name.clone());
                  }
                  return true;
                });
          }
          return names;
        });
  }

  private Attr lookup(byte[] name) {
    return named(display(name), () -> fs.lookup(inode, name, Caller.ROOT));
  }

  @Override
  public @Nullable Attributes stat(byte[] name) {
    try {
      return attributes(lookup(name), space);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return null;
      }
      throw e;
    }
  }

  @Override
  public PoolDirectory directory(byte[] name) {
    Attr attr = lookup(name);
    if (!attr.isDirectory()) {
      throw PoolException.posix(Errno.ENOTDIR, display(name));
    }
    return new PoolDirectory(fs, space, attr.inode(), display(name));
  }

  @Override
  public byte[] readLink(byte[] name) {
    return named(display(name), () -> fs.readlink(lookup(name).inode()));
  }

  @Override
  public TreeFile open(byte[] name) {
    Attr attr = lookup(name);
    if (!attr.isRegular()) {
      throw PoolException.posix(attr.isDirectory() ? Errno.EISDIR : Errno.EINVAL, display(name));
    }
    FileHandle handle =
        named(
            display(name),
            () -> fs.open(attr.inode(), OpenFlags.O_RDONLY | OpenFlags.O_NOATIME, Caller.ROOT));
    return new PoolFile(fs, handle, attr, space, display(name));
  }

  /** What has this inode number, opened to read, where it is no directory but a regular file. */
  public TreeFile asFile() {
    Attr attr = fs.getattr(inode);
    if (!attr.isRegular()) {
      throw PoolException.posix(Errno.EINVAL, display);
    }
    FileHandle handle = fs.open(inode, OpenFlags.O_RDONLY | OpenFlags.O_NOATIME, Caller.ROOT);
    return new PoolFile(fs, handle, attr, space, display);
  }

  @Override
  public TreeFile create(byte[] name) {
    var created =
        named(
            display(name),
            () ->
                fs.create(
                    inode,
                    name,
                    0600,
                    OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_WRONLY,
                    Caller.ROOT));
    return new PoolFile(fs, created.handle(), created.attr(), space, display(name));
  }

  @Override
  public void makeDirectory(byte[] name) {
    named(display(name), () -> fs.mkdir(inode, name, 0700, Caller.ROOT));
  }

  @Override
  public void makeSymlink(byte[] name, byte[] target) {
    named(display(name), () -> fs.symlink(inode, name, target, Caller.ROOT));
  }

  @Override
  public void makeNode(byte[] name, int mode, long rdev) {
    named(display(name), () -> fs.mknod(inode, name, mode, rdev, Caller.ROOT));
  }

  @Override
  public void link(byte[] name, TreeDirectory from, byte[] existing) {
    if (!(from instanceof PoolDirectory directory) || directory.fs != fs) {
      throw PoolException.posix(Errno.EXDEV, display(name));
    }
    long target = directory.lookup(existing).inode();
    named(display(name), () -> fs.link(target, inode, name, Caller.ROOT));
  }

  @Override
  public void remove(byte[] name) {
    named(
        display(name),
        () -> {
          fs.unlink(inode, name, Caller.ROOT);
          return inode;
        });
  }

  /** The change as the file system takes it. */
  static SetAttr change(Applied applied, boolean withPermissions) {
    SetAttr change = new SetAttr();
    if (applied.permissions() >= 0 && withPermissions) {
      change.mode(applied.permissions());
    }
    if (applied.uid() != -1) {
      change.uid(applied.uid());
    }
    if (applied.gid() != -1) {
      change.gid(applied.gid());
    }
    Applied.Times times = applied.times();
    if (times.set()) {
      change
          .atime(times.atimeSeconds(), times.atimeNanos())
          .mtime(times.mtimeSeconds(), times.mtimeNanos());
    }
    return change;
  }

  @Override
  public void apply(byte[] name, Attributes type, Applied applied) {
    long target = lookup(name).inode();
    named(display(name), () -> fs.setattr(target, change(applied, !type.isSymlink()), Caller.ROOT));
  }

  @Override
  public void apply(Applied applied) {
    named(display, () -> fs.setattr(inode, change(applied, true), Caller.ROOT));
  }

  static SortedMap<String, byte[]> xattrs(PosixFileSystem fs, long inode, String display) {
    SortedMap<String, byte[]> result = new TreeMap<>();
    return named(
        display,
        () -> {
          for (byte[] name : fs.listxattr(inode, Caller.ROOT)) {
            result.put(NameText.decode(name), fs.getxattr(inode, name, Caller.ROOT));
          }
          return result;
        });
  }

  static void setXattr(PosixFileSystem fs, long inode, String name, byte[] value, String display) {
    named(
        display,
        () -> {
          fs.setxattr(inode, name.getBytes(NameText.CHARSET), value, 0, Caller.ROOT);
          return inode;
        });
  }

  @Override
  public SortedMap<String, byte[]> xattrs() {
    return xattrs(fs, inode, display);
  }

  @Override
  public void setXattr(String name, byte[] value) {
    setXattr(fs, inode, name, value, display);
  }

  @Override
  public void close() {
    // Directories of a pool are addressed by number; nothing is held.
  }
}
