package io.lcpfs.cli.tree;

import static io.lcpfs.cli.tree.Native.I32;
import static io.lcpfs.cli.tree.Native.I64;
import static io.lcpfs.cli.tree.Native.PTR;
import static io.lcpfs.cli.tree.Native.answer;
import static io.lcpfs.cli.tree.Native.bind;
import static io.lcpfs.cli.tree.Native.buffers;
import static io.lcpfs.cli.tree.Native.impossible;

import io.lcpfs.cli.tree.Native.Buffers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The Linux calls that copying needs; each answers as the kernel does, with the negative errno for
 * a failure. EINTR is retried where it can happen.
 */
final class HostCalls {
  static final int AT_FDCWD = -100;
  static final int AT_SYMLINK_NOFOLLOW = 0x100;
  static final int AT_EMPTY_PATH = 0x1000;
  static final int O_RDONLY = 0;
  static final int O_WRONLY = 1;
  static final int O_CREAT = 0x40;
  static final int O_EXCL = 0x80;
  static final int O_NONBLOCK = 0x800;
  static final int O_CLOEXEC = 0x80000;
  private static final boolean ARM = System.getProperty("os.arch", "").equals("aarch64");
  static final int O_DIRECTORY = ARM ? 0x4000 : 0x10000;
  static final int O_NOFOLLOW = ARM ? 0x8000 : 0x20000;
  static final int SEEK_DATA = 3;
  static final int SEEK_HOLE = 4;
  static final int ENXIO = -6;
  static final int EINTR = -4;
  static final int ENOENT = -2;
  static final int EINVAL = -22;
  static final int ERANGE = -34;
  static final int ENODATA = -61;
  static final int EOPNOTSUPP = -95;
  private static final int STATX_BASIC = 0x7ff;

  private HostCalls() {}

  /** Bound when something is first read. */
  private static final class Reading {
    static final MethodHandle OPENAT = Native.bindVariadic(3, "openat", I32, I32, PTR, I32, I32);
    static final MethodHandle CLOSE = bind("close", I32, I32);
    static final MethodHandle STATX = bind("statx", I32, I32, PTR, I32, I32, PTR);
    static final MethodHandle PREAD = bind("pread", I64, I32, PTR, I64, I64);
    static final MethodHandle LSEEK = bind("lseek", I64, I32, I64, I32);
    static final MethodHandle GETDENTS = bind("getdents64", I64, I32, PTR, I64);
    static final MethodHandle READLINKAT = bind("readlinkat", I64, I32, PTR, PTR, I64);
    static final MethodHandle FLISTXATTR = bind("flistxattr", I64, I32, PTR, I64);
    static final MethodHandle FGETXATTR = bind("fgetxattr", I64, I32, PTR, PTR, I64);
  }

  /** Bound when something is first written. */
  private static final class Writing {
    static final MethodHandle PWRITE = bind("pwrite", I64, I32, PTR, I64, I64);
    static final MethodHandle FTRUNCATE = bind("ftruncate", I32, I32, I64);
    static final MethodHandle MKDIRAT = bind("mkdirat", I32, I32, PTR, I32);
    static final MethodHandle SYMLINKAT = bind("symlinkat", I32, PTR, I32, PTR);
    static final MethodHandle LINKAT = bind("linkat", I32, I32, PTR, I32, PTR, I32);
    static final MethodHandle MKNODAT = bind("mknodat", I32, I32, PTR, I32, I64);
    static final MethodHandle UNLINKAT = bind("unlinkat", I32, I32, PTR, I32);
    static final MethodHandle FCHMOD = bind("fchmod", I32, I32, I32);
    static final MethodHandle FCHMODAT = bind("fchmodat", I32, I32, PTR, I32, I32);
    static final MethodHandle FCHOWN = bind("fchown", I32, I32, I32, I32);
    static final MethodHandle FCHOWNAT = bind("fchownat", I32, I32, PTR, I32, I32, I32);
    static final MethodHandle FUTIMENS = bind("futimens", I32, I32, PTR);
    static final MethodHandle UTIMENSAT = bind("utimensat", I32, I32, PTR, PTR, I32);
    static final MethodHandle FSETXATTR = bind("fsetxattr", I32, I32, PTR, PTR, I64, I32);
  }

  /** Bound when a symbolic link is first followed. */
  private static final class Following {
    static final MethodHandle REALPATH = bind("realpath", PTR, PTR, PTR);
  }

  /** Bound when the process's own identity is first asked for. */
  private static final class Self {
    static final MethodHandle GETEUID = bind("geteuid", I32);
    static final MethodHandle GETEGID = bind("getegid", I32);
  }

  static int euid() {
    try {
      return (int) Self.GETEUID.invokeExact(buffers().state);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static int egid() {
    try {
      return (int) Self.GETEGID.invokeExact(buffers().state);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long openat(int directory, byte[] name, int flags, int mode) {
    Buffers b = buffers();
    MemorySegment path = b.first(name);
    while (true) {
      try {
        long fd =
            answer(
                (int) Reading.OPENAT.invokeExact(b.state, directory, path, flags | O_CLOEXEC, mode),
                b);
        if (fd != EINTR) {
          return fd;
        }
      } catch (Throwable t) {
        throw impossible(t);
      }
    }
  }

  /** The descriptor is gone whatever the answer; an error tells of data that was not written. */
  static long close(int fd) {
    Buffers b = buffers();
    try {
      return answer((int) Reading.CLOSE.invokeExact(b.state, fd), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  /** Fills the calling thread's statx buffer. */
  static long statx(int directory, byte[] name, int flags) {
    Buffers b = buffers();
    try {
      return answer(
          (int)
              Reading.STATX.invokeExact(
                  b.state, directory, b.first(name), flags, STATX_BASIC, b.statx),
          b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long pread(int fd, MemorySegment target, long length, long offset) {
    Buffers b = buffers();
    while (true) {
      try {
        long n = answer((long) Reading.PREAD.invokeExact(b.state, fd, target, length, offset), b);
        if (n != EINTR) {
          return n;
        }
      } catch (Throwable t) {
        throw impossible(t);
      }
    }
  }

  static long lseek(int fd, long offset, int whence) {
    Buffers b = buffers();
    try {
      return answer((long) Reading.LSEEK.invokeExact(b.state, fd, offset, whence), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long getdents(int fd, MemorySegment target) {
    Buffers b = buffers();
    try {
      return answer((long) Reading.GETDENTS.invokeExact(b.state, fd, target, target.byteSize()), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  /** Fills the calling thread's result buffer. */
  static long readlinkat(int directory, byte[] name) {
    Buffers b = buffers();
    try {
      return answer(
          (long)
              Reading.READLINKAT.invokeExact(
                  b.state, directory, b.first(name), b.result(), b.result().byteSize()),
          b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  /** Fills the calling thread's result buffer with an absolute path, and answers its length. */
  static long realpath(byte[] path) {
    Buffers b = buffers();
    MemorySegment result = b.result();
    MemorySegment found;
    try {
      found = (MemorySegment) Following.REALPATH.invokeExact(b.state, b.first(path), result);
    } catch (Throwable t) {
      throw impossible(t);
    }
    if (found.address() == 0) {
      return answer(-1, b);
    }
    long length = 0;
    while (result.get(ValueLayout.JAVA_BYTE, length) != 0) {
      length++;
    }
    return length;
  }

  static long flistxattr(int fd, MemorySegment target) {
    Buffers b = buffers();
    try {
      return answer(
          (long) Reading.FLISTXATTR.invokeExact(b.state, fd, target, target.byteSize()), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long fgetxattr(int fd, byte[] name, MemorySegment target) {
    Buffers b = buffers();
    try {
      return answer(
          (long)
              Reading.FGETXATTR.invokeExact(b.state, fd, b.first(name), target, target.byteSize()),
          b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long fsetxattr(int fd, byte[] name, MemorySegment value) {
    Buffers b = buffers();
    try {
      return answer(
          (int)
              Writing.FSETXATTR.invokeExact(b.state, fd, b.first(name), value, value.byteSize(), 0),
          b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long pwrite(int fd, MemorySegment source, long length, long offset) {
    Buffers b = buffers();
    while (true) {
      try {
        long n = answer((long) Writing.PWRITE.invokeExact(b.state, fd, source, length, offset), b);
        if (n != EINTR) {
          return n;
        }
      } catch (Throwable t) {
        throw impossible(t);
      }
    }
  }

  static long ftruncate(int fd, long bytes) {
    Buffers b = buffers();
    try {
      return answer((int) Writing.FTRUNCATE.invokeExact(b.state, fd, bytes), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long mkdirat(int directory, byte[] name, int mode) {
    Buffers b = buffers();
    try {
      return answer((int) Writing.MKDIRAT.invokeExact(b.state, directory, b.first(name), mode), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long symlinkat(byte[] target, int directory, byte[] name) {
    Buffers b = buffers();
    try {
      return answer(
          (int) Writing.SYMLINKAT.invokeExact(b.state, b.second(target), directory, b.first(name)),
          b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long linkat(int fromDirectory, byte[] existing, int directory, byte[] name) {
    Buffers b = buffers();
    try {
      return answer(
          (int)
              Writing.LINKAT.invokeExact(
                  b.state, fromDirectory, b.second(existing), directory, b.first(name), 0),
          b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long mknodat(int directory, byte[] name, int mode, long device) {
    Buffers b = buffers();
    try {
      return answer(
          (int) Writing.MKNODAT.invokeExact(b.state, directory, b.first(name), mode, device), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long unlinkat(int directory, byte[] name) {
    Buffers b = buffers();
    try {
      return answer((int) Writing.UNLINKAT.invokeExact(b.state, directory, b.first(name), 0), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long fchmod(int fd, int mode) {
    Buffers b = buffers();
    try {
      return answer((int) Writing.FCHMOD.invokeExact(b.state, fd, mode), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  /** Follows symbolic links: only for what is known to be none. */
  static long fchmodat(int directory, byte[] name, int mode) {
    Buffers b = buffers();
    try {
      return answer(
          (int) Writing.FCHMODAT.invokeExact(b.state, directory, b.first(name), mode, 0), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long fchown(int fd, int uid, int gid) {
    Buffers b = buffers();
    try {
      return answer((int) Writing.FCHOWN.invokeExact(b.state, fd, uid, gid), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long lchownat(int directory, byte[] name, int uid, int gid) {
    Buffers b = buffers();
    try {
      return answer(
          (int)
              Writing.FCHOWNAT.invokeExact(
                  b.state, directory, b.first(name), uid, gid, AT_SYMLINK_NOFOLLOW),
          b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  private static MemorySegment times(Buffers b, Applied.Times times) {
    b.times.set(ValueLayout.JAVA_LONG, 0, times.atimeSeconds());
    b.times.set(ValueLayout.JAVA_LONG, 8, times.atimeNanos());
    b.times.set(ValueLayout.JAVA_LONG, 16, times.mtimeSeconds());
    b.times.set(ValueLayout.JAVA_LONG, 24, times.mtimeNanos());
    return b.times;
  }

  static long futimens(int fd, Applied.Times times) {
    Buffers b = buffers();
    try {
      return answer((int) Writing.FUTIMENS.invokeExact(b.state, fd, times(b, times)), b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }

  static long lutimensat(int directory, byte[] name, Applied.Times times) {
    Buffers b = buffers();
    try {
      return answer(
          (int)
              Writing.UTIMENSAT.invokeExact(
                  b.state, directory, b.first(name), times(b, times), AT_SYMLINK_NOFOLLOW),
          b);
    } catch (Throwable t) {
      throw impossible(t);
    }
  }
}
