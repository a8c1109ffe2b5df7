package io.lcpfs.pool;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DeadlistRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.txg.Tx;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lists of blocks that nothing refers to any more, on their way to be freed: some in each group.
 * The ZAP that names them is made with the first. Changed by the sync task alone.
 */
final class FreeingLists {
  private final ObjectContext context;
  private final MetaDirectory directory;
  private final DeadLists deadLists;

  /** Guards what follows. */
  private final ReentrantLock lock = new ReentrantLock();

  private final ArrayDeque<DeadLists.Entry> waiting = new ArrayDeque<>();
  private long zap;
  private long bytes;
  private @Nullable PoolException problem;

  FreeingLists(ObjectContext context, MetaDirectory directory, DeadLists deadLists) {
    this.context = context;
    this.directory = directory;
    this.deadLists = deadLists;
  }

  /** Finds what an earlier import left. */
  void load() {
    lock.lock();
    try {
      zap = directory.find(MetaDirectory.FREEING);
      for (DeadLists.Entry entry : deadLists.entries(zap)) {
        bytes += deadLists.storedBytes(entry);
        waiting.add(entry);
      }
    } catch (PoolException e) {
      note(e); // what is not known of stays allocated
    } finally {
      lock.unlock();
    }
  }

  boolean isEmpty() {
    lock.lock();
    try {
      return waiting.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Allocated bytes of what waits. */
  long bytes() {
    lock.lock();
    try {
      return bytes;
    } finally {
      lock.unlock();
    }
  }

  /** What could not be freed, or null. */
  @Nullable PoolException problem() {
    lock.lock();
    try {
      return problem;
    } finally {
      lock.unlock();
    }
  }

  /** Takes a list over, in the group that is being written. */
  void add(long txg, DeadLists.Entry entry, long storedBytes) {
    lock.lock();
    try {
      boolean first = zap == 0;
      zap = deadLists.add(txg, zap, entry);
      if (first) {
        directory.put(Tx.inSync(txg), MetaDirectory.FREEING, zap);
      }
      waiting.add(entry);
      bytes += storedBytes;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Frees at most {@code mostBlocks} blocks in the group that is being written, from the ends of
   * the lists. What cannot be read stays allocated, which the pool's check tells.
   */
  void free(long txg, int mostBlocks) {
    lock.lock();
    try {
      for (int left = mostBlocks; left > 0 && !waiting.isEmpty(); ) {
        left -= freeSome(txg, waiting.getFirst(), left);
      }
    } finally {
      lock.unlock();
    }
  }

  private int freeSome(long txg, DeadLists.Entry entry, int mostBlocks) {
    context.env().probe(CodeProbe.SNAPSHOT_BLOCK_FREED);
    Tx tx = Tx.inSync(txg);
    int count;
    try (Dnode list = deadLists.hold(entry)) {
      DeadlistRecord record = DeadlistRecord.decode(list.bonus());
      count = (int) Math.min(record.count(), Math.min(mostBlocks, DeadLists.blocksPerBlock()));
      long from = record.count() - count;
      long freed = 0;
      for (BlockPointer block : readable(list, from, record.count())) {
        try {
          freed += context.io().allocatedBytes(block);
          context.io().free(block, txg);
        } catch (PoolException e) {
          note(e);
        }
      }
      bytes = Math.max(0, bytes - freed);
      if (from > 0) {
        list.setBonus(
            tx,
            new DeadlistRecord(record.sinceTxg(), from, Math.max(0, record.storedBytes() - freed))
                .encode());
        list.truncateBlocks(tx, Math.ceilDiv(from, DeadLists.blocksPerBlock()));
        return count;
      }
    }
    waiting.removeFirst();
    deadLists.remove(txg, zap, entry);
    deadLists.freeObject(txg, entry.object());
    if (waiting.isEmpty()) {
      bytes = 0;
    }
    return Math.max(1, count);
  }

  private List<BlockPointer> readable(Dnode list, long from, long to) {
    try {
      return DeadLists.blocks(list, from, to);
    } catch (PoolException e) {
      note(e);
      return List.of();
    }
  }

  /** Lack of memory is no damage. */
  private void note(PoolException e) {
    if (e.errno() == Errno.ENOMEM) {
      throw e;
    }
    problem = e;
  }
}
