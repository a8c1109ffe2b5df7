package io.lcpfs.object;

import io.lcpfs.error.PoolException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Detects sequential reading of one object and loads blocks ahead, in a window that doubles up to
 * 16 MiB, but never to more than an eighth of the cache: what readers wait for comes first. Its
 * fields are guesses that racing readers may spoil at no harm.
 */
final class ReadAhead {
  private static final long MAX_WINDOW_BYTES = 16L << 20;
  private static final long FIRST_WINDOW_BYTES = 1L << 20;
  private static final long MAX_JOB_BYTES = 1L << 20;
  private static final int CACHE_SHARE = 8;
  private static final int JOBS_PER_WINDOW = 8;
  private static final int MAX_JOBS = 16;

  private final Dnode dnode;
  private final AtomicInteger inFlight = new AtomicInteger();
  private long lastBlock = -2;
  private int streak;
  private long issuedTo;
  private long windowBytes = FIRST_WINDOW_BYTES;

  ReadAhead(Dnode dnode) {
    this.dnode = dnode;
  }

  /**
   * A cached block was read. Only the successor of the last one is of interest: whoever reads
   * cached blocks at random writes nothing here, which readers beside him would have to fetch.
   */
  void hit(long blockId, int blockBytes) {
    if (blockId == lastBlock + 1) {
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
    long end = dnode.blockCount();
    long most = mostBytes();
    if (streak < 2 || blockId + 1 >= end || blockBytes > most) {
      return;
    }
    windowBytes = Math.min(windowBytes, most);
    long windowBlocks = Math.max(1, windowBytes / blockBytes);
    if (issuedTo - blockId > windowBlocks / 2) {
      return; // enough is under way
    }
    // Short jobs while the reader waits for the first ones, long ones to keep the device busy.
    long jobBytes = Math.min(MAX_JOB_BYTES, windowBytes / JOBS_PER_WINDOW);
    long jobBlocks = Math.max(1, jobBytes / blockBytes);
    windowBytes = Math.min(most, windowBytes * 2);
    long from = Math.max(issuedTo, blockId + 1);
    long to = Math.min(end, blockId + 1 + windowBlocks);
    while (from < to && inFlight.get() < MAX_JOBS) {
      if (dnode.blocks.find(from) != null) {
        from++;
        continue;
      }
      long jobEnd = Math.min(to, from + jobBlocks);
      issue(from, jobEnd);
      from = jobEnd;
    }
    issuedTo = from;
  }

  private long mostBytes() {
    long cacheBytes = dnode.objectSet().context().cache().capacityBytes();
    return Math.min(MAX_WINDOW_BYTES, cacheBytes / CACHE_SHARE);
  }

  private void issue(long from, long to) {
    BackgroundWork background = dnode.objectSet().context().background();
    if (!background.begin()) {
      return;
    }
    inFlight.incrementAndGet();
    dnode
        .objectSet()
        .context()
        .env()
        .onDevice(
            () -> {
              try {
                for (long id = from; id < to; id++) {
                  if (dnode.blocks.find(id) == null) {
                    dnode.loadAhead(id);
                  }
                }
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
