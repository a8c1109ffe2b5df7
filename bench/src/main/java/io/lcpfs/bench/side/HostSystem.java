package io.lcpfs.bench.side;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the JDK has no call for on the host's file system: syncfs, and dropping cached pages. */
final class HostSystem {
  private static final Path DROP_CACHES = Path.of("/proc/sys/vm/drop_caches");
  private static final int O_RDONLY = 0;
  private static final int FADV_DONTNEED = 4;
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle OPEN =
      handle(
          "open",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
  private static final MethodHandle CLOSE =
      handle("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  private static final MethodHandle SYNCFS =
      handle("syncfs", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  private static final MethodHandle FADVISE =
      handle(
          "posix_fadvise",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));

  private static final MethodHandle CLOCK =
      handle(
          "clock_gettime",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
  private static final int CLOCK_PROCESS_CPUTIME_ID = 2;

  private HostSystem() {}

  /** CPU time of all threads of this process so far; finer than the JDK's, which counts ticks. */
  static long processCpuNanos() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(ValueLayout.JAVA_LONG, 2);
      int result = (int) CLOCK.invokeExact(CLOCK_PROCESS_CPUTIME_ID, time);
      if (result != 0) {
        throw new IllegalStateException("clock_gettime failed");
      }
      return time.getAtIndex(ValueLayout.JAVA_LONG, 0) * 1_000_000_000L
          + time.getAtIndex(ValueLayout.JAVA_LONG, 1);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("clock_gettime", e);
    }
  }

  private static MethodHandle handle(String name, FunctionDescriptor type) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type);
  }

  private interface Call {
    int with(int descriptor) throws Throwable;
  }

  private static void onDescriptor(Path path, String what, Call call) throws IOException {
    int result;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path.toAbsolutePath().toString());
      int descriptor = (int) OPEN.invokeExact(name, O_RDONLY);
      if (descriptor < 0) {
        throw new IOException(path + ": cannot be opened for " + what);
      }
      try {
        result = call.with(descriptor);
      } finally {
        int _ = (int) CLOSE.invokeExact(descriptor);
      }
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IOException(path + ": " + what, e);
    }
    if (result != 0) {
      throw new IOException(path + ": " + what + " failed");
    }
  }

  /** Returns when everything on the file system of {@code path} is on disk. */
  static void sync(Path path) throws IOException {
    onDescriptor(path, "syncfs", descriptor -> (int) SYNCFS.invokeExact(descriptor));
  }

  /** Whether all caches of the kernel can be dropped, or only a file's pages. */
  static boolean dropsAllCaches() {
    return Files.isWritable(DROP_CACHES);
  }

  /** Makes the next read of {@code file}, which is synced, come from the disk. */
  static void makeCold(Path file) throws IOException {
    if (dropsAllCaches()) {
      Files.writeString(DROP_CACHES, "1");
    } else {
      onDescriptor(
          file,
          "posix_fadvise",
          descriptor -> (int) FADVISE.invokeExact(descriptor, 0L, 0L, FADV_DONTNEED));
    }
  }

  /** Removes a file, or a directory with all that is in it; content when there is nothing. */
  static void removeTree(Path path) throws IOException {
    if (Files.isDirectory(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
        for (Path entry : entries) {
          removeTree(entry);
        }
      }
    }
    Files.deleteIfExists(path);
  }
}
