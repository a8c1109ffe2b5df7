package io.lcpfs.sim.world;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.util.concurrent.Executor;

/**
 * Starts virtual threads whose continuations run on an executor of ours. The JDK has no public way
 * to say so; this class alone uses the one that its own tests use, and needs
 * {@code --add-opens java.base/java.lang=ALL-UNNAMED}.
 */
final class VirtualThreads {
  private static final Constructor<?> BUILDER = builder();
  private static final String VIRTUAL_THREAD = "java.lang.VirtualThread";
  private static final Field CONTINUATION = field(VIRTUAL_THREAD, "cont");
  private static final Field STEPS = field(VIRTUAL_THREAD, "scheduler");
  private static final Field BLOCKER = field("java.lang.Thread", "parkBlocker");
  private static final Field LOCALS = field("java.lang.Thread", "threadLocals");
  private static final Executor NOBODY = step -> {};

  private VirtualThreads() {}

  private static Constructor<?> builder() {
    try {
      Constructor<?> found =
          Class.forName("java.lang.ThreadBuilders$VirtualThreadBuilder")
              .getDeclaredConstructor(Executor.class);
      found.setAccessible(true);
      return found;
    } catch (ReflectiveOperationException | RuntimeException e) {
      throw new IllegalStateException(
          "the simulator needs a JVM started with" + " --add-opens java.base/java.lang=ALL-UNNAMED",
          e);
    }
  }

  private static Field field(String owner, String name) {
    try {
      Field found = Class.forName(owner).getDeclaredField(name);
      found.setAccessible(true);
      return found;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(owner + "." + name, e);
    }
  }

  /**
   * Lets go of the stack of a thread that will never run again, and of what it waits for: the JDK
   * keeps a reference to every thread that has not ended, so all that a crashed machine held would
   * stay for ever.
   */
  static void abandon(Thread thread) {
    try {
      CONTINUATION.set(thread, null);
      STEPS.set(thread, NOBODY);
      BLOCKER.set(thread, null);
      LOCALS.set(thread, null);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("virtual thread fields", e);
    }
  }

  /** A thread that was not started; each of its steps is handed to {@code steps}. */
  static Thread unstarted(Executor steps, String name, Runnable body) {
    try {
      Thread.Builder.OfVirtual made = (Thread.Builder.OfVirtual) BUILDER.newInstance(steps);
      return made.name(name).unstarted(body);
    } catch (InstantiationException | IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("virtual thread builder", e);
    }
  }
}
