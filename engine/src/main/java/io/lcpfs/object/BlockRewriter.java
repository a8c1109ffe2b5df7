package io.lcpfs.object;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.txg.Tx;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes some blocks of a file anew with the content that they have, so that they get what the
 * dataset's properties say now. Used for one range; the order is {@link #find}, {@link #load},
 * begin a transaction with what the range takes at most, {@link #apply}. Whoever uses it keeps
 * writers away from the file meanwhile.
 */
public final class BlockRewriter implements AutoCloseable {
  private final Dnode file;
  private final List<Long> blocks = new ArrayList<>();
  private final List<Block> loaded = new ArrayList<>();
  private int shared;

  public BlockRewriter(Dnode file) {
    this.file = file;
  }

  /**
   * Finds which of the blocks {@code [first, end)} are to be written: those that have content on
   * disk. What has changes under way is written anyway.
   *
   * @param sharedToo also blocks that other files, or this one elsewhere, have too
   * @throws PoolException EIO, ENOMEM
   */
  public void find(long first, long end, boolean sharedToo) {
    for (long block = first; block < Math.min(end, file.blockCount()); block++) {
      boolean isGiven;
      file.lock.lock();
      try {
        Dbuf cached = file.blocks.find(block);
        if (cached != null && cached.newest != null) {
          continue;
        }
        BlockPointer pending = PendingFrees.pointer(file, block);
        if (pending != null && pending.isHole()) {
          continue;
        }
        isGiven = pending != null;
      } finally {
        file.lock.unlock();
      }
      BlockPointer pointer = file.pointerTo(0, block);
      boolean inTail = block == 0 && file.inTail;
      if (!inTail && !isGiven && pointer.isHole()) {
        continue;
      }
      if (!sharedToo && !inTail && (isGiven || isShared(pointer))) {
        shared++;
        continue;
      }
      blocks.add(block);
    }
  }

  private boolean isShared(BlockPointer pointer) {
    return file.objectSet().context().io().references().isShared(pointer);
  }

  /** How many blocks were found. */
  public int count() {
    return blocks.size();
  }

  /** How many were left out because they are shared. */
  public int sharedCount() {
    return shared;
  }

  /**
   * Reads what was found and keeps it in memory.
   *
   * @throws PoolException EIO, ENOMEM
   */
  public void load() {
    for (long block : blocks) {
      loaded.add(file.read(block));
    }
  }

  /**
   * Has it written with the transaction's group.
   *
   * @throws PoolException ENOMEM: some may be written, which nobody can tell
   */
  public void apply(Tx tx) {
    for (long block : blocks) {
      file.modify(tx, block).close();
      tx.countWritten(file.blockBytes());
    }
  }

  /** Lets go of the memory. */
  @Override
  public void close() {
    loaded.forEach(Block::close);
    loaded.clear();
  }
}
