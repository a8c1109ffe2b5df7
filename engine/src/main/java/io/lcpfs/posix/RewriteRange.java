package io.lcpfs.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.BlockRewriter;
import io.lcpfs.object.Dnode;
import io.lcpfs.txg.Tx;

/**
 * Writes records of a file anew, in place and without a change that anybody sees, some in each
 * transaction. Writers wait for one of these at a time, and what they wrote before is what is
 * written anew.
 */
final class RewriteRange {
  /** Content in one transaction; at least one record. */
  private static final int CHUNK_BYTES = 1 << 20;

  private final FsCore core;
  private final FileData data;
  private final Znode file;
  private final boolean sharedToo;

  RewriteRange(FsCore core, FileData data, Znode file, boolean sharedToo) {
    this.core = core;
    this.data = data;
    this.file = file;
    this.sharedToo = sharedToo;
  }

  /** Where the next step begins, and what this one did; at -1 the end was reached. */
  private record Step(long next, Rewritten done) {}

  Rewritten rewrite(long offsetBytes, long length) {
    core.checkWritable();
    long end = length > Long.MAX_VALUE - offsetBytes ? Long.MAX_VALUE : offsetBytes + length;
    Rewritten all = Rewritten.NONE;
    int attempt = 0;
    for (long at = offsetBytes; at >= 0 && at < end; ) {
      try {
        preload(at, end);
        Step step = step(at, end);
        all = all.plus(step.done);
        at = step.next;
        attempt = 0;
      } catch (PoolException e) {
        data.refuseUnlessMemoryComes(e, ++attempt);
      }
    }
    return all;
  }

  /** The blocks {@code [first, end)} of one step; at the end of the file none, beginning at -1. */
  private record Blocks(long first, long end) {}

  private Blocks blocks(long at, long end) {
    Dnode dnode = file.dnode;
    long to = Math.min(end, file.attrs().size);
    long from = at < to ? dnode.nextData(at) : -1;
    if (from < 0 || from >= to) {
      return new Blocks(-1, -1);
    }
    int size = dnode.blockBytes();
    long first = from / size;
    long most = Math.max(1, CHUNK_BYTES / size);
    return new Blocks(first, Math.min(first + most, Math.ceilDiv(to, size)));
  }

  /** Reads what a step needs while others may read, so that it waits for no device. */
  private void preload(long at, long end) {
    long stamp = file.lock.readLock();
    try (BlockRewriter rewriter = new BlockRewriter(file.dnode)) {
      Blocks blocks = blocks(at, end);
      rewriter.find(blocks.first, blocks.end, sharedToo);
      rewriter.load();
    } finally {
      file.lock.unlockRead(stamp);
    }
  }

  /** Where a quota is reached, records may be replaced that no snapshot has. */
  private Tx begin(long from, long bytes, long dirty, long stored) {
    try {
      return core.objects.begin(dirty, stored);
    } catch (PoolException e) {
      if (e.errno() == Errno.EDQUOT
          && file.dnode.replacesAsMuch(from, bytes, file.dnode.blockBytes())) {
        return core.objects.beginReplacing(dirty, stored);
      }
      throw e;
    }
  }

  private Step step(long at, long end) {
    long stamp = file.lock.writeLock();
    try (BlockRewriter rewriter = new BlockRewriter(file.dnode)) {
      Blocks blocks = blocks(at, end);
      if (blocks.first < 0) {
        return new Step(-1, Rewritten.NONE);
      }
      Dnode dnode = file.dnode;
      int size = dnode.blockBytes();
      rewriter.find(blocks.first, blocks.end, sharedToo);
      rewriter.load();
      if (rewriter.count() > 0) {
        long from = blocks.first * size;
        long bytes = (blocks.end - blocks.first) * size;
        long dirty = dnode.memoryForWrite(from, bytes, size) + FsCore.WRITE_OVERHEAD_BYTES;
        long stored = dnode.spaceForWrite(from, bytes, size) + FsCore.WRITE_OVERHEAD_BYTES;
        try (Tx tx = begin(from, bytes, dirty, stored).wholeOnly()) {
          try {
            rewriter.apply(tx);
          } finally {
            tx.complete();
          }
        }
      }
      return new Step(
          blocks.end * size,
          new Rewritten((long) rewriter.count() * size, (long) rewriter.sharedCount() * size));
    } finally {
      file.lock.unlockWrite(stamp);
    }
  }
}
