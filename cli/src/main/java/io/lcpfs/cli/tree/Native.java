package io.lcpfs.cli.tree;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/** How Linux is called: binding, errno, buffers of the calling thread. 64-bit Linux only. */
final class Native {
  static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT;
  static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG;
  static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT;
  static final MemoryLayout PTR = ValueLayout.ADDRESS;

  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final Errno[] BY_NUMBER = byNumber();
  private static final ThreadLocal<Buffers> BUFFERS = ThreadLocal.withInitial(Buffers::new);

  private Native() {}

  /** Memory for arguments and results of one call; owned by its thread. */
  static final class Buffers {
    private static final int TEXT_BYTES = 8192;

    final MemorySegment state;
    final MemorySegment statx;
    final MemorySegment times;
    private final MemorySegment first;
    private final MemorySegment second;

    Buffers() {
      Arena arena = Arena.ofAuto();
      state = arena.allocate(CAPTURE);
      statx = arena.allocate(256, 8);
      times = arena.allocate(32, 8);
      first = arena.allocate(TEXT_BYTES, 8);
      second = arena.allocate(TEXT_BYTES, 8);
    }

    /** {@code text} with a final NUL, until the next call. */
    MemorySegment first(byte[] text) {
      return put(first, text);
    }

    MemorySegment second(byte[] text) {
      return put(second, text);
    }

    /** The second text buffer as room for a result. */
    MemorySegment result() {
      return second;
    }

    private static MemorySegment put(MemorySegment to, byte[] text) {
      if (text.length >= TEXT_BYTES) {
        throw PoolException.posix(Errno.ENAMETOOLONG, HostDirectory.show(text));
      }
      MemorySegment.copy(text, 0, to, ValueLayout.JAVA_BYTE, 0, text.length);
      to.set(ValueLayout.JAVA_BYTE, text.length, (byte) 0);
      return to;
    }
  }

  static Buffers buffers() {
    return BUFFERS.get();
  }

  /** A call whose first argument is the capture state. */
  static MethodHandle bind(String name, MemoryLayout result, MemoryLayout... arguments) {
    return bindVariadic(-1, name, result, arguments);
  }

  /** As {@link #bind}, with variadic arguments from {@code firstVariadic} on. */
  static MethodHandle bindVariadic(
      int firstVariadic, String name, MemoryLayout result, MemoryLayout... arguments) {
    Linker linker = Linker.nativeLinker();
    MemorySegment symbol =
        linker
            .defaultLookup()
            .find(name)
            .orElseThrow(
                () ->
                    PoolException.refused(
                        Errno.ENOSYS,
                        name + ": is missing in this system's C library;" + " use 64-bit Linux"));
    FunctionDescriptor function = FunctionDescriptor.of(result, arguments);
    Linker.Option capture = Linker.Option.captureCallState("errno");
    return firstVariadic < 0
        ? linker.downcallHandle(symbol, function, capture)
        : linker.downcallHandle(
            symbol, function, capture, Linker.Option.firstVariadicArg(firstVariadic));
  }

  /** The negative errno when {@code result} is negative. */
  static long answer(long result, Buffers buffers) {
    return result >= 0 ? result : -(int) ERRNO.get(buffers.state, 0L);
  }

  /** What a foreign call threw; it cannot. */
  static AssertionError impossible(Throwable thrown) {
    return new AssertionError("foreign call", thrown);
  }

  private static Errno[] byNumber() {
    Errno[] table = new Errno[256];
    for (Errno errno : Errno.values()) {
      table[errno.value()] = errno;
    }
    return table;
  }

  /** A failure of the call with the answer {@code -errno}. */
  static PoolException failure(long answer, String subject) {
    int number = (int) -answer;
    Errno errno = number > 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    if (errno == null) {
      return PoolException.refused(
          Errno.EIO, subject + ": the system answered with error " + number + "; see errno(3)");
    }
    return PoolException.posix(errno, subject);
  }

  /** {@code answer} unless it is an error. */
  static long check(long answer, String subject) {
    if (answer < 0) {
      throw failure(answer, subject);
    }
    return answer;
  }
}
