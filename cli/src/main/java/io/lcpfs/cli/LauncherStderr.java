package io.lcpfs.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Takes standard error back from the launcher. With the vector module the JVM prints a warning
 * before any of our code runs, so the launcher starts it with standard error on a detour that drops
 * that line, and leaves the real one open under the number in the property {@code lcpfs.stderr}.
 */
final class LauncherStderr {
  private static final String PROPERTY = "lcpfs.stderr";
  private static final int STDERR = 2;

  private LauncherStderr() {}

  /**
   * Ends the detour if there is one. To be called before anything is printed.
   *
   * @throws IllegalStateException when the kernel refuses, which leaves the detour in place
   */
  static void restore() {
    Integer kept = Integer.getInteger(PROPERTY);
    if (kept == null) {
      return;
    }
    Linker linker = Linker.nativeLinker();
    MethodHandle dup2 =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("dup2"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    MethodHandle close =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("close"),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    int duplicated;
    int closed;
    try {
      duplicated = (int) dup2.invokeExact((int) kept, STDERR);
      closed = duplicated == STDERR ? (int) close.invokeExact((int) kept) : -1;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("restoring standard error", e);
    }
    if (closed != 0) {
      throw new IllegalStateException("standard error cannot be restored from " + kept);
    }
  }
}
