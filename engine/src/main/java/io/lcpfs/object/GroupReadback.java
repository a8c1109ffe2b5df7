package io.lcpfs.object;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Reads back all metadata that one transaction group wrote into an object set. A device that says a flush
 * is done and then loses what it covered leaves an uberblock that names nothing; whoever finds out before
 * anything is written on top can still go back to the group before. Costs one read of each metadata block
 * that the group wrote and no others. Nothing may be written meanwhile.
 */
public final class GroupReadback {

  /** Told of each object whose dnode lies in a block of the group. */
  public interface Objects {
    void object(long number, DnodeRecord dnode);
  }

  private final ObjectContext context;
  private final long txg;

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
   * @throws PoolException EIO when a block is lost or is not what it should be; ENOMEM
   */
  public void objectSet(BlockPointer root, Objects objects) {
    if (older(root)) {
      return;
    }
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
  }

  private boolean older(BlockPointer pointer) {
    return pointer.isHole() || pointer.isEmbedded() || pointer.physicalBirth() < txg;
  }

  /** Of the tree of dnodes {@code objects} is told what it holds, and that is read too. */
  private void tree(DnodeRecord dnode, @Nullable Objects objects) {
    block(dnode, dnode.root(), dnode.levels() - 1, 0, objects);
  }

  private void block(DnodeRecord dnode, BlockPointer pointer, int level, long id,
      @Nullable Objects objects) {
    if (older(pointer)) {
      return;
    }
    if (!PathReader.fits(dnode, pointer, level)) {
      throw PoolException.corrupt("block_pointer of level " + level + " block " + id,
          pointer.toString());
    }
    if (level == 0 && !dnode.type().isMetadata()) {
      return;
    }
    Slab slab = ReadWindow.read(context, pointer);
    try {
      if (level > 0) {
        int shift = dnode.indirectShift() - 7;
        for (int i = 0; i < 1 << shift; i++) {
          BlockPointer child =
              BlockPointer.decode(slab.segment(), (long) i * BlockPointer.BYTES);
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
        DnodeRecord dnode = DnodeRecord.decode(block, at);
        tree(dnode, null);
        objects.object(id * TailRecord.SLOTS + slot, dnode);
      }
    }
  }
}
