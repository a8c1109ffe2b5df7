package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The system calls on files over a table of descriptors, for one process: it has an identity, a
 * umask, a working directory and descriptors of its own. Flags and numbers are those of Linux
 * x86-64, see {@link OpenFlags} and {@link VfsFlags}. Paths are bytes, UTF-8 by custom; relative
 * ones begin at the working directory. Safe from many threads: a descriptor that is closed beside a
 * call lets the call end. Failures are PoolExceptions; besides those named, each call may give EIO,
 * ENOMEM, and EBADF when the file system is closed. {@link Syscalls} answers numbers instead.
 */
public final class VfsOperations extends VfsProcess {
  /** Descriptors that a process may have unless it is told otherwise. */
  public static final int DEFAULT_DESCRIPTORS = 1024;

  /** In place of an offset: the position of the descriptor, which moves. */
  public static final long AT_POSITION = -1;

  private static final byte[] DOT = {'.'};

  /**
   * A process whose working directory is the root, with the umask 022.
   *
   * @param device the number of the file system, for st_dev
   * @param process the number of the process, for who asks about locks
   * @param mostDescriptors all descriptors are below it
   */
  public VfsOperations(
      PosixFileSystem fs, long device, Caller caller, int process, int mostDescriptors) {
    this(fs, device, caller, process, new FdTable(mostDescriptors), new WorkingDirectory(fs));
  }

  /** A process numbered 1 with {@link #DEFAULT_DESCRIPTORS}. */
  public VfsOperations(PosixFileSystem fs, long device, Caller caller) {
    this(fs, device, caller, 1, DEFAULT_DESCRIPTORS);
  }

  private VfsOperations(
      PosixFileSystem fs,
      long device,
      Caller caller,
      int process,
      FdTable descriptors,
      WorkingDirectory working) {
    super(fs, device, caller, process, descriptors, working);
  }

  /** A process with the same identity, working directory, umask and open files; no locks. */
  public VfsOperations fork(int process) {
    VfsOperations child =
        new VfsOperations(fs, device, caller(), process, descriptors.copy(), working.copy());
    child.umask(umask());
    return child;
  }

  // Content

  /** A count of bytes as the kernel takes it: more than it moves at once is cut. */
  private static int length(MemorySegment buffer, long count) {
    if (count < 0) {
      throw posix(Errno.EINVAL, "count " + count);
    }
    if (count > buffer.byteSize()) {
      throw posix(Errno.EFAULT, "buffer of " + buffer.byteSize() + " bytes for " + count);
    }
    return (int) Math.min(count, VfsFlags.MOST_BYTES);
  }

  private static void checkOffset(long offsetBytes) {
    if (offsetBytes < 0) {
      throw posix(Errno.EINVAL, "offset " + offsetBytes);
    }
  }

  /**
   * Reads up to {@code count} bytes at the descriptor's position to the beginning of {@code target}
   * and moves the position.
   *
   * @return bytes read, 0 at the end
   * @throws PoolException EBADF, EISDIR, EINVAL, EFAULT when the buffer is too small
   */
  public int read(int fd, MemorySegment target, long count) {
    int length = length(target, count);
    try (Use use = use(fd)) {
      return use.file().read(target, length);
    }
  }

  /** As {@link #read} at an offset; the position stays. */
  public int pread(int fd, MemorySegment target, long count, long offsetBytes) {
    int length = length(target, count);
    checkOffset(offsetBytes);
    try (Use use = use(fd)) {
      return use.handle().read(offsetBytes, target, 0, length);
    }
  }

  /**
   * Writes {@code count} bytes from the beginning of {@code source} at the descriptor's position,
   * or at the end with O_APPEND, and moves the position behind them. (Behind the end of the file
   * when others append beside it.)
   *
   * @return bytes written, fewer when space ran out on the way
   * @throws PoolException EBADF, EINVAL, EFAULT, EFBIG, ENOSPC, EROFS
   */
  public int write(int fd, MemorySegment source, long count) {
    int length = length(source, count);
    try (Use use = use(fd)) {
      return use.file().write(source, length, caller());
    }
  }

  /** As {@link #write} at an offset; the position stays. With O_APPEND, at the end all the same. */
  public int pwrite(int fd, MemorySegment source, long count, long offsetBytes) {
    int length = length(source, count);
    checkOffset(offsetBytes);
    try (Use use = use(fd)) {
      return use.file().writeAt(offsetBytes, source, length, caller());
    }
  }

  /**
   * Moves the position, by SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA or SEEK_HOLE. A directory's is a
   * cookie of its listing, which only the first two know.
   *
   * @return the new position
   * @throws PoolException EBADF, EINVAL, EOVERFLOW, ENXIO
   */
  public long seek(int fd, long offset, int whence) {
    try (Use use = use(fd)) {
      return use.file().seek(offset, whence);
    }
  }

  /** Sets a file's size in bytes; EACCES, EISDIR, EINVAL, EFBIG, EROFS. */
  public void truncate(byte[] path, long sizeBytes) {
    setattr(path, true, new SetAttr().size(sizeBytes));
  }

  /** As {@link #truncate} of an open file; EBADF; EINVAL when it is not open for writing. */
  public void ftruncate(int fd, long sizeBytes) {
    checkOffset(sizeBytes);
    try (Use use = use(fd)) {
      use.handle().truncate(sizeBytes);
    }
  }

  /** See {@link FileHandle#fallocate}; EBADF, EINVAL, EFBIG, EOPNOTSUPP, ENOSPC, EROFS. */
  public void fallocate(int fd, int mode, long offsetBytes, long length) {
    try (Use use = use(fd)) {
      use.handle().fallocate(mode, offsetBytes, length);
    }
  }

  /**
   * Copies between open files.
   *
   * @param inOffset in bytes, or {@link #AT_POSITION}
   * @param outOffset in bytes, or {@link #AT_POSITION}
   * @param flags 0
   * @return bytes copied, fewer at the end of the source
   * @throws PoolException EBADF; EISDIR; EINVAL, also for ranges of one file that overlap; EFBIG;
   *     ENOSPC; EROFS
   */
  public long copyFileRange(
      int inFd, long inOffset, int outFd, long outOffset, long length, int flags) {
    if (flags != 0 || inOffset < AT_POSITION || outOffset < AT_POSITION) {
      throw posix(Errno.EINVAL, "copy_file_range");
    }
    try (Use in = use(inFd);
        Use out = use(outFd)) {
      long from = inOffset == AT_POSITION ? in.file().seek(0, VfsFlags.SEEK_CUR) : inOffset;
      long to = outOffset == AT_POSITION ? out.file().seek(0, VfsFlags.SEEK_CUR) : outOffset;
      long copied = CopyRange.copy(in.file(), from, out.file(), to, length, caller());
      if (inOffset == AT_POSITION) {
        in.file().seek(from + copied, VfsFlags.SEEK_SET);
      }
      if (outOffset == AT_POSITION) {
        out.file().seek(to + copied, VfsFlags.SEEK_SET);
      }
      return copied;
    }
  }

  /** Returns when all that happened to the file before is on disk; EBADF. */
  public void fsync(int fd) {
    try (Use use = use(fd)) {
      use.handle().fsync();
    }
  }

  /** As {@link #fsync}: the size belongs to the data, and all else is written with it. */
  public void fdatasync(int fd) {
    try (Use use = use(fd)) {
      use.handle().fdatasync();
    }
  }

  /** Returns when everything done before in the file system is on disk. */
  public void sync() {
    fs.sync();
  }

  // Names

  /** EEXIST, ENOENT, ENOTDIR, EACCES, EMLINK, ENAMETOOLONG, ENOSPC, EROFS. */
  public void mkdir(byte[] path, int mode) {
    mkdirat(VfsFlags.AT_FDCWD, path, mode);
  }

  public void mkdirat(int directoryFd, byte[] path, int mode) {
    try (Base base = base(directoryFd, path)) {
      base.calls().mkdir(path, mode, creator());
    }
  }

  /** A regular file, fifo, socket or device node by the type in {@code mode}; EPERM, EEXIST. */
  public void mknod(byte[] path, int mode, long rdev) {
    mknodat(VfsFlags.AT_FDCWD, path, mode, rdev);
  }

  public void mknodat(int directoryFd, byte[] path, int mode, long rdev) {
    try (Base base = base(directoryFd, path)) {
      base.calls().mknod(path, mode, rdev, creator());
    }
  }

  /** ENOENT, EISDIR, ENOTDIR, EACCES, EPERM in a sticky directory, EROFS. */
  public void unlink(byte[] path) {
    unlinkat(VfsFlags.AT_FDCWD, path, 0);
  }

  /** ENOTEMPTY, ENOENT, ENOTDIR, EACCES, EPERM, EBUSY for the root, EINVAL for '.', EROFS. */
  public void rmdir(byte[] path) {
    unlinkat(VfsFlags.AT_FDCWD, path, VfsFlags.AT_REMOVEDIR);
  }

  public void unlinkat(int directoryFd, byte[] path, int flags) {
    checkFlags(flags, VfsFlags.AT_REMOVEDIR);
    try (Base base = base(directoryFd, path)) {
      if (flags == 0) {
        base.calls().unlink(path, caller());
      } else {
        base.calls().rmdir(path, caller());
      }
    }
  }

  /** Replaces what {@code newPath} names; EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EBUSY, EACCES. */
  public void rename(byte[] oldPath, byte[] newPath) {
    renameat(VfsFlags.AT_FDCWD, oldPath, VfsFlags.AT_FDCWD, newPath, 0);
  }

  /** As renameat2, with OpenFlags.RENAME_ flags; EEXIST, EINVAL. */
  public void renameat(int oldFd, byte[] oldPath, int newFd, byte[] newPath, int flags) {
    try (Base from = base(oldFd, oldPath);
        Base to = base(newFd, newPath)) {
      from.calls().rename(oldPath, to.calls(), newPath, flags, caller());
    }
  }

  /** Another name for a file; EEXIST, EPERM for directories, EMLINK. */
  public void link(byte[] oldPath, byte[] newPath) {
    linkat(VfsFlags.AT_FDCWD, oldPath, VfsFlags.AT_FDCWD, newPath, 0);
  }

  /**
   * With AT_SYMLINK_FOLLOW, and AT_EMPTY_PATH for the file that {@code oldFd} is open on, which may
   * have no name yet (O_TMPFILE). ENOENT for one that has none any more.
   */
  public void linkat(int oldFd, byte[] oldPath, int newFd, byte[] newPath, int flags) {
    checkFlags(flags, VfsFlags.AT_SYMLINK_FOLLOW | VfsFlags.AT_EMPTY_PATH);
    try (Base to = base(newFd, newPath)) {
      if (oldPath.length == 0 && (flags & VfsFlags.AT_EMPTY_PATH) != 0) {
        try (Use use = use(oldFd)) {
          use.file().link(to.calls(), newPath, caller());
        }
        return;
      }
      try (Base from = base(oldFd, oldPath)) {
        boolean follow = (flags & VfsFlags.AT_SYMLINK_FOLLOW) != 0;
        to.calls().link(from.calls().resolve(oldPath, follow, caller()), newPath, caller());
      }
    }
  }

  /** ENOENT for an empty target, ENAMETOOLONG, EEXIST. */
  public void symlink(byte[] target, byte[] path) {
    symlinkat(target, VfsFlags.AT_FDCWD, path);
  }

  public void symlinkat(byte[] target, int directoryFd, byte[] path) {
    try (Base base = base(directoryFd, path)) {
      base.calls().symlink(target, path, caller());
    }
  }

  /** The target; EINVAL when it is no symbolic link. */
  public byte[] readlink(byte[] path) {
    return readlinkat(VfsFlags.AT_FDCWD, path);
  }

  public byte[] readlinkat(int directoryFd, byte[] path) {
    try (Base base = base(directoryFd, path)) {
      return base.calls().readlink(path, caller());
    }
  }

  /**
   * Lists an open directory from its position on, which moves behind each entry that the visitor
   * takes. EBADF, ENOTDIR.
   */
  public void readdir(int fd, DirectoryVisitor visitor) {
    try (Use use = use(fd)) {
      OpenFile file = use.file();
      file.lock.lock();
      try {
        long[] last = {file.position()};
        fs.readdir(
            file.handle(),
            last[0],
            (cookie, name, inode, type) -> {
              if (!visitor.entry(cookie, name, inode, type)) {
                return false;
              }
              last[0] = cookie;
              return true;
            });
        file.position(last[0]);
      } finally {
        file.lock.unlock();
      }
    }
  }

  /** The next entries of an open directory, at most {@code most}; none at the end. */
  public List<NamedEntry> readdir(int fd, int most) {
    List<NamedEntry> entries = new ArrayList<>();
    readdir(
        fd,
        (cookie, name, inode, type) ->
            entries.size() < most && entries.add(new NamedEntry(cookie, name, inode, type)));
    return entries;
  }

  // Attributes

  private static void checkFlags(int flags, int known) {
    if ((flags & ~known) != 0) {
      throw posix(Errno.EINVAL, "flags " + flags);
    }
  }

  /** ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG. */
  public FileStat stat(byte[] path) {
    return fullStat(VfsFlags.AT_FDCWD, path, 0).stat();
  }

  /** As {@link #stat} of a symbolic link itself. */
  public FileStat lstat(byte[] path) {
    return fullStat(VfsFlags.AT_FDCWD, path, VfsFlags.AT_SYMLINK_NOFOLLOW).stat();
  }

  public FileStat fstat(int fd) {
    return fullStat(fd).stat();
  }

  /** As fstatat, with AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH. */
  public FullStat fullStat(int directoryFd, byte[] path, int flags) {
    checkFlags(flags, VfsFlags.AT_SYMLINK_NOFOLLOW | VfsFlags.AT_EMPTY_PATH);
    if (path.length == 0
        && (flags & VfsFlags.AT_EMPTY_PATH) != 0
        && directoryFd != VfsFlags.AT_FDCWD) {
      return fullStat(directoryFd);
    }
    byte[] from = path.length == 0 && (flags & VfsFlags.AT_EMPTY_PATH) != 0 ? DOT : path;
    try (Base base = base(directoryFd, from)) {
      boolean follow = (flags & VfsFlags.AT_SYMLINK_NOFOLLOW) == 0;
      return new FullStat(
          device, follow ? base.calls().stat(from, caller()) : base.calls().lstat(from, caller()));
    }
  }

  public FullStat fullStat(int fd) {
    try (Use use = use(fd)) {
      return new FullStat(device, use.handle().getattr());
    }
  }

  private void setattr(byte[] path, boolean follow, SetAttr change) {
    setattrAt(VfsFlags.AT_FDCWD, path, follow, change);
  }

  private void setattrAt(int directoryFd, byte[] path, boolean follow, SetAttr change) {
    try (Base base = base(directoryFd, path)) {
      base.calls().setattr(path, follow, change, caller());
    }
  }

  private void setattr(int fd, SetAttr change) {
    try (Use use = use(fd)) {
      fs.setattr(use.file().inode, change, caller());
    }
  }

  private static boolean follows(int flags) {
    checkFlags(flags, VfsFlags.AT_SYMLINK_NOFOLLOW);
    return flags == 0;
  }

  /** EPERM unless owner or root; EROFS. */
  public void chmod(byte[] path, int mode) {
    fchmodat(VfsFlags.AT_FDCWD, path, mode, 0);
  }

  public void fchmod(int fd, int mode) {
    setattr(fd, new SetAttr().mode(mode));
  }

  /** With AT_SYMLINK_NOFOLLOW or 0; EOPNOTSUPP for a symbolic link itself. */
  public void fchmodat(int directoryFd, byte[] path, int mode, int flags) {
    setattrAt(directoryFd, path, follows(flags), new SetAttr().mode(mode));
  }

  private static SetAttr ownership(int uid, int gid) {
    SetAttr change = new SetAttr();
    if (uid != -1) {
      change.uid(uid);
    }
    if (gid != -1) {
      change.gid(gid);
    }
    return change;
  }

  /** Changes owner and group, -1 to keep one; EPERM; EROFS. */
  public void chown(byte[] path, int uid, int gid) {
    fchownat(VfsFlags.AT_FDCWD, path, uid, gid, 0);
  }

  /** As {@link #chown} of a symbolic link itself. */
  public void lchown(byte[] path, int uid, int gid) {
    fchownat(VfsFlags.AT_FDCWD, path, uid, gid, VfsFlags.AT_SYMLINK_NOFOLLOW);
  }

  public void fchown(int fd, int uid, int gid) {
    setattr(fd, ownership(uid, gid));
  }

  /** With AT_SYMLINK_NOFOLLOW or 0. */
  public void fchownat(int directoryFd, byte[] path, int uid, int gid, int flags) {
    setattrAt(directoryFd, path, follows(flags), ownership(uid, gid));
  }

  private static SetAttr times(Timespec atime, Timespec mtime) {
    SetAttr change = new SetAttr();
    if (atime.isNow()) {
      change.atimeNow();
    } else if (!atime.isOmitted()) {
      change.atime(atime.seconds(), atime.nanos());
    }
    if (mtime.isNow()) {
      change.mtimeNow();
    } else if (!mtime.isOmitted()) {
      change.mtime(mtime.seconds(), mtime.nanos());
    }
    return change;
  }

  /**
   * Sets both times; with both omitted nothing is looked at. AT_SYMLINK_NOFOLLOW or 0.
   *
   * @throws PoolException EPERM; EACCES when both are to be now; EINVAL; EROFS
   */
  public void utimensat(int directoryFd, byte[] path, Timespec atime, Timespec mtime, int flags) {
    boolean follow = follows(flags);
    if (!atime.isOmitted() || !mtime.isOmitted()) {
      setattrAt(directoryFd, path, follow, times(atime, mtime));
    }
  }

  /** As {@link #utimensat} of an open file. */
  public void futimens(int fd, Timespec atime, Timespec mtime) {
    if (atime.isOmitted() && mtime.isOmitted()) {
      use(fd).close();
      return;
    }
    setattr(fd, times(atime, mtime));
  }

  /** EACCES unless all of {@code mask} is allowed; EROFS for W_OK; EINVAL. */
  public void access(byte[] path, int mask) {
    faccessat(VfsFlags.AT_FDCWD, path, mask, 0);
  }

  /** With AT_EACCESS and AT_SYMLINK_NOFOLLOW. */
  public void faccessat(int directoryFd, byte[] path, int mask, int flags) {
    checkFlags(flags, VfsFlags.AT_EACCESS | VfsFlags.AT_SYMLINK_NOFOLLOW);
    boolean follow = (flags & VfsFlags.AT_SYMLINK_NOFOLLOW) == 0;
    try (Base base = base(directoryFd, path)) {
      fs.access(base.calls().resolve(path, follow, caller()), mask, caller());
    }
  }

  /** The value; ENODATA, EOPNOTSUPP, EACCES. */
  public byte[] getxattr(byte[] path, boolean follow, byte[] name) {
    try (Base base = base(VfsFlags.AT_FDCWD, path)) {
      return base.calls().getxattr(path, follow, name, caller());
    }
  }

  public byte[] fgetxattr(int fd, byte[] name) {
    try (Use use = use(fd)) {
      return fs.getxattr(use.file().inode, name, caller());
    }
  }

  /** {@code flags} 0, 1 to create only (EEXIST), 2 to replace only (ENODATA); E2BIG, ERANGE. */
  public void setxattr(byte[] path, boolean follow, byte[] name, byte[] value, int flags) {
    try (Base base = base(VfsFlags.AT_FDCWD, path)) {
      base.calls().setxattr(path, follow, name, value, flags, caller());
    }
  }

  public void fsetxattr(int fd, byte[] name, byte[] value, int flags) {
    try (Use use = use(fd)) {
      fs.setxattr(use.file().inode, name, value, flags, caller());
    }
  }

  public List<byte[]> listxattr(byte[] path, boolean follow) {
    try (Base base = base(VfsFlags.AT_FDCWD, path)) {
      return base.calls().listxattr(path, follow, caller());
    }
  }

  public List<byte[]> flistxattr(int fd) {
    try (Use use = use(fd)) {
      return fs.listxattr(use.file().inode, caller());
    }
  }

  /** ENODATA, EPERM. */
  public void removexattr(byte[] path, boolean follow, byte[] name) {
    try (Base base = base(VfsFlags.AT_FDCWD, path)) {
      base.calls().removexattr(path, follow, name, caller());
    }
  }

  public void fremovexattr(int fd, byte[] name) {
    try (Use use = use(fd)) {
      fs.removexattr(use.file().inode, name, caller());
    }
  }

  /** ENOENT, ENOTDIR, EACCES. */
  public StatFs statfs(byte[] path) {
    try (Base base = base(VfsFlags.AT_FDCWD, path)) {
      base.calls().resolve(path, true, caller());
      return fs.statfs();
    }
  }

  public StatFs fstatfs(int fd) {
    try (Use use = use(fd)) {
      return fs.statfs();
    }
  }
}
