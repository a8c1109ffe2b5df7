package io.lcpfs.object;

import io.lcpfs.error.Check;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.ObjectType;
import io.lcpfs.txg.Tx;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gives a file blocks of another by reference: their pointers, instead of copies of their content.
 * Used for one range; the order is {@link #find}, begin a transaction with what {@link
 * #dirtyBytes}, {@link #storedBytes} and {@link #sharedBytes} say, {@link #apply}. Whoever uses it
 * keeps writers away from both files from before the first to after the last of these.
 *
 * <p>What is found then stays: a block without changes under way is not freed by an earlier group
 * than the transaction's, but with its whole object set, and {@link #apply} looks at that.
 */
public final class BlockCloner {
  /** Blocks of one range, at most. */
  public static final int MOST_BLOCKS = 8192;

  private final Dnode from;
  private final Dnode to;
  private final long toBlock;
  private BlockPointer[] pointers = {};
  private SpaceCost.OfClone cost = SpaceCost.OfClone.NOTHING;

  /**
   * @param to a file in the same pool
   * @param toBlock block of {@code to} that gets the first
   */
  public BlockCloner(Dnode from, Dnode to, long toBlock) {
    this.from = from;
    this.to = to;
    this.toBlock = toBlock;
  }

  /**
   * Finds which of the blocks {@code [fromBlock, fromBlock + count)} can be given by reference, up
   * to the first that cannot: it has changes that are not on disk, or lies in a tail block.
   *
   * @return how many
   * @throws PoolException EIO, ENOMEM
   */
  public int find(long fromBlock, int count) {
    List<BlockPointer> found = new ArrayList<>();
    long end = fromBlock + Math.min(count, MOST_BLOCKS);
    long at = fromBlock;
    while (at < end) {
      long parentEnd = Math.min(end, ((at >>> from.fanoutShift()) + 1) << from.fanoutShift());
      int before = found.size();
      gather(at, parentEnd, found);
      if (found.size() - before < parentEnd - at) {
        break;
      }
      at = parentEnd;
    }
    int usable = usable(found);
    take(found.subList(0, usable).toArray(BlockPointer[]::new));
    return usable;
  }

  private void take(BlockPointer[] taken) {
    pointers = taken;
    long last = Math.max(toBlock + taken.length, to.blockCount) - 1;
    cost = SpaceCost.ofClone(to, taken, last);
  }

  /** How many there are. */
  public int count() {
    return pointers.length;
  }

  /** Leaves the blocks behind the first {@code count} out. */
  public void shorten(int count) {
    take(Arrays.copyOf(pointers, count));
  }

  private int usable(List<BlockPointer> found) {
    List<BlockPointer> stored = new ArrayList<>(found.size());
    int usable = 0;
    while (usable < found.size() && isUsable(found.get(usable))) {
      BlockPointer pointer = found.get(usable);
      if (pointer.copies() > 0) {
        stored.add(pointer);
      }
      usable++;
    }
    int most = from.objectSet().context().io().references().mayAdd(stored);
    return most < stored.size() ? found.indexOf(stored.get(most)) : usable;
  }

  private boolean isUsable(BlockPointer pointer) {
    return pointer.isHole()
        || (pointer.type() == ObjectType.FILE
            && pointer.level() == 0
            && pointer.lsizeBytes() == from.blockBytes);
  }

  /** Blocks below one indirect block, up to the first that is not on disk as it is. */
  private void gather(long first, long end, List<BlockPointer> found) {
    long parentId = first >>> from.fanoutShift();
    Dbuf parent = null;
    if (from.levels > 1 && from.hasIndirect(1, parentId, false)) {
      parent = from.load(1, parentId);
    }
    try {
      long block = first;
      if (parent != null) {
        block = gatherBelow(parent, first, end, found);
      }
      for (; block < end; block++) {
        BlockPointer pointer = pointer(block);
        if (pointer == null) {
          return;
        }
        found.add(pointer);
      }
    } finally {
      if (parent != null) {
        parent.unpin();
      }
    }
  }

  /**
   * Adds as many as can be told from the indirect block above them, all at once. First whether a
   * block is unchanged, then its pointer: once a block is on disk its pointer is final, as nobody
   * writes.
   *
   * @return the first that was not looked at
   */
  private long gatherBelow(Dbuf parent, long first, long end, List<BlockPointer> found) {
    from.lock.lock();
    try {
      if (from.blocks.find(parent.key()) != parent || from.inTail) {
        return first;
      }
      boolean pending = from.isDirty();
      long mask = (1L << from.fanoutShift()) - 1;
      for (long block = first; block < end; block++) {
        Dbuf cached = from.blocks.find(block);
        if (cached != null && cached.newest != null) {
          return block;
        }
        BlockPointer given = pending ? PendingFrees.pointer(from, block) : null;
        found.add(
            given != null
                ? given
                : BlockPointer.decode(parent.segment(), (block & mask) * BlockPointer.BYTES));
      }
      return end;
    } finally {
      from.lock.unlock();
    }
  }

  /** As {@link #gatherBelow}, for one block; null when it is not on disk as it is. */
  private @Nullable BlockPointer pointer(long block) {
    from.lock.lock();
    try {
      Dbuf cached = from.blocks.find(block);
      if (cached != null && cached.newest != null) {
        return null;
      }
      BlockPointer pending = PendingFrees.pointer(from, block);
      if (pending != null) {
        return pending;
      }
      if (block == 0 && from.inTail) {
        return null;
      }
    } finally {
      from.lock.unlock();
    }
    return from.pointerTo(0, block);
  }

  /** A bound on the memory that {@link #apply} makes dirty. */
  public long dirtyBytes() {
    return pointers.length * SpaceCost.CLONE_HEAP_BYTES;
  }

  /** A bound on what {@link #apply} takes on disk. */
  public long storedBytes() {
    return cost.storedBytes();
  }

  /** What the blocks have allocated, all copies: the object has that too from then on. */
  public long sharedBytes() {
    return cost.sharedBytes();
  }

  /** Whether the object surely gives up as much as it gets, as synced last. */
  public boolean replacesAsMuch() {
    return SpaceCost.replacesAsMuch(to, toBlock, pointers.length, cost.sharedBytes());
  }

  /**
   * Puts what was found in place. The object gets the size of the other's blocks when it has none,
   * else that is the same.
   *
   * @return false when it cannot be given any more: nothing was done
   * @throws PoolException EIO, ENOMEM: nothing was done
   */
  public boolean apply(Tx tx) {
    if (from.objectSet().isLeaving() || from.isFreed()) {
      return false;
    }
    Check.that(from.objectSet().isBesides(to.objectSet()), "clone into another pool");
    boolean before = tx.changing();
    try {
      if (to.blockCount == 0) {
        to.setBlockBytes(tx, from.blockBytes);
      }
      Check.that(to.blockBytes == from.blockBytes, "block size of a clone", to.blockBytes);
      to.giveBlocks(tx, toBlock, pointers, cost);
    } catch (PoolException e) {
      tx.unchanged(before);
      throw e;
    }
    return true;
  }

  /** Bytes of unsynced changes among the blocks of a file. */
  public static long changedBytes(Dnode dnode, long fromBlock, long toBlock) {
    long blocks = 0;
    dnode.lock.lock();
    try {
      for (Dbuf dbuf : dnode.blocks.snapshot()) {
        long block = dbuf.blockId();
        if (dbuf.level() == 0 && dbuf.newest != null && block >= fromBlock && block < toBlock) {
          blocks++;
        }
      }
    } finally {
      dnode.lock.unlock();
    }
    return blocks * dnode.blockBytes;
  }

  /** Counts the references that the object got in a group. */
  static void addReferences(Dnode dnode, long txg) {
    List<BlockPointer> given = new ArrayList<>();
    dnode.lock.lock();
    try {
      Pending changes = dnode.pendingOf(txg);
      ClonedRuns clones = changes == null || changes.freed ? null : changes.clones;
      if (clones != null) {
        clones.forEach((first, run) -> given.addAll(Arrays.asList(run)));
      }
    } finally {
      dnode.lock.unlock();
    }
    given.removeIf(pointer -> pointer.copies() == 0);
    if (!given.isEmpty()) {
      dnode.objectSet().context().io().references().add(given, txg);
    }
  }
}
