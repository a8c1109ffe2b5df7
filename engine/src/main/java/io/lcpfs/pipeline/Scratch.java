package io.lcpfs.pipeline;

import io.lcpfs.cache.Arc;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.Slab;

/**
 * Memory that a block needs on its way. A sync must not fail for want of it while writes that are
 * queued still hold some.
 */
final class Scratch {
  private static final int ATTEMPTS = 8;

  private Scratch() {}

  static Slab allocate(Arc cache, Devices devices, int bytes) {
    for (int attempt = 1; ; attempt++) {
      try {
        return cache.allocateForSync(bytes);
      } catch (PoolException e) {
        if (e.errno() != Errno.ENOMEM || attempt == ATTEMPTS) {
          throw e;
        }
        devices.awaitWrites();
      }
    }
  }
}
