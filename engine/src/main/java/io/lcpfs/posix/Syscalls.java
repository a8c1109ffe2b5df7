package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * {@link VfsOperations} as a C program sees it: each call answers a number, at least 0, or the
 * negative errno. Results that are more than a number go to memory: EFAULT when that is too small
 * for a structure of known size, ERANGE for a value. Memory that runs out is ENOMEM.
 */
public final class Syscalls {
  /** Bytes of a struct linux_dirent64 before the name. */
  private static final int DIRENT_BYTES = 19;

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final VfsOperations vfs;

  public Syscalls(VfsOperations vfs) {
    this.vfs = vfs;
  }

  /** What a system call answers for a failure. */
  public static int errnoOf(PoolException failure) {
    return -failure.errno().value();
  }

  /** The negative errno of an error that is known by its name only; EIO for any other name. */
  public static int errnoOf(String error) {
    Errno errno =
        switch (error) {
          case "NotFound" -> Errno.ENOENT;
          case "DiskFull" -> Errno.ENOSPC;
          case "PermissionDenied" -> Errno.EACCES;
          case "InvalidArgument" -> Errno.EINVAL;
          case "IsDirectory" -> Errno.EISDIR;
          case "NotDirectory" -> Errno.ENOTDIR;
          case "Exists" -> Errno.EEXIST;
          default -> Errno.EIO;
        };
    return -errno.value();
  }

  private static long answer(LongSupplier call) {
    try {
      return call.getAsLong();
    } catch (PoolException e) {
      return errnoOf(e);
    } catch (OutOfMemoryError e) {
      return -Errno.ENOMEM.value();
    }
  }

  private static int done(Runnable call) {
    return (int)
        answer(
            () -> {
              call.run();
              return 0;
            });
  }

  private static void checkRoom(MemorySegment target, long bytes) {
    if (target.byteSize() < bytes) {
      throw posix(Errno.EFAULT, "buffer of " + target.byteSize() + " bytes for " + bytes);
    }
  }

  // Descriptors

  public int open(byte[] path, int flags, int mode) {
    return (int) answer(() -> vfs.open(path, flags, mode));
  }

  public int openat(int directoryFd, byte[] path, int flags, int mode) {
    return (int) answer(() -> vfs.openat(directoryFd, path, flags, mode));
  }

  public int close(int fd) {
    return done(() -> vfs.close(fd));
  }

  public int dup(int fd) {
    return (int) answer(() -> vfs.dup(fd));
  }

  public int dup2(int from, int to) {
    return (int) answer(() -> vfs.dup2(from, to));
  }

  public int dup3(int from, int to, int flags) {
    return (int) answer(() -> vfs.dup3(from, to, flags));
  }

  public int fcntl(int fd, int command, int argument) {
    return (int) answer(() -> vfs.fcntl(fd, command, argument));
  }

  public int chdir(byte[] path) {
    return done(() -> vfs.chdir(path));
  }

  public int fchdir(int fd) {
    return done(() -> vfs.fchdir(fd));
  }

  /** The path with its NUL; ERANGE when it does not fit. Answers its bytes with the NUL. */
  public long getcwd(MemorySegment target) {
    return answer(
        () -> {
          byte[] path = vfs.getcwd();
          if (path.length >= target.byteSize()) {
            throw posix(Errno.ERANGE, "buffer of " + target.byteSize() + " bytes");
          }
          copy(path, target, 0);
          target.set(ValueLayout.JAVA_BYTE, path.length, (byte) 0);
          return path.length + 1L;
        });
  }

  public int umask(int bits) {
    return vfs.umask(bits);
  }

  // Content

  public long read(int fd, MemorySegment target, long count) {
    return answer(() -> vfs.read(fd, target, count));
  }

  public long pread(int fd, MemorySegment target, long count, long offsetBytes) {
    return answer(() -> vfs.pread(fd, target, count, offsetBytes));
  }

  public long write(int fd, MemorySegment source, long count) {
    return answer(() -> vfs.write(fd, source, count));
  }

  public long pwrite(int fd, MemorySegment source, long count, long offsetBytes) {
    return answer(() -> vfs.pwrite(fd, source, count, offsetBytes));
  }

  public long seek(int fd, long offset, int whence) {
    return answer(() -> vfs.seek(fd, offset, whence));
  }

  public int truncate(byte[] path, long sizeBytes) {
    return done(() -> vfs.truncate(path, sizeBytes));
  }

  public int ftruncate(int fd, long sizeBytes) {
    return done(() -> vfs.ftruncate(fd, sizeBytes));
  }

  public int fallocate(int fd, int mode, long offsetBytes, long length) {
    return done(() -> vfs.fallocate(fd, mode, offsetBytes, length));
  }

  public long copyFileRange(
      int inFd, long inOffset, int outFd, long outOffset, long length, int flags) {
    return answer(() -> vfs.copyFileRange(inFd, inOffset, outFd, outOffset, length, flags));
  }

  public int fsync(int fd) {
    return done(() -> vfs.fsync(fd));
  }

  public int fdatasync(int fd) {
    return done(() -> vfs.fdatasync(fd));
  }

  public int sync() {
    return done(vfs::sync);
  }

  // Names

  public int mkdir(byte[] path, int mode) {
    return done(() -> vfs.mkdir(path, mode));
  }

  public int mkdirat(int directoryFd, byte[] path, int mode) {
    return done(() -> vfs.mkdirat(directoryFd, path, mode));
  }

  public int mknod(byte[] path, int mode, long rdev) {
    return done(() -> vfs.mknod(path, mode, rdev));
  }

  public int mknodat(int directoryFd, byte[] path, int mode, long rdev) {
    return done(() -> vfs.mknodat(directoryFd, path, mode, rdev));
  }

  public int unlink(byte[] path) {
    return done(() -> vfs.unlink(path));
  }

  public int rmdir(byte[] path) {
    return done(() -> vfs.rmdir(path));
  }

  public int unlinkat(int directoryFd, byte[] path, int flags) {
    return done(() -> vfs.unlinkat(directoryFd, path, flags));
  }

  public int rename(byte[] oldPath, byte[] newPath) {
    return done(() -> vfs.rename(oldPath, newPath));
  }

  public int renameat(int oldFd, byte[] oldPath, int newFd, byte[] newPath, int flags) {
    return done(() -> vfs.renameat(oldFd, oldPath, newFd, newPath, flags));
  }

  public int link(byte[] oldPath, byte[] newPath) {
    return done(() -> vfs.link(oldPath, newPath));
  }

  public int linkat(int oldFd, byte[] oldPath, int newFd, byte[] newPath, int flags) {
    return done(() -> vfs.linkat(oldFd, oldPath, newFd, newPath, flags));
  }

  public int symlink(byte[] target, byte[] path) {
    return done(() -> vfs.symlink(target, path));
  }

  public int symlinkat(byte[] target, int directoryFd, byte[] path) {
    return done(() -> vfs.symlinkat(target, directoryFd, path));
  }

  public long readlink(byte[] path, MemorySegment target) {
    return readlinkat(VfsFlags.AT_FDCWD, path, target);
  }

  /** Answers the bytes stored, at most what fits; no NUL follows them. */
  public long readlinkat(int directoryFd, byte[] path, MemorySegment target) {
    return answer(
        () -> {
          if (target.byteSize() == 0) {
            throw posix(Errno.EINVAL, "empty buffer");
          }
          byte[] link = vfs.readlinkat(directoryFd, path);
          int length = (int) Math.min(link.length, target.byteSize());
          MemorySegment.copy(link, 0, target, ValueLayout.JAVA_BYTE, 0, length);
          return length;
        });
  }

  /**
   * Fills {@code target} with struct linux_dirent64: number 8 bytes, cookie 8, bytes of the record
   * 2, type 1, name and NUL, zeros up to a multiple of 8.
   *
   * @return bytes stored, 0 at the end; EINVAL when not even one fits
   */
  public long getdents(int fd, MemorySegment target) {
    return answer(
        () -> {
          long[] used = {0};
          boolean[] full = {false};
          vfs.readdir(
              fd,
              (cookie, name, inode, type) -> {
                int bytes = (DIRENT_BYTES + name.length + 1 + 7) & ~7;
                full[0] = used[0] + bytes > target.byteSize();
                if (!full[0]) {
                  entry(target.asSlice(used[0], bytes), cookie, name, inode, type);
                  used[0] += bytes;
                }
                return !full[0];
              });
          if (full[0] && used[0] == 0) {
            throw posix(Errno.EINVAL, "buffer of " + target.byteSize() + " bytes");
          }
          return used[0];
        });
  }

  private static void entry(MemorySegment target, long cookie, byte[] name, long inode, int type) {
    target.fill((byte) 0);
    target.set(LONG, 0, inode);
    target.set(LONG, 8, cookie);
    target.set(SHORT, 16, (short) target.byteSize());
    target.set(ValueLayout.JAVA_BYTE, 18, (byte) type);
    copy(name, target, DIRENT_BYTES);
  }

  private static void copy(byte[] bytes, MemorySegment target, long offset) {
    MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, offset, bytes.length);
  }

  // Attributes

  private int stored(MemorySegment target, StatCall stat) {
    return done(
        () -> {
          checkRoom(target, FileStat.BYTES);
          stat.get().writeTo(target, 0);
        });
  }

  /** A call that answers a stat. */
  private interface StatCall {
    FileStat get();
  }

  /** Stores the {@link FileStat#BYTES} of a {@link FileStat}. */
  public int stat(byte[] path, MemorySegment target) {
    return stored(target, () -> vfs.stat(path));
  }

  public int lstat(byte[] path, MemorySegment target) {
    return stored(target, () -> vfs.lstat(path));
  }

  public int fstat(int fd, MemorySegment target) {
    return stored(target, () -> vfs.fstat(fd));
  }

  /** Stores the {@link FullStat#BYTES} of a {@link FullStat}. */
  public int fullStat(int directoryFd, byte[] path, int flags, MemorySegment target) {
    return done(
        () -> {
          checkRoom(target, FullStat.BYTES);
          vfs.fullStat(directoryFd, path, flags).writeTo(target, 0);
        });
  }

  public int chmod(byte[] path, int mode) {
    return done(() -> vfs.chmod(path, mode));
  }

  public int fchmod(int fd, int mode) {
    return done(() -> vfs.fchmod(fd, mode));
  }

  public int fchmodat(int directoryFd, byte[] path, int mode, int flags) {
    return done(() -> vfs.fchmodat(directoryFd, path, mode, flags));
  }

  public int chown(byte[] path, int uid, int gid) {
    return done(() -> vfs.chown(path, uid, gid));
  }

  public int lchown(byte[] path, int uid, int gid) {
    return done(() -> vfs.lchown(path, uid, gid));
  }

  public int fchown(int fd, int uid, int gid) {
    return done(() -> vfs.fchown(fd, uid, gid));
  }

  public int fchownat(int directoryFd, byte[] path, int uid, int gid, int flags) {
    return done(() -> vfs.fchownat(directoryFd, path, uid, gid, flags));
  }

  public int utimensat(int directoryFd, byte[] path, Timespec atime, Timespec mtime, int flags) {
    return done(() -> vfs.utimensat(directoryFd, path, atime, mtime, flags));
  }

  public int futimens(int fd, Timespec atime, Timespec mtime) {
    return done(() -> vfs.futimens(fd, atime, mtime));
  }

  public int access(byte[] path, int mask) {
    return done(() -> vfs.access(path, mask));
  }

  public int faccessat(int directoryFd, byte[] path, int mask, int flags) {
    return done(() -> vfs.faccessat(directoryFd, path, mask, flags));
  }

  /** The length alone when {@code target} is empty. */
  private static long value(byte[] value, MemorySegment target) {
    if (target.byteSize() > 0) {
      if (value.length > target.byteSize()) {
        throw posix(Errno.ERANGE, "buffer of " + target.byteSize() + " bytes");
      }
      copy(value, target, 0);
    }
    return value.length;
  }

  /** The names one after the other, each with its NUL. */
  private static byte[] joined(List<byte[]> names) {
    int length = 0;
    for (byte[] name : names) {
      length += name.length + 1;
    }
    byte[] all = new byte[length];
    int at = 0;
    for (byte[] name : names) {
      System.arraycopy(name, 0, all, at, name.length);
      at += name.length + 1;
    }
    return all;
  }

  /** The value's length; an empty {@code target} asks for that alone. */
  public long getxattr(byte[] path, boolean follow, byte[] name, MemorySegment target) {
    return answer(() -> value(vfs.getxattr(path, follow, name), target));
  }

  public long fgetxattr(int fd, byte[] name, MemorySegment target) {
    return answer(() -> value(vfs.fgetxattr(fd, name), target));
  }

  public int setxattr(byte[] path, boolean follow, byte[] name, byte[] value, int flags) {
    return done(() -> vfs.setxattr(path, follow, name, value, flags));
  }

  public int fsetxattr(int fd, byte[] name, byte[] value, int flags) {
    return done(() -> vfs.fsetxattr(fd, name, value, flags));
  }

  public long listxattr(byte[] path, boolean follow, MemorySegment target) {
    return answer(() -> value(joined(vfs.listxattr(path, follow)), target));
  }

  public long flistxattr(int fd, MemorySegment target) {
    return answer(() -> value(joined(vfs.flistxattr(fd)), target));
  }

  public int removexattr(byte[] path, boolean follow, byte[] name) {
    return done(() -> vfs.removexattr(path, follow, name));
  }

  public int fremovexattr(int fd, byte[] name) {
    return done(() -> vfs.fremovexattr(fd, name));
  }

  /** Seven 8-byte numbers: those of {@link StatFs} in its order. */
  public static final int STATFS_BYTES = 56;

  public int statfs(byte[] path, MemorySegment target) {
    return done(() -> stored(vfs.statfs(path), target));
  }

  public int fstatfs(int fd, MemorySegment target) {
    return done(() -> stored(vfs.fstatfs(fd), target));
  }

  private static void stored(StatFs statfs, MemorySegment target) {
    checkRoom(target, STATFS_BYTES);
    long[] fields = {
      statfs.blockBytes(),
      statfs.totalBlocks(),
      statfs.freeBlocks(),
      statfs.availableBlocks(),
      statfs.files(),
      statfs.freeFiles(),
      statfs.maxNameBytes()
    };
    for (int i = 0; i < fields.length; i++) {
      target.set(LONG, 8L * i, fields[i]);
    }
  }

  // Advisory locks

  public int setLock(int fd, int type, int whence, long start, long length, boolean wait) {
    return done(() -> vfs.setLock(fd, type, whence, start, length, wait));
  }

  public int setFileLock(int fd, int type, int whence, long start, long length, boolean wait) {
    return done(() -> vfs.setFileLock(fd, type, whence, start, length, wait));
  }

  /** Bytes that {@link #getLock} stores: start 8, length 8, type 4, process 4. */
  public static final int LOCK_BYTES = 24;

  /** Stores the lock in the way; its type is F_UNLCK when there is none. */
  public int getLock(int fd, int type, int whence, long start, long length, MemorySegment target) {
    return done(
        () -> {
          checkRoom(target, LOCK_BYTES);
          stored(vfs.getLock(fd, type, whence, start, length), start, length, target);
        });
  }

  /** As {@link #getLock} with the open file as owner. */
  public int getFileLock(
      int fd, int type, int whence, long start, long length, MemorySegment target) {
    return done(
        () -> {
          checkRoom(target, LOCK_BYTES);
          stored(vfs.getFileLock(fd, type, whence, start, length), start, length, target);
        });
  }

  private static void stored(
      Optional<FileLock> found, long start, long length, MemorySegment target) {
    FileLock lock = found.orElse(new FileLock(VfsFlags.F_UNLCK, start, length, 0));
    target.set(LONG, 0, lock.start());
    target.set(LONG, 8, lock.length());
    target.set(INT, 16, lock.type());
    target.set(INT, 20, lock.process());
  }

  public int flock(int fd, int operation) {
    return done(() -> vfs.flock(fd, operation));
  }
}
