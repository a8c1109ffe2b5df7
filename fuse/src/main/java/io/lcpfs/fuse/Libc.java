package io.lcpfs.fuse;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.List;

/**
 * The C library's calls that mounting needs; each answers with a result of zero or more, or the
 * negative errno. 64-bit Linux only.
 */
final class Libc {
  static final int EINTR = 4;
  static final int ENOENT = 2;
  static final int EAGAIN = 11;
  static final int EBUSY = 16;
  static final int ENODEV = 19;
  static final int EINVAL = 22;
  static final int ENOTCONN = 107;
  static final int O_RDWR_CLOEXEC = 2 | 0x80000;
  static final int O_CLOEXEC = 0x80000;
  static final int MNT_DETACH = 2;

  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG;
  private static final MemoryLayout PTR = ValueLayout.ADDRESS;
  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM = 1;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int FD_CLOEXEC = 1;

  /** The longest path of sockaddr_un, with its NUL. */
  private static final int SUN_PATH_BYTES = 108;

  private static final int F_SETFD = 2;
  private static final long SCM_RIGHTS_AT_SOL_SOCKET = 0x0000_0001_0000_0001L;
  private static final int MSGHDR_BYTES = 56;
  private static final int CMSG_BYTES = 24;
  private static final int STATFS_ROOM_BYTES = 256;

  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle OPEN = bind(2, "open", I32, PTR, I32, I32);
  private static final MethodHandle CLOSE = bind(0, "close", I32, I32);
  private static final MethodHandle READ = bind(0, "read", I64, I32, PTR, I64);
  private static final MethodHandle WRITE = bind(0, "write", I64, I32, PTR, I64);
  private static final MethodHandle WRITEV = bind(0, "writev", I64, I32, PTR, I32);
  private static final MethodHandle MOUNT = bind(0, "mount", I32, PTR, PTR, PTR, I64, PTR);
  private static final MethodHandle UMOUNT2 = bind(0, "umount2", I32, PTR, I32);
  private static final MethodHandle STATFS = bind(0, "statfs", I32, PTR, PTR);
  private static final MethodHandle GETEUID = bind(0, "geteuid", I32);
  private static final MethodHandle GETEGID = bind(0, "getegid", I32);
  private static final MethodHandle SYNCFS = bind(0, "syncfs", I32, I32);
  private static final MethodHandle SETSID = bind(0, "setsid", I32);

  /** Bound when somebody mounts without being root. */
  private static final class Helper {
    static final MethodHandle SOCKETPAIR = bind(0, "socketpair", I32, I32, I32, I32, PTR);
    static final MethodHandle FCNTL = bind(2, "fcntl", I32, I32, I32, I32);
    static final MethodHandle RECVMSG = bind(0, "recvmsg", I64, I32, PTR, I32);
    static final MethodHandle SPAWN = bind(0, "posix_spawnp", I32, PTR, PTR, PTR, PTR, PTR, PTR);
    static final MethodHandle WAITPID = bind(0, "waitpid", I32, I32, PTR, I32);
  }

  /** Bound when a service manager waits for a word. */
  private static final class Notice {
    static final MethodHandle SOCKET = bind(0, "socket", I32, I32, I32, I32);
    static final MethodHandle SENDTO = bind(0, "sendto", I64, I32, PTR, I64, I32, PTR, I32);
  }

  private Libc() {}

  private static MethodHandle bind(
      int firstVariadic, String name, MemoryLayout result, MemoryLayout... arguments) {
    Linker linker = Linker.nativeLinker();
    MemorySegment symbol = linker.defaultLookup().findOrThrow(name);
    FunctionDescriptor function = FunctionDescriptor.of(result, arguments);
    Linker.Option capture = Linker.Option.captureCallState("errno");
    return firstVariadic == 0
        ? linker.downcallHandle(symbol, function, capture)
        : linker.downcallHandle(
            symbol, function, capture, Linker.Option.firstVariadicArg(firstVariadic));
  }

  /** Memory for the errno of one thread's calls. */
  static MemorySegment state(Arena arena) {
    return arena.allocate(CAPTURE);
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

  static int open(String path, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      return (int) answer((int) OPEN.invokeExact(state, arena.allocateFrom(path), flags, 0), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** Writes back what the kernel has changed of the file system of {@code fd}. */
  static int syncfs(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      return (int) answer((int) SYNCFS.invokeExact(state, fd), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  static int close(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      return (int) answer((int) CLOSE.invokeExact(state, fd), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  static long read(int fd, MemorySegment target, long bytes, MemorySegment state) {
    try {
      return answer((long) READ.invokeExact(state, fd, target, bytes), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  static long write(int fd, MemorySegment source, long bytes, MemorySegment state) {
    try {
      return answer((long) WRITE.invokeExact(state, fd, source, bytes), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** @param vector {@code count} times struct iovec */
  static long writev(int fd, MemorySegment vector, int count, MemorySegment state) {
    try {
      return answer((long) WRITEV.invokeExact(state, fd, vector, count), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  static int mount(String source, String target, String type, long flags, String data) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      int rc =
          (int)
              MOUNT.invokeExact(
                  state,
                  arena.allocateFrom(source),
                  arena.allocateFrom(target),
                  arena.allocateFrom(type),
                  flags,
                  arena.allocateFrom(data));
      return (int) answer(rc, state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  static int umount(String target, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      return (int)
          answer((int) UMOUNT2.invokeExact(state, arena.allocateFrom(target), flags), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /**
   * Asks the file system of {@code path} how full it is, which no cache answers.
   *
   * @return 0 or a negative errno: ENOTCONN when its server is dead
   */
  static int statfs(String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      MemorySegment room = arena.allocate(STATFS_ROOM_BYTES, 8);
      return (int) answer((int) STATFS.invokeExact(state, arena.allocateFrom(path), room), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  private static int ask(MethodHandle call) {
    try (Arena arena = Arena.ofConfined()) {
      return (int) call.invokeExact(state(arena));
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** Leaves the session of the terminal; fails without harm for who leads a group already. */
  static int setsid() {
    return ask(SETSID);
  }

  static int euid() {
    return ask(GETEUID);
  }

  static int egid() {
    return ask(GETEGID);
  }

  /** Two connected sockets, of which the first is closed in children; or a negative errno. */
  static int socketPair(int[] pair) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      MemorySegment fds = arena.allocate(8, 4);
      int rc = (int) Helper.SOCKETPAIR.invokeExact(state, AF_UNIX, SOCK_STREAM, 0, fds);
      if (rc < 0) {
        return (int) answer(rc, state);
      }
      pair[0] = fds.get(I32, 0);
      pair[1] = fds.get(I32, 4);
      return (int)
          answer((int) Helper.FCNTL.invokeExact(state, pair[0], F_SETFD, FD_CLOEXEC), state);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** Receives a file descriptor; a negative errno, or ENODEV when none came. */
  static int receiveDescriptor(int socket) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      MemorySegment header = arena.allocate(MSGHDR_BYTES, 8);
      MemorySegment vector = arena.allocate(16, 8);
      MemorySegment data = arena.allocate(8, 8);
      MemorySegment control = arena.allocate(CMSG_BYTES, 8);
      vector.set(ValueLayout.ADDRESS, 0, data);
      vector.set(I64, 8, 1);
      header.set(ValueLayout.ADDRESS, 16, vector);
      header.set(I64, 24, 1);
      header.set(ValueLayout.ADDRESS, 32, control);
      header.set(I64, 40, CMSG_BYTES);
      long got;
      do {
        got = answer((long) Helper.RECVMSG.invokeExact(state, socket, header, 0), state);
      } while (got == -EINTR);
      if (got < 0) {
        return (int) got;
      }
      boolean carries =
          got > 0
              && header.get(I64, 40) >= CMSG_BYTES - 4
              && control.get(I64, 8) == SCM_RIGHTS_AT_SOL_SOCKET;
      return carries ? control.get(I32, 16) : -ENODEV;
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** Starts a program that inherits what is not closed on exec; its pid or a negative errno. */
  static int spawn(List<String> command, List<String> environment) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      MemorySegment pid = arena.allocate(4, 4);
      int rc =
          (int)
              Helper.SPAWN.invokeExact(
                  state,
                  pid,
                  arena.allocateFrom(command.getFirst()),
                  MemorySegment.NULL,
                  MemorySegment.NULL,
                  strings(arena, command),
                  strings(arena, environment));
      return rc == 0 ? pid.get(I32, 0) : -rc;
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  private static MemorySegment strings(Arena arena, List<String> texts) {
    MemorySegment array = arena.allocate(8L * (texts.size() + 1), 8);
    for (int i = 0; i < texts.size(); i++) {
      array.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(texts.get(i)));
    }
    array.setAtIndex(ValueLayout.ADDRESS, texts.size(), MemorySegment.NULL);
    return array;
  }

  /** Waits for a child: its exit code, 128 and more when a signal ended it, or a negative errno. */
  static int waitFor(int pid) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      MemorySegment status = arena.allocate(4, 4);
      long rc;
      do {
        rc = answer((int) Helper.WAITPID.invokeExact(state, pid, status, 0), state);
      } while (rc == -EINTR);
      if (rc < 0) {
        return (int) rc;
      }
      int word = status.get(I32, 0);
      int signal = word & 0x7f;
      return signal == 0 ? (word >> 8) & 0xff : 128 + signal;
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /**
   * Sends one datagram to a socket of the file system, or of the abstract names when the first byte
   * of its name is 0.
   *
   * @return 0 or a negative errno
   */
  static int sendDatagram(byte[] name, byte[] text) {
    if (name.length >= SUN_PATH_BYTES) {
      return -EINVAL;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      int fd =
          (int)
              answer((int) Notice.SOCKET.invokeExact(state, AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), state);
      if (fd < 0) {
        return fd;
      }
      // The length without a NUL, which an abstract name would take as a part of it.
      MemorySegment address = arena.allocate(2 + name.length, 2);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
      MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
      MemorySegment message = arena.allocateFrom(ValueLayout.JAVA_BYTE, text);
      long sent =
          (long)
              Notice.SENDTO.invokeExact(
                  state,
                  fd,
                  message,
                  (long) text.length,
                  MSG_NOSIGNAL,
                  address,
                  (int) address.byteSize());
      long rc = answer(sent, state);
      close(fd);
      return rc < 0 ? (int) rc : 0;
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }
}
