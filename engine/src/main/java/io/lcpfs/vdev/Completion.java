package io.lcpfs.vdev;

import io.lcpfs.error.PoolException;
import org.jspecify.annotations.Nullable;

/** Told once when a queued write has ended; the buffer belongs to the caller again. */
@FunctionalInterface
public interface Completion {
  /**
   * Called on a device thread, without a lock; must be short and must not throw.
   *
   * @param failure why the write failed, null when it did not
   */
  void done(@Nullable PoolException failure);
}
