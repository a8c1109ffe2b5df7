package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What {@link VfsOperations} knows of its process: identity, umask, working directory, descriptors
 * and advisory locks.
 */
public abstract sealed class VfsProcess implements AutoCloseable permits VfsOperations {
  private static final int ENGINE_FLAGS =
      OpenFlags.O_ACCMODE
          | OpenFlags.O_CREAT
          | OpenFlags.O_EXCL
          | OpenFlags.O_TRUNC
          | OpenFlags.O_APPEND
          | OpenFlags.O_DIRECTORY
          | OpenFlags.O_NOFOLLOW
          | OpenFlags.O_NOATIME;

  final PosixFileSystem fs;
  final long device;
  final FdTable descriptors;
  final WorkingDirectory working;
  private final RangeLocks.Owner owner;
  private volatile Caller caller;
  private volatile int umask = 0x12;

  VfsProcess(
      PosixFileSystem fs,
      long device,
      Caller caller,
      int process,
      FdTable descriptors,
      WorkingDirectory working) {
    this.fs = fs;
    this.device = device;
    this.caller = caller;
    this.descriptors = descriptors;
    this.working = working;
    this.owner = RangeLocks.Owner.ofProcess(process);
  }

  // The process

  /** Closes the descriptors that are marked so, as execve does. */
  public void closeOnExec() {
    for (int fd : descriptors.closingOnExec()) {
      close(fd);
    }
  }

  /** Ends the process: all descriptors are closed. Idempotent. */
  @Override
  public void close() {
    RuntimeException failure = null;
    for (int fd : descriptors.open()) {
      try {
        close(fd);
      } catch (PoolException e) {
        failure = e;
      }
    }
    working.leave();
    if (failure != null) {
      throw failure;
    }
  }

  public Caller caller() {
    return caller;
  }

  /** Takes on another identity, which counts for all calls from now on. */
  public void caller(Caller value) {
    caller = value;
  }

  /** Sets the permission bits that new files do not get, and answers those before. */
  public int umask(int bits) {
    int before = umask;
    umask = bits & Mode.ANY_PERMISSION;
    return before;
  }

  int umask() {
    return umask;
  }

  /** The caller as one who makes new files. */
  Caller creator() {
    return caller.withUmask(umask);
  }

  /** ENOENT, ENOTDIR, EACCES unless it may be searched. */
  public void chdir(byte[] path) {
    try (Base base = base(VfsFlags.AT_FDCWD, path)) {
      working.enter(base.calls.stat(path, caller), caller);
    }
  }

  /** As {@link #chdir}; EBADF. */
  public void fchdir(int fd) {
    try (Use use = use(fd)) {
      working.enter(use.handle().getattr(), caller);
    }
  }

  /** The absolute path of the working directory; ENOENT when it was removed. */
  public byte[] getcwd() {
    return working.path();
  }

  // Descriptors

  /** A descriptor during one call. */
  record Use(OpenFile file) implements AutoCloseable {
    FileHandle handle() {
      return file.handle();
    }

    @Override
    public void close() {
      file.release();
    }
  }

  Use use(int fd) {
    return new Use(descriptors.acquire(fd));
  }

  /** Where a path begins, during one call. */
  record Base(PathCalls calls, Runnable end) implements AutoCloseable {
    @Override
    public void close() {
      end.run();
    }
  }

  Base base(int directoryFd, byte[] path) {
    if (path.length > 0 && path[0] == '/') {
      return new Base(fs.paths(), () -> {});
    }
    if (directoryFd == VfsFlags.AT_FDCWD) {
      long inode = working.hold();
      return new Base(fs.pathsAt(inode), () -> fs.forget(inode, 1));
    }
    OpenFile file = descriptors.acquire(directoryFd);
    if (!file.handle().isDirectory()) {
      file.release();
      throw posix(Errno.ENOTDIR, "descriptor " + directoryFd);
    }
    return new Base(fs.pathsAt(file.inode), file::release);
  }

  /**
   * Opens, and with O_CREAT creates, a file; the lowest free descriptor is its. O_SYNC and O_DSYNC
   * make each write durable; O_DIRECT, O_NONBLOCK and flags that are not known change nothing. With
   * O_TMPFILE, {@code path} is a directory, and a file without a name is made there; unless O_EXCL
   * is given too, {@link VfsOperations#linkat} with AT_EMPTY_PATH gives it one.
   *
   * @throws PoolException ENOENT, EEXIST (O_EXCL), EISDIR, ENOTDIR, ELOOP, EACCES, EMFILE,
   *     ENAMETOOLONG, EROFS, ENOSPC, ENXIO for what is no file or directory, EPERM for O_NOATIME of
   *     another's file, EINVAL also for O_PATH, for O_CREAT with O_DIRECTORY, and for O_TMPFILE
   *     without writing
   */
  public int open(byte[] path, int flags, int mode) {
    return openat(VfsFlags.AT_FDCWD, path, flags, mode);
  }

  /** As {@link #open}, a relative path beginning at an open directory; EBADF, ENOTDIR. */
  public int openat(int directoryFd, byte[] path, int flags, int mode) {
    boolean unnamed = (flags & VfsFlags.O_TMPFILE_BIT) != 0;
    int both = OpenFlags.O_CREAT | OpenFlags.O_DIRECTORY;
    if ((flags & VfsFlags.O_PATH) != 0
        || (flags & both) == both
        || (unnamed && !makesUnnamed(flags))) {
      throw posix(Errno.EINVAL, "open flags " + flags);
    }
    // Before anything is created: a full table leaves no file behind.
    int fd = descriptors.reserve();
    boolean installed = false;
    try (Base base = base(directoryFd, path)) {
      int bits = mode & Mode.PERMISSIONS;
      int known = flags & ENGINE_FLAGS;
      FileHandle handle =
          unnamed
              ? base.calls.openUnnamed(path, known, bits, creator())
              : base.calls.open(path, known, bits, creator());
      descriptors.install(fd, new OpenFile(fs, handle, flags), (flags & VfsFlags.O_CLOEXEC) != 0);
      installed = true;
      return fd;
    } finally {
      if (!installed) {
        descriptors.cancel(fd);
      }
    }
  }

  /** Whether O_TMPFILE is whole, and the file can be written, as nobody else can do that for it. */
  private static boolean makesUnnamed(int flags) {
    return (flags & VfsFlags.O_TMPFILE) == VfsFlags.O_TMPFILE
        && (flags & OpenFlags.O_CREAT) == 0
        && OpenFlags.writes(flags);
  }

  /**
   * Closes a descriptor, and with it lets go of the process's range locks on the file.
   *
   * @throws PoolException EBADF; EIO when a file without a name could not be freed
   */
  public void close(int fd) {
    closed(descriptors.remove(fd));
  }

  private void closed(OpenFile file) {
    fs.rangeLocks().release(file.inode, owner);
    file.release();
  }

  /** Another descriptor of the same open file, which shares its position; EBADF, EMFILE. */
  public int dup(int fd) {
    return descriptors.duplicate(fd, 0, false);
  }

  /** Makes {@code to} a descriptor of the same open file; EBADF, EBUSY. */
  public int dup2(int from, int to) {
    if (from == to) {
      use(from).close();
      return to;
    }
    return dup3(from, to, 0);
  }

  /** As {@link #dup2}, with O_CLOEXEC or 0; EINVAL for other flags and equal descriptors. */
  public int dup3(int from, int to, int flags) {
    if (from == to || (flags & ~VfsFlags.O_CLOEXEC) != 0) {
      throw posix(Errno.EINVAL, "dup3 of " + from + " to " + to);
    }
    OpenFile before = descriptors.replace(from, to, flags != 0);
    if (before != null) {
      closed(before);
    }
    return to;
  }

  /**
   * F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL and F_SETFL; locks have calls of their own.
   *
   * @throws PoolException EBADF; EMFILE; EINVAL for other commands
   */
  public int fcntl(int fd, int command, int argument) {
    return switch (command) {
      case VfsFlags.F_DUPFD -> descriptors.duplicate(fd, argument, false);
      case VfsFlags.F_DUPFD_CLOEXEC -> descriptors.duplicate(fd, argument, true);
      case VfsFlags.F_GETFD -> descriptors.closeOnExec(fd) ? VfsFlags.FD_CLOEXEC : 0;
      case VfsFlags.F_SETFD -> {
        descriptors.closeOnExec(fd, (argument & VfsFlags.FD_CLOEXEC) != 0);
        yield 0;
      }
      case VfsFlags.F_GETFL -> {
        try (Use use = use(fd)) {
          yield use.file.flags();
        }
      }
      case VfsFlags.F_SETFL -> {
        try (Use use = use(fd)) {
          use.file.changeFlags(argument, caller);
        }
        yield 0;
      }
      default -> throw posix(Errno.EINVAL, "fcntl " + command);
    };
  }

  // Advisory locks

  /**
   * Takes or leaves a lock of the process on a range of bytes.
   *
   * @param type F_RDLCK, F_WRLCK or F_UNLCK
   * @param start from what {@code whence} says: SEEK_SET, SEEK_CUR, SEEK_END
   * @param length in bytes; 0 to the end, wherever that is; negative for what is before the start
   * @param wait for others; otherwise EAGAIN
   * @throws PoolException EBADF, also when not open for what the type says; EINVAL; EOVERFLOW;
   *     EDEADLK; ENOLCK; EINTR
   */
  public void setLock(int fd, int type, int whence, long start, long length, boolean wait) {
    try (Use use = use(fd)) {
      setLock(use.file, owner, type, LockRange.of(use.file, whence, start, length), wait);
    }
  }

  /** As {@link #setLock} with the open file as owner, whatever process uses it. */
  public void setFileLock(int fd, int type, int whence, long start, long length, boolean wait) {
    try (Use use = use(fd)) {
      setLock(use.file, use.file.owner, type, LockRange.of(use.file, whence, start, length), wait);
    }
  }

  private void setLock(
      OpenFile file, RangeLocks.Owner by, int type, LockRange range, boolean wait) {
    if (type == VfsFlags.F_UNLCK) {
      fs.rangeLocks().unlock(file.inode, by, range.first(), range.last());
      return;
    }
    RangeLocks.Kind kind = LockRange.kind(type);
    if (kind == RangeLocks.Kind.SHARED ? !file.reads() : !file.writes()) {
      throw posix(Errno.EBADF, "lock of a file that is not open for it");
    }
    fs.rangeLocks().lock(file.inode, by, kind, range.first(), range.last(), wait);
  }

  /** A lock that keeps the process from taking this one; empty when it could have it. */
  public Optional<FileLock> getLock(int fd, int type, int whence, long start, long length) {
    try (Use use = use(fd)) {
      return conflict(use.file, owner, type, LockRange.of(use.file, whence, start, length));
    }
  }

  /** As {@link #getLock} with the open file as owner. */
  public Optional<FileLock> getFileLock(int fd, int type, int whence, long start, long length) {
    try (Use use = use(fd)) {
      OpenFile file = use.file;
      return conflict(file, file.owner, type, LockRange.of(file, whence, start, length));
    }
  }

  private Optional<FileLock> conflict(
      OpenFile file, RangeLocks.Owner by, int type, LockRange range) {
    RangeLocks.@Nullable Held held =
        fs.rangeLocks().conflict(file.inode, by, LockRange.kind(type), range.first(), range.last());
    return Optional.ofNullable(held).map(FileLock::of);
  }

  /**
   * Takes or leaves a lock of the open file on all of it: LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB
   * not to wait. As on Linux a lock that is changed is let go first.
   *
   * @throws PoolException EBADF, EINVAL, EAGAIN, EINTR, ENOLCK
   */
  public void flock(int fd, int operation) {
    try (Use use = use(fd)) {
      OpenFile file = use.file;
      boolean wait = (operation & VfsFlags.LOCK_NB) == 0;
      RangeLocks locks = fs.wholeLocks();
      RangeLocks.Kind kind =
          switch (operation & ~VfsFlags.LOCK_NB) {
            case VfsFlags.LOCK_SH -> RangeLocks.Kind.SHARED;
            case VfsFlags.LOCK_EX -> RangeLocks.Kind.EXCLUSIVE;
            case VfsFlags.LOCK_UN -> null;
            default -> throw posix(Errno.EINVAL, "flock " + operation);
          };
      if (kind == null || !locks.holds(file.inode, file.owner, kind)) {
        locks.release(file.inode, file.owner);
      }
      if (kind != null) {
        locks.lock(file.inode, file.owner, kind, 0, RangeLocks.TO_THE_END, wait);
      }
    }
  }
}
