package io.lcpfs.posix;

import io.lcpfs.error.PoolException;
import io.lcpfs.txg.Tx;
import java.util.ArrayDeque;

/** The steps of a change so far, taken back in reverse when a later one fails. */
final class Undo {
  private final ArrayDeque<Runnable> steps = new ArrayDeque<>(4);

  void add(Runnable inverse) {
    steps.push(inverse);
  }

  /**
   * Takes all back, after which {@code tx} is complete; returns {@code cause} with what failed
   * meanwhile added, for throwing. Where something could not be taken back, or the cause is an
   * error of ours, the transaction is left incomplete.
   */
  RuntimeException failed(Tx tx, RuntimeException cause) {
    boolean whole = cause instanceof PoolException;
    while (!steps.isEmpty()) {
      try {
        steps.pop().run();
      } catch (RuntimeException e) {
        cause.addSuppressed(e);
        whole = false;
      }
    }
    if (whole) {
      tx.complete();
    }
    return cause;
  }
}
