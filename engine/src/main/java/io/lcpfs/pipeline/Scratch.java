package io.lcpfs.pipeline;

import io.lcpfs.cache.Arc;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.Slab;

/**
 * Memory that a block needs on its way. A sync must not fail for want of it: it waits for what
 * queued writes hold, and then goes beyond the budget.
 */
final class Scratch {
  private static final int ATTEMPTS = 8;

  private Scratch() {}

  static Slab allocate(Arc cache, Devices devices, int bytes) {
    for (int attempt = 1; attempt < ATTEMPTS; attempt++) {
      try {
        return cache.allocateForSync(bytes);
      } catch (PoolException e) {
        if (e.errno() != Errno.ENOMEM) {
          throw e;
        }
        devices.awaitWrites();
      }
    }
    return cache.allocateAsLastResort(bytes);
  }
}
