package io.lcpfs.object;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Walks everything that an object set has on disk, past the cache, as of one root pointer. Nothing may be
 * written meanwhile. Damage is told to the visitor, and what hangs below it is left out.
 */
public final class TreeWalk {

  /** Told what the walk meets, in order of objects and blocks. */
  public interface Visitor {
    /** A block that exists: {@code object} is 0 for the root, dnode and tail blocks. */
    void block(long object, BlockPointer pointer);

    /** An object; its blocks follow. */
    void object(long number, DnodeRecord dnode);

    /** Something that cannot be read or is not as it should be. */
    void damaged(String where, String what);
  }

  private final ObjectContext context;
  private final Visitor visitor;

  /** Sums of one object's walk. */
  private static final class Totals {
    long stored;
    long lastBlock = -1;
  }

  public TreeWalk(ObjectContext context, Visitor visitor) {
    this.context = context;
    this.visitor = visitor;
  }

  /** Walks the object set under {@code root}. */
  public void objectSet(BlockPointer root) {
    if (root.isHole()) {
      return;
    }
    visitor.block(0, root);
    Slab slab = readBlock(root, "object set");
    if (slab == null) {
      return;
    }
    ObjectSetRecord record;
    try {
      record = ObjectSetRecord.decode(slab.segment());
    } catch (PoolException e) {
      visitor.damaged("object set", e.error().message());
      return;
    } finally {
      context.slabs().free(slab);
    }
    internal(record.tails(), "tails");
    internal(record.metaTails(), "meta tails");
    Totals totals = new Totals();
    long[] objects = {0};
    tree(record.dnodes(), 0, record.dnodes().root(), record.dnodes().levels() - 1, 0, totals,
        (blockId, block) -> objects[0] += dnodes(blockId, block));
    compare("dnodes", record.dnodes(), totals);
    if (objects[0] != record.objectCount()) {
      visitor.damaged("object set", "object_count is " + record.objectCount() + ", found "
          + objects[0]);
    }
  }

  private void internal(DnodeRecord dnode, String name) {
    Totals totals = new Totals();
    tree(dnode, 0, dnode.root(), dnode.levels() - 1, 0, totals, (blockId, block) -> {
      for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
        TailRecord.lengthBytes(block, slot);
      }
    });
    compare(name, dnode, totals);
  }

  private interface DataBlock {
    void at(long blockId, MemorySegment block);
  }

  private long dnodes(long blockId, MemorySegment block) {
    long found = 0;
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      long at = (long) slot * DnodeRecord.BYTES;
      if (!DnodeRecord.isAllocated(block, at)) {
        continue;
      }
      found++;
      long number = blockId * TailRecord.SLOTS + slot;
      try {
        object(number, DnodeRecord.decode(block, at));
      } catch (PoolException e) {
        visitor.damaged("object " + number, e.error().message());
      }
    }
    return found;
  }

  private void object(long number, DnodeRecord dnode) {
    visitor.object(number, dnode);
    Totals totals = new Totals();
    tree(dnode, number, dnode.root(), dnode.levels() - 1, 0, totals, null);
    compare("object " + number, dnode, totals);
  }

  private void compare(String where, DnodeRecord dnode, Totals totals) {
    if (totals.stored != dnode.storedBytes()) {
      visitor.damaged(where, "stored_bytes is " + dnode.storedBytes() + ", found "
          + totals.stored);
    }
    if (totals.lastBlock >= dnode.blockCount()) {
      visitor.damaged(where, "block " + totals.lastBlock + " beyond block_count "
          + dnode.blockCount());
    }
  }

  /** Walks a subtree; answers its fill. */
  private long tree(DnodeRecord dnode, long object, BlockPointer pointer, int level, long id,
      Totals totals, @Nullable DataBlock data) {
    if (pointer.isHole()) {
      return 0;
    }
    String where = "object " + object + " level " + level + " block " + id;
    if (pointer.level() != level || pointer.type() != dnode.type()) {
      visitor.damaged(where, "the pointer says " + pointer);
      return pointer.fill();
    }
    visitor.block(object, pointer);
    totals.stored += context.io().allocatedBytes(pointer);
    if (level == 0) {
      totals.lastBlock = Math.max(totals.lastBlock, id);
      if (data == null) {
        return pointer.fill();
      }
    }
    Slab slab = readBlock(pointer, where);
    if (slab == null) {
      return pointer.fill();
    }
    try {
      if (level == 0) {
        if (data != null) {
          data.at(id, slab.segment());
        }
        return pointer.fill();
      }
      long fill = children(dnode, object, slab.segment(), level, id, totals, data);
      if (fill != pointer.fill()) {
        visitor.damaged(where, "fill is " + pointer.fill() + ", found " + fill);
      }
      return fill;
    } catch (PoolException e) {
      visitor.damaged(where, e.error().message());
      return pointer.fill();
    } finally {
      context.slabs().free(slab);
    }
  }

  private long children(DnodeRecord dnode, long object, MemorySegment indirect, int level, long id,
      Totals totals, @Nullable DataBlock data) {
    int shift = dnode.indirectShift() - 7;
    long fill = 0;
    for (long index = 0; index < 1L << shift; index++) {
      BlockPointer child = BlockPointer.decode(indirect, index * BlockPointer.BYTES);
      fill += tree(dnode, object, child, level - 1, (id << shift) + index, totals, data);
    }
    return fill;
  }

  private @Nullable Slab readBlock(BlockPointer pointer, String where) {
    Slab slab = context.cache().allocateForSync(pointer.lsizeBytes());
    try {
      context.io().read(pointer, slab.segment(), context.txgs().syncedTxg());
      return slab;
    } catch (PoolException e) {
      context.slabs().free(slab);
      visitor.damaged(where, e.error().message());
      return null;
    }
  }

  /** Whether blocks of this type are looked into by the walk itself. */
  public static boolean isWalked(BlockPointer pointer) {
    return pointer.level() > 0 || pointer.type() == ObjectType.OBJECT_SET
        || pointer.type() == ObjectType.DNODE || pointer.type() == ObjectType.TAILS
        || pointer.type() == ObjectType.META_TAILS;
  }
}
