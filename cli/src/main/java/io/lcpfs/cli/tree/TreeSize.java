package io.lcpfs.cli.tree;

import io.lcpfs.error.PoolException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Adds up the sizes of trees, to tell how long a copy will take; nothing depends on it. */
public final class TreeSize {
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicInteger running = new AtomicInteger();

  /** Bytes in the regular files that were counted. */
  public long bytes() {
    return bytes.get();
  }

  /** Whether all counting is done. */
  public boolean complete() {
    return running.get() == 0;
  }

  /**
   * Counts one entry of {@code directory}, or all of it when {@code name} is null.
   *
   * @param stop asked now and then; true ends the counting
   */
  public void count(TreeDirectory directory, byte @Nullable [] name, BooleanSupplier stop) {
    running.incrementAndGet();
    try {
      if (name == null) {
        all(directory, stop);
      } else {
        one(directory, name, stop);
      }
      running.decrementAndGet();
    } catch (PoolException e) {
      // The copy itself reports what cannot be read; the total stays unknown.
      bytes.set(0);
    }
  }

  private void all(TreeDirectory directory, BooleanSupplier stop) {
    for (byte[] name : directory.names()) {
      if (stop.getAsBoolean()) {
        return;
      }
      one(directory, name, stop);
    }
  }

  private void one(TreeDirectory directory, byte[] name, BooleanSupplier stop) {
    Attributes attributes = directory.stat(name);
    if (attributes == null) {
      return;
    }
    if (attributes.isDirectory()) {
      try (TreeDirectory below = directory.directory(name)) {
        all(below, stop);
      }
    } else if (attributes.isRegular()) {
      bytes.addAndGet(attributes.size());
    }
  }
}
