package io.lcpfs.object;

import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads back all metadata that one transaction group wrote into an object set. A device that says a
 * flush is done and then loses what it covered leaves an uberblock that names nothing; whoever
 * finds out before anything is written on top can still go back to the group before. Costs one read
 * of each metadata block that the group wrote and no others. Nothing may be written meanwhile.
 *
 * <p>What verifies and makes no sense was not lost: it is left to whoever comes to need it. A tree
 * that leads to the same block again is not followed twice.
 */
public final class GroupReadback {

  /** Told of each object whose dnode lies in a block of the group. */
  public interface Objects {
    void object(long number, DnodeRecord dnode);
  }

  /** More than any group writes: what comes then is not looked at. */
  private static final int MOST_BLOCKS = 1 << 22;

  private final ObjectContext context;
  private final long txg;

  /** First addresses of the blocks read. */
  private final HashSet<Long> seen = new HashSet<>();

  /**
   * @param txg the group; blocks of older ones are left alone
   */
  public GroupReadback(ObjectContext context, long txg) {
    this.context = context;
    this.txg = txg;
  }

  /**
   * Reads what the group wrote below {@code root}.
   *
   * @throws PoolException EIO when a block is lost; ENOMEM
   */
  public void objectSet(BlockPointer root, Objects objects) {
    if (passes(root)) {
      return;
    }
    unlessSenseless(
        () -> {
          ObjectSetRecord record;
          Slab slab = ReadWindow.read(context, root);
          try {
            record = ObjectSetRecord.decode(slab.segment());
          } finally {
            context.slabs().free(slab);
          }
          tree(record.metaTails(), null);
          tree(record.tails(), null);
          tree(record.dnodes(), objects);
        });
  }

  private static void unlessSenseless(Runnable look) {
    try {
      look.run();
    } catch (PoolException e) {
      if (!(e.error() instanceof PoolError.Corrupt)) {
        throw e;
      }
    }
  }

  /** Whether a block need not be read: an older one, or one that was. */
  private boolean passes(BlockPointer pointer) {
    return pointer.isHole()
        || pointer.isEmbedded()
        || pointer.physicalBirth() < txg
        || seen.size() >= MOST_BLOCKS
        || !seen.add(pointer.dva(0));
  }

  /** Of the tree of dnodes {@code objects} is told what it holds, and that is read too. */
  private void tree(DnodeRecord dnode, @Nullable Objects objects) {
    unlessSenseless(() -> block(dnode, dnode.root(), dnode.levels() - 1, 0, objects));
  }

  private void block(
      DnodeRecord dnode, BlockPointer pointer, int level, long id, @Nullable Objects objects) {
    boolean content = level == 0 && !dnode.type().isMetadata();
    if (content || passes(pointer) || !PathReader.fits(dnode, pointer, level)) {
      return;
    }
    Slab slab = ReadWindow.read(context, pointer);
    try {
      if (level > 0) {
        int shift = dnode.indirectShift() - 7;
        for (int i = 0; i < 1 << shift; i++) {
          BlockPointer child = BlockPointer.decode(slab.segment(), (long) i * BlockPointer.BYTES);
          block(dnode, child, level - 1, (id << shift) + i, objects);
        }
      } else if (objects != null) {
        dnodes(slab.segment(), id, objects);
      }
    } finally {
      context.slabs().free(slab);
    }
  }

  private void dnodes(MemorySegment block, long id, Objects objects) {
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      long at = (long) slot * DnodeRecord.BYTES;
      if (DnodeRecord.isAllocated(block, at)) {
        long number = id * TailRecord.SLOTS + slot;
        unlessSenseless(
            () -> {
              DnodeRecord dnode = DnodeRecord.decode(block, at);
              tree(dnode, null);
              objects.object(number, dnode);
            });
      }
    }
  }
}
