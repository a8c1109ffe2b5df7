package io.lcpfs.device;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The Linux calls that devices need, as the kernel answers them: a result of zero or more, or the
 * negative errno. Nothing is retried here. Buffers are native segments. 64-bit Linux only: ask
 * {@link #supported} before anything else.
 */
public final class Posix {
  public static final int O_RDONLY = 0;
  public static final int O_RDWR = 2;
  public static final int O_CREAT = 0x40;
  public static final int O_EXCL = 0x80;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_CLOEXEC = 0x80000;

  /** The one flag here whose value depends on the architecture. */
  public static final int O_DIRECT =
      System.getProperty("os.arch", "").equals("aarch64") ? 0x10000 : 0x4000;

  public static final int ENOENT = 2;
  public static final int EINTR = 4;
  public static final int EAGAIN = 11;
  public static final int EACCES = 13;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int EINVAL = 22;
  public static final int ENOSPC = 28;
  public static final int EOPNOTSUPP = 95;
  public static final int EDQUOT = 122;

  public static final int FALLOC_FL_KEEP_SIZE = 1;
  public static final int FALLOC_FL_PUNCH_HOLE = 2;

  /** ioctl: discards the byte range in the two u64 of its argument. */
  public static final long BLKDISCARD = 0x1277;

  /** ioctl: logical sector size into an int. */
  public static final long BLKSSZGET = 0x1268;

  /** ioctl: size in bytes into a u64. */
  public static final long BLKGETSIZE64 = 0x80081272L;

  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int STATX_BASIC_AND_DIOALIGN = 0x7ff | 0x2000;
  private static final int F_OFD_SETLK = 37;
  private static final short F_RDLCK = 0;
  private static final short F_WRLCK = 1;
  private static final int LOCK_SH_NB = 1 | 4;
  private static final int LOCK_EX_NB = 2 | 4;

  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT;

  /** struct flock of 64-bit Linux; the whole file is start 0, length 0. */
  private static final StructLayout FLOCK =
      MemoryLayout.structLayout(
          U16.withName("l_type"),
          U16.withName("l_whence"),
          MemoryLayout.paddingLayout(4),
          I64.withName("l_start"),
          I64.withName("l_len"),
          I32.withName("l_pid"),
          MemoryLayout.paddingLayout(4));

  private static final long STATX_BYTES = 256;
  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle OPEN =
      bind(2, "open", FunctionDescriptor.of(I32, ValueLayout.ADDRESS, I32, I32));
  private static final MethodHandle CLOSE = bind(0, "close", FunctionDescriptor.of(I32, I32));
  private static final MethodHandle PREAD =
      bind(0, "pread", FunctionDescriptor.of(I64, I32, ValueLayout.ADDRESS, I64, I64));
  private static final MethodHandle PWRITE =
      bind(0, "pwrite", FunctionDescriptor.of(I64, I32, ValueLayout.ADDRESS, I64, I64));
  private static final MethodHandle FDATASYNC =
      bind(0, "fdatasync", FunctionDescriptor.of(I32, I32));
  private static final MethodHandle FSYNC = bind(0, "fsync", FunctionDescriptor.of(I32, I32));
  private static final MethodHandle FTRUNCATE =
      bind(0, "ftruncate", FunctionDescriptor.of(I32, I32, I64));
  private static final MethodHandle FALLOCATE =
      bind(0, "fallocate", FunctionDescriptor.of(I32, I32, I32, I64, I64));
  private static final MethodHandle IOCTL =
      bind(2, "ioctl", FunctionDescriptor.of(I32, I32, I64, ValueLayout.ADDRESS));
  private static final MethodHandle FCNTL =
      bind(2, "fcntl", FunctionDescriptor.of(I32, I32, I32, ValueLayout.ADDRESS));
  private static final MethodHandle FLOCK_CALL =
      bind(0, "flock", FunctionDescriptor.of(I32, I32, I32));
  private static final MethodHandle STATX =
      bind(
          0,
          "statx",
          FunctionDescriptor.of(I32, I32, ValueLayout.ADDRESS, I32, I32, ValueLayout.ADDRESS));
  private static final MethodHandle STRERROR =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("strerror"),
              FunctionDescriptor.of(ValueLayout.ADDRESS, I32));

  private Posix() {}

  /**
   * What statx says of an open file. {@code dioMemoryAlignment} and {@code dioOffsetAlignment} are
   * 0 where the kernel does not say, or where the file has no direct I/O.
   */
  public record Stat(
      int mode,
      long inode,
      long sizeBytes,
      long device,
      long specialDevice,
      int dioMemoryAlignment,
      int dioOffsetAlignment) {

    public boolean isRegular() {
      return (mode & 0xf000) == 0x8000;
    }

    public boolean isBlockDevice() {
      return (mode & 0xf000) == 0x6000;
    }

    public boolean isDirectory() {
      return (mode & 0xf000) == 0x4000;
    }
  }

  /** Whether these calls exist here: Linux with 64-bit addresses. */
  public static boolean supported() {
    return System.getProperty("os.name", "").equals("Linux") && ValueLayout.ADDRESS.byteSize() == 8;
  }

  private static MethodHandle bind(int firstVariadic, String name, FunctionDescriptor function) {
    Linker linker = Linker.nativeLinker();
    SymbolLookup libc = linker.defaultLookup();
    Linker.Option capture = Linker.Option.captureCallState("errno");
    return firstVariadic == 0
        ? linker.downcallHandle(libc.findOrThrow(name), function, capture)
        : linker.downcallHandle(
            libc.findOrThrow(name),
            function,
            capture,
            Linker.Option.firstVariadicArg(firstVariadic));
  }

  private static long answer(long result, MemorySegment state) {
    return result >= 0 ? result : -(int) ERRNO.get(state, 0L);
  }

  private static RuntimeException rethrow(Throwable thrown) {
    switch (thrown) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new AssertionError("a native call threw", thrown);
    }
  }

  /** @return file descriptor or negative errno */
  public static int open(String path, int flags, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      int fd = (int) OPEN.invokeExact(state, arena.allocateFrom(path), flags, mode);
      return (int) answer(fd, state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @return 0 or negative errno; the descriptor is gone either way */
  public static int close(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      return (int) answer((int) CLOSE.invokeExact(state, fd), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @return bytes read into the whole of {@code target}, 0 at the end, or negative errno */
  public static long pread(int fd, MemorySegment target, long offsetBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      long size = target.byteSize();
      return answer((long) PREAD.invokeExact(state, fd, target, size, offsetBytes), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @return bytes written from {@code source}, or negative errno */
  public static long pwrite(int fd, MemorySegment source, long offsetBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      long size = source.byteSize();
      return answer((long) PWRITE.invokeExact(state, fd, source, size, offsetBytes), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @return 0 or negative errno */
  public static int fdatasync(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      return (int) answer((int) FDATASYNC.invokeExact(state, fd), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @return 0 or negative errno */
  public static int fsync(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      return (int) answer((int) FSYNC.invokeExact(state, fd), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @return 0 or negative errno */
  public static int ftruncate(int fd, long sizeBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      return (int) answer((int) FTRUNCATE.invokeExact(state, fd, sizeBytes), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @return 0 or negative errno */
  public static int fallocate(int fd, int mode, long offsetBytes, long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      return (int) answer((int) FALLOCATE.invokeExact(state, fd, mode, offsetBytes, bytes), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @return what the request answers, or negative errno */
  public static int ioctl(int fd, long request, MemorySegment argument) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      return (int) answer((int) IOCTL.invokeExact(state, fd, request, argument), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /**
   * Takes a lock on the whole file that belongs to this open file description: it is gone with the
   * last descriptor of it, and no other close in this process drops it.
   *
   * @return 0 or negative errno; EAGAIN when another open file description holds it
   */
  public static int lockOpenFile(int fd, boolean exclusive) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      MemorySegment lock = arena.allocate(FLOCK);
      lock.set(U16, 0, exclusive ? F_WRLCK : F_RDLCK);
      return (int) answer((int) FCNTL.invokeExact(state, fd, F_OFD_SETLK, lock), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** As {@link #lockOpenFile}, with flock(2), for file systems that lack the former. */
  public static int flock(int fd, boolean exclusive) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      int operation = exclusive ? LOCK_EX_NB : LOCK_SH_NB;
      return (int) answer((int) FLOCK_CALL.invokeExact(state, fd, operation), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @throws IllegalStateException when the kernel has no statx (before 4.11) or it fails */
  public static Stat stat(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      MemorySegment buffer = arena.allocate(STATX_BYTES, 8);
      MemorySegment empty = arena.allocateFrom("");
      int rc =
          (int)
              STATX.invokeExact(state, fd, empty, AT_EMPTY_PATH, STATX_BASIC_AND_DIOALIGN, buffer);
      if (rc < 0) {
        throw new IllegalStateException("statx: " + describe((int) ERRNO.get(state, 0L)));
      }
      // Offsets of struct statx, the same on every architecture: linux/stat.h.
      return new Stat(
          Short.toUnsignedInt(buffer.get(U16, 28)),
          buffer.get(I64, 32),
          buffer.get(I64, 40),
          device(buffer, 136),
          device(buffer, 128),
          buffer.get(I32, 152),
          buffer.get(I32, 156));
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  private static long device(MemorySegment statx, long offset) {
    return Integer.toUnsignedLong(statx.get(I32, offset)) << 32
        | Integer.toUnsignedLong(statx.get(I32, offset + 4));
  }

  /** What {@code errno} (positive) means, in words. */
  public static String describe(int errno) {
    try {
      MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
      return text.reinterpret(256).getString(0) + " (errno " + errno + ")";
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }
}
