package io.lcpfs.object;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Finds and reads one object's blocks as of the last sync: through its tree, or from its tail
 * block.
 */
final class BlockLoader {
  private final Dnode dnode;

  BlockLoader(Dnode dnode) {
    this.dnode = dnode;
  }

  private ObjectContext context() {
    return dnode.objectSet().context();
  }

  /**
   * The block's content in a new slab; zeros for a hole.
   *
   * @param forSync whether the memory reserved for the sync task may be used
   */
  Slab read(int level, long blockId, boolean forSync) {
    boolean tail;
    dnode.lock.lock();
    try {
      tail =
          level == 0 && blockId == 0 && dnode.inTail && !PendingFrees.isReplacedPending(dnode, 0);
    } finally {
      dnode.lock.unlock();
    }
    if (tail) {
      Slab slab = readTail();
      if (slab != null) {
        return slab;
      }
    }
    BlockPointer pointer = pointerTo(level, blockId, forSync);
    while (true) {
      long seenTxg = context().txgs().syncedTxg();
      BlockPointer again = pointerTo(level, blockId, forSync);
      if (!again.equals(pointer)) {
        pointer = again;
        continue;
      }
      int size = pointer.isHole() ? dnode.sizeOf(level) : pointer.lsizeBytes();
      Slab slab = forSync ? context().io().syncMemory(size) : dnode.allocate(size);
      boolean done = false;
      try {
        if (pointer.isHole()) {
          slab.segment().fill((byte) 0);
        } else {
          context().io().read(pointer, slab.segment(), seenTxg);
          check(level, pointer, slab.segment());
        }
        done = true;
        return slab;
      } catch (PoolException e) {
        // The block may have been rewritten and its sectors reused while we read.
        BlockPointer now = pointerTo(level, blockId, forSync);
        if (now.equals(pointer)) {
          throw e;
        }
        context().env().probe(CodeProbe.READ_RACED_WITH_SYNC);
        pointer = now;
      } finally {
        if (!done) {
          context().slabs().free(slab);
        }
      }
    }
  }

  /**
   * Refuses a block of pointers or dnodes that does not hold what the pointer to it says. What
   * passes can be searched without end in sight: below a pointer there is as much as its fill says.
   */
  private void check(int level, BlockPointer pointer, MemorySegment block) {
    if (level > 0) {
      checkIndirect(level, pointer, block);
    } else if (dnode.type() == ObjectType.DNODE && dnodesIn(block) != pointer.fill()) {
      throw PoolException.corrupt("block_pointer.fill of dnodes", pointer.fill());
    }
  }

  private void checkIndirect(int level, BlockPointer pointer, MemorySegment block) {
    int blockBytes;
    dnode.lock.lock();
    try {
      blockBytes = dnode.syncedBlockBytes;
    } finally {
      dnode.lock.unlock();
    }
    long fill = 0;
    for (long at = 0; at < block.byteSize(); at += BlockPointer.BYTES) {
      BlockPointer child = BlockPointer.decode(block, at);
      if (child.isHole()) {
        continue;
      }
      if (!DnodeRecord.fits(child, dnode.type(), level - 1, blockBytes, dnode.indirectShift())) {
        throw PoolException.corrupt("indirect block of object " + dnode.number(), child.toString());
      }
      fill += child.fill();
    }
    if (fill != pointer.fill()) {
      throw PoolException.corrupt("block_pointer.fill of object " + dnode.number(), pointer.fill());
    }
  }

  private static long dnodesIn(MemorySegment block) {
    long found = 0;
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      found += DnodeRecord.isAllocated(block, (long) slot * DnodeRecord.BYTES) ? 1 : 0;
    }
    return found;
  }

  /** The content from the tail block; null when the object left its tail meanwhile. */
  private @Nullable Slab readTail() {
    Slab slab = dnode.allocate(Math.max(512, dnode.blockBytes()));
    boolean done = false;
    Dnode tails = dnode.objectSet().tailsOf(dnode.type());
    try (Dbuf block = tails.load(0, dnode.number() / TailRecord.SLOTS)) {
      tails.lock.lock();
      try {
        if (!dnode.inTail) {
          return null;
        }
        int slot = (int) (dnode.number() % TailRecord.SLOTS);
        MemorySegment content = TailRecord.content(block.segment(), slot);
        int length = TailRecord.lengthBytes(block.segment(), slot);
        if (length != dnode.tailBytes || length > slab.bytes()) {
          throw PoolException.corrupt("tail.length of object " + dnode.number(), length);
        }
        MemorySegment.copy(content, 0, slab.segment(), 0, length);
        slab.segment().asSlice(length).fill((byte) 0);
        done = true;
        return slab;
      } finally {
        tails.lock.unlock();
      }
    } finally {
      if (!done) {
        context().slabs().free(slab);
      }
    }
  }

  /** The pointer to a block as of the last sync; a hole when its range was freed since. */
  BlockPointer pointerTo(int level, long blockId, boolean forSync) {
    dnode.lock.lock();
    try {
      BlockPointer pending = level == 0 ? PendingFrees.pointer(dnode, blockId) : null;
      if (pending != null) {
        return pending;
      }
      if (level >= dnode.levels
          || blockId >= DnodeRecord.maxBlocks(dnode.levels - level, dnode.indirectShift())) {
        return BlockPointer.HOLE;
      }
      if (level == dnode.levels - 1) {
        return dnode.root;
      }
    } finally {
      dnode.lock.unlock();
    }
    long parentId = blockId >>> dnode.fanoutShift();
    if (dnode.blocks.find(BlockTable.key(level + 1, parentId)) == null
        && pointerTo(level + 1, parentId, forSync).isHole()
        && dnode.blocks.find(BlockTable.key(level + 1, parentId)) == null) {
      return BlockPointer.HOLE;
    }
    try (Dbuf parent = dnode.load(level + 1, parentId, forSync)) {
      dnode.lock.lock();
      try {
        BlockPointer pending = level == 0 ? PendingFrees.pointer(dnode, blockId) : null;
        if (pending != null) {
          return pending;
        }
        long index = blockId & ((1L << dnode.fanoutShift()) - 1);
        return BlockPointer.decode(parent.segment(), index * BlockPointer.BYTES);
      } finally {
        dnode.lock.unlock();
      }
    }
  }
}
