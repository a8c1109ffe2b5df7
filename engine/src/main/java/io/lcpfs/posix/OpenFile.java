package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An open file description: what several descriptors may share. It lives as long as a descriptor or
 * a running call uses it, so that a close beside a read leaves the read whole. Its lock guards the
 * position and the flags.
 */
final class OpenFile {
  private static final int SETTABLE =
      OpenFlags.O_APPEND | OpenFlags.O_NOATIME | VfsFlags.O_NONBLOCK | VfsFlags.O_DIRECT;

  /** What does not stay with an open file. */
  private static final int OPENING_ONLY =
      OpenFlags.O_CREAT
          | OpenFlags.O_EXCL
          | OpenFlags.O_TRUNC
          | OpenFlags.O_NOFOLLOW
          | VfsFlags.O_CLOEXEC;

  /** Held for a whole read or write that moves the position. */
  final ReentrantLock lock = new ReentrantLock();

  /** Owns the locks that the description holds. */
  final RangeLocks.Owner owner = RangeLocks.Owner.ofDescription();

  final long inode;
  private final PosixFileSystem fs;
  private final AtomicInteger users = new AtomicInteger(1);

  /** One handle for each combination of the flags that a handle keeps; under the lock. */
  private final @Nullable FileHandle[] handles = new FileHandle[4];

  private volatile FileHandle handle;

  private volatile int flags;

  /**
   * Made without a name (O_TMPFILE) and to have one; under the lock. What lost its name gets none.
   */
  private boolean awaitsName;

  /** Offset in bytes; of a directory, the cookie behind which the next listing begins. */
  private long position;

  OpenFile(PosixFileSystem fs, FileHandle handle, int flags) {
    this.fs = fs;
    this.handle = handle;
    this.handles[slot(flags)] = handle;
    this.inode = handle.inode();
    this.flags = flags & ~OPENING_ONLY;
    this.awaitsName = (flags & VfsFlags.O_TMPFILE_BIT) != 0 && (flags & OpenFlags.O_EXCL) == 0;
  }

  FileHandle handle() {
    return handle;
  }

  int flags() {
    return flags;
  }

  boolean reads() {
    return OpenFlags.reads(flags);
  }

  boolean writes() {
    return OpenFlags.writes(flags);
  }

  boolean appends() {
    return (flags & OpenFlags.O_APPEND) != 0;
  }

  /** Under the lock. */
  long position() {
    return position;
  }

  /** Under the lock. */
  void position(long value) {
    position = value;
  }

  /** Counts another user, unless the last one has gone. */
  boolean tryAcquire() {
    while (true) {
      int seen = users.get();
      if (seen == 0) {
        return false;
      }
      if (users.compareAndSet(seen, seen + 1)) {
        return true;
      }
    }
  }

  /** A user goes; the last one closes. */
  void release() {
    int left = users.decrementAndGet();
    Check.that(left >= 0, "users of an open file", left);
    if (left == 0) {
      fs.rangeLocks().release(inode, owner);
      fs.wholeLocks().release(inode, owner);
      closeHandles();
    }
  }

  private void closeHandles() {
    RuntimeException failure = null;
    for (FileHandle one : handles) {
      try {
        if (one != null) {
          one.close();
        }
      } catch (RuntimeException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private static int slot(int flags) {
    return ((flags & OpenFlags.O_APPEND) != 0 ? 1 : 0)
        + ((flags & OpenFlags.O_NOATIME) != 0 ? 2 : 0);
  }

  /**
   * Changes the flags that may be changed after the opening, and ignores the rest, as fcntl does.
   *
   * @throws io.lcpfs.error.PoolException EPERM, EACCES when the right to open it so is gone
   */
  void changeFlags(int wanted, Caller caller) {
    lock.lock();
    try {
      int next = (flags & ~SETTABLE) | (wanted & SETTABLE);
      FileHandle chosen = handles[slot(next)];
      if (chosen == null) {
        // The one before stays open: a read without the lock may be using it.
        // O_TMPFILE includes O_DIRECTORY, which was about another file.
        chosen = fs.open(inode, next & ~OpenFlags.O_DIRECTORY, caller);
        handles[slot(next)] = chosen;
      }
      handle = chosen;
      flags = next;
    } finally {
      lock.unlock();
    }
  }

  /** Gives the file another name, or its first one; ENOENT when it lost its last one. */
  void link(PathCalls to, byte[] newPath, Caller caller) {
    lock.lock();
    try {
      if (awaitsName) {
        to.linkUnnamed(inode, newPath, caller);
        awaitsName = false;
      } else {
        to.link(inode, newPath, caller);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Reads at the position and moves it. */
  int read(MemorySegment target, int length) {
    lock.lock();
    try {
      int count = handle.read(position, target, 0, length);
      position += count;
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** Writes at the position, or at the end with O_APPEND, and moves it behind what was written. */
  int write(MemorySegment source, int length, Caller caller) {
    lock.lock();
    try {
      int count = writeAt(position, source, length, caller);
      position = appends() && count > 0 ? handle.size() : position + count;
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** Writes without moving the position; durable on return when opened so. */
  int writeAt(long offsetBytes, MemorySegment source, int length, Caller caller) {
    FileHandle to = handle;
    int count = to.write(offsetBytes, source, 0, length, !caller.privileged());
    if ((flags & VfsFlags.O_DSYNC) != 0) {
      to.fsync();
    }
    return count;
  }

  /**
   * Moves the position.
   *
   * @throws io.lcpfs.error.PoolException EINVAL before the beginning, beyond the largest file or
   *     for an unknown {@code whence}; EOVERFLOW; ENXIO for SEEK_DATA and SEEK_HOLE at the end
   */
  long seek(long offset, int whence) {
    lock.lock();
    try {
      FileHandle of = handle;
      long to =
          switch (whence) {
            case VfsFlags.SEEK_SET -> offset;
            case VfsFlags.SEEK_CUR -> sum(position, offset);
            case VfsFlags.SEEK_END -> sum(fileOnly(of, whence).size(), offset);
            case VfsFlags.SEEK_DATA -> fileOnly(of, whence).seekData(offset);
            case VfsFlags.SEEK_HOLE -> fileOnly(of, whence).seekHole(offset);
            default -> throw posix(Errno.EINVAL, "whence " + whence);
          };
      // A directory's position is a cookie, of any size.
      if (to < 0 || (to > FileData.MAX_FILE_BYTES && !of.isDirectory())) {
        throw posix(Errno.EINVAL, "position " + to);
      }
      position = to;
      return to;
    } finally {
      lock.unlock();
    }
  }

  private static FileHandle fileOnly(FileHandle handle, int whence) {
    if (handle.isDirectory()) {
      throw posix(Errno.EINVAL, "whence " + whence + " of a directory");
    }
    return handle;
  }

  private static long sum(long base, long offset) {
    try {
      return Math.addExact(base, offset);
    } catch (ArithmeticException e) {
      throw new PoolException(
          new PoolError.Posix(Errno.EOVERFLOW, "position " + base + " and " + offset), e);
    }
  }
}
