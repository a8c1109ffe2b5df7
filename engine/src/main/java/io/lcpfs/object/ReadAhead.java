package io.lcpfs.object;

import io.lcpfs.error.PoolException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Detects sequential reading of one object and loads blocks ahead, in a window that doubles up to 16
 * MiB. Its fields are guesses that racing readers may spoil at no harm.
 */
final class ReadAhead {
  private static final long MAX_WINDOW_BYTES = 16L << 20;
  private static final long FIRST_WINDOW_BYTES = 1L << 20;
  private static final int MAX_IN_FLIGHT = 32;

  private final Dnode dnode;
  private final AtomicInteger inFlight = new AtomicInteger();
  private long lastBlock = -2;
  private int streak;
  private long issuedTo;
  private long windowBytes = FIRST_WINDOW_BYTES;

  ReadAhead(Dnode dnode) {
    this.dnode = dnode;
  }

  /** A cached block was read. */
  void hit(long blockId, int blockBytes) {
    if (blockId != lastBlock) {
      advance(blockId, blockBytes);
    }
  }

  /** A block is about to be read from disk. */
  void miss(long blockId, int blockBytes) {
    if (blockId == 0 && dnode.blockCount() > 1) {
      streak = 1; // most files that are read from their start are read to their end
    }
    if (blockId != lastBlock) {
      advance(blockId, blockBytes);
    }
  }

  private void advance(long blockId, int blockBytes) {
    boolean sequential = blockId == lastBlock + 1;
    lastBlock = blockId;
    if (!sequential) {
      if (blockId != 0) {
        streak = 0;
      }
      windowBytes = FIRST_WINDOW_BYTES;
      issuedTo = blockId + 1;
    }
    streak++;
    if (streak < 2 || blockId + 1 >= dnode.blockCount()) {
      return;
    }
    long windowBlocks = Math.max(1, windowBytes / blockBytes);
    if (issuedTo - blockId > windowBlocks / 2) {
      return; // enough is under way
    }
    windowBytes = Math.min(MAX_WINDOW_BYTES, windowBytes * 2);
    long from = Math.max(issuedTo, blockId + 1);
    long to = Math.min(dnode.blockCount(), blockId + 1 + windowBlocks);
    issuedTo = to;
    for (long id = from; id < to && inFlight.get() < MAX_IN_FLIGHT; id++) {
      if (dnode.blocks.find(id) == null) {
        issue(id);
      }
    }
  }

  private void issue(long blockId) {
    BackgroundWork background = dnode.objectSet().context().background();
    if (!background.begin()) {
      return;
    }
    inFlight.incrementAndGet();
    dnode.objectSet().context().env().onDevice(() -> {
      try {
        dnode.loadAhead(blockId);
        return true;
      } catch (PoolException e) {
        return false; // whoever reads the block meets the error itself
      } finally {
        inFlight.decrementAndGet();
        background.end();
      }
    });
  }
}
