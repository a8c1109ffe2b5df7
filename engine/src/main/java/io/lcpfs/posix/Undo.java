package io.lcpfs.posix;

import java.util.ArrayDeque;

/** The steps of a change so far, taken back in reverse when a later one fails. */
final class Undo {
  private final ArrayDeque<Runnable> steps = new ArrayDeque<>(4);

  void add(Runnable inverse) {
    steps.push(inverse);
  }

  /** Takes all back; returns {@code cause} with what failed meanwhile added, for throwing. */
  RuntimeException failed(RuntimeException cause) {
    while (!steps.isEmpty()) {
      try {
        steps.pop().run();
      } catch (RuntimeException e) {
        cause.addSuppressed(e);
      }
    }
    return cause;
  }
}
