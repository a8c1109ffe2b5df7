package io.lcpfs.posix;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Linux's own file system calls, which answer the negative errno. For one thread. */
final class Kernel implements AutoCloseable {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final VarHandle ERRNO =
      Linker.Option.captureStateLayout().varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final int CLONE_FS = 0x200;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());
  private final Map<String, MethodHandle> handles = new HashMap<>();

  /** Calls a function with int, long, byte[] (a path) and MemorySegment arguments. */
  private long call(String name, int fixed, Object... arguments) {
    try (Arena call = Arena.ofConfined()) {
      MemoryLayout[] layouts = new MemoryLayout[arguments.length];
      Object[] values = new Object[arguments.length + 1];
      values[0] = state;
      for (int i = 0; i < arguments.length; i++) {
        switch (arguments[i]) {
          case Integer number -> {
            layouts[i] = JAVA_INT;
            values[i + 1] = number;
          }
          case Long number -> {
            layouts[i] = JAVA_LONG;
            values[i + 1] = number;
          }
          case byte[] path -> {
            layouts[i] = ADDRESS;
            MemorySegment text = call.allocate(path.length + 1L);
            MemorySegment.copy(path, 0, text, ValueLayout.JAVA_BYTE, 0, path.length);
            values[i + 1] = text;
          }
          default -> {
            layouts[i] = ADDRESS;
            values[i + 1] = arguments[i];
          }
        }
      }
      MethodHandle handle =
          handles.computeIfAbsent(
              name,
              missing -> {
                Linker.Option errno = Linker.Option.captureCallState("errno");
                return LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow(name),
                    FunctionDescriptor.of(JAVA_LONG, layouts),
                    fixed == 0
                        ? new Linker.Option[] {errno}
                        : new Linker.Option[] {errno, Linker.Option.firstVariadicArg(fixed)});
              });
      long answer = (long) handle.invokeWithArguments(values);
      // Functions that answer an int leave the upper half undefined.
      boolean failed = (int) answer == -1;
      return failed ? -(int) ERRNO.get(state, 0L) : answer;
    } catch (Throwable t) {
      throw new AssertionError(name, t);
    }
  }

  private int callInt(String name, int fixed, Object... arguments) {
    return (int) call(name, fixed, arguments);
  }

  int openat(int directory, byte[] path, int flags, int mode) {
    return callInt("openat", 3, directory, path, flags, mode);
  }

  int close(int fd) {
    return callInt("close", 0, fd);
  }

  long read(int fd, MemorySegment target) {
    return call("read", 0, fd, target, target.byteSize());
  }

  long write(int fd, MemorySegment source) {
    return call("write", 0, fd, source, source.byteSize());
  }

  long pread(int fd, MemorySegment target, long offset) {
    return call("pread", 0, fd, target, target.byteSize(), offset);
  }

  long pwrite(int fd, MemorySegment source, long offset) {
    return call("pwrite", 0, fd, source, source.byteSize(), offset);
  }

  long lseek(int fd, long offset, int whence) {
    return call("lseek", 0, fd, offset, whence);
  }

  int ftruncate(int fd, long size) {
    return callInt("ftruncate", 0, fd, size);
  }

  int dup(int fd) {
    return callInt("dup", 0, fd);
  }

  int getFlags(int fd) {
    return callInt("fcntl", 2, fd, VfsFlags.F_GETFL);
  }

  int setFlags(int fd, int flags) {
    handles.remove("fcntl");
    int answer = callInt("fcntl", 2, fd, VfsFlags.F_SETFL, flags);
    handles.remove("fcntl");
    return answer;
  }

  int mkdirat(int directory, byte[] path, int mode) {
    return callInt("mkdirat", 0, directory, path, mode);
  }

  int unlinkat(int directory, byte[] path, int flags) {
    return callInt("unlinkat", 0, directory, path, flags);
  }

  int renameat(int directory, byte[] from, byte[] to, int flags) {
    return callInt("renameat2", 0, directory, from, directory, to, flags);
  }

  int linkat(int directory, byte[] from, byte[] to, int flags) {
    return callInt("linkat", 0, directory, from, directory, to, flags);
  }

  int symlinkat(byte[] target, int directory, byte[] path) {
    return callInt("symlinkat", 0, target, directory, path);
  }

  long readlinkat(int directory, byte[] path, MemorySegment target) {
    return call("readlinkat", 0, directory, path, target, target.byteSize());
  }

  int fchmodat(int directory, byte[] path, int mode) {
    return callInt("fchmodat", 0, directory, path, mode, 0);
  }

  int faccessat(int directory, byte[] path, int mask) {
    return callInt("faccessat", 0, directory, path, mask, 0);
  }

  int setxattr(byte[] path, byte[] name, byte[] value) {
    MemorySegment bytes = arena.allocate(Math.max(1, value.length));
    MemorySegment.copy(value, 0, bytes, ValueLayout.JAVA_BYTE, 0, value.length);
    return callInt("setxattr", 0, path, name, bytes, (long) value.length, 0);
  }

  /** The value, or null when there is none. */
  byte @Nullable [] getxattr(byte[] path, byte[] name) {
    MemorySegment bytes = arena.allocate(4096);
    long length = call("getxattr", 0, path, name, bytes, bytes.byteSize());
    return length < 0 ? null : bytes.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
  }

  int removexattr(byte[] path, byte[] name) {
    return callInt("removexattr", 0, path, name);
  }

  int fchownat(byte[] path, int uid, int gid) {
    return callInt("fchownat", 0, VfsFlags.AT_FDCWD, path, uid, gid, 0);
  }

  /** From now on this thread has a umask of its own. */
  int unshareUmask() {
    return callInt("unshare", 0, CLONE_FS);
  }

  void umask(int bits) {
    callInt("umask", 0, bits);
  }

  /** Makes this thread, and no other, act on files as somebody without supplementary groups. */
  void actAs(int uid, int gid) {
    if (uid == 0) {
      callInt("setfsuid", 0, uid);
      callInt("setfsgid", 0, gid);
    } else {
      callInt("setfsgid", 0, gid);
      callInt("setfsuid", 0, uid);
    }
  }

  /** Native memory, which the calls need. */
  MemorySegment memory(int bytes) {
    return arena.allocate(bytes);
  }

  @Override
  public void close() {
    arena.close();
  }
}
