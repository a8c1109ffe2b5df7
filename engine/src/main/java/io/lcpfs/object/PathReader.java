package io.lcpfs.object;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.memory.Slab;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds blocks of one tree on disk, past the cache, as its dnode says. Keeps the blocks of the last
 * path, so that neighbours cost no reading. Nothing may be written meanwhile; used by one thread;
 * close it.
 */
public final class PathReader implements AutoCloseable {
  private final ObjectContext context;
  private final DnodeRecord dnode;
  private final List<Step> path = new ArrayList<>();

  /** A block in memory. */
  private static final class Step {
    BlockPointer pointer = BlockPointer.HOLE;
    @Nullable Slab slab;
  }

  public PathReader(ObjectContext context, DnodeRecord dnode) {
    this.context = context;
    this.dnode = dnode;
    for (int level = 0; level < dnode.levels(); level++) {
      path.add(new Step());
    }
  }

  /**
   * The pointer to a block; a hole where the tree has none.
   *
   * @throws PoolException EIO when a block above it is lost or is not what it should be
   */
  public BlockPointer pointer(int level, long blockId) {
    int above = dnode.levels() - 1 - level;
    if (above < 0
        || blockId < 0
        || blockId >= DnodeRecord.maxBlocks(above + 1, dnode.indirectShift())) {
      return BlockPointer.HOLE;
    }
    if (above == 0) {
      return checked(dnode.root(), level, blockId);
    }
    int shift = dnode.indirectShift() - 7;
    Slab parent = block(level + 1, blockId >>> shift);
    if (parent == null) {
      return BlockPointer.HOLE;
    }
    long index = blockId & ((1L << shift) - 1);
    return checked(
        BlockPointer.decode(parent.segment(), index * BlockPointer.BYTES), level, blockId);
  }

  private BlockPointer checked(BlockPointer pointer, int level, long blockId) {
    if (!pointer.isHole() && !fits(dnode, pointer, level)) {
      throw PoolException.corrupt(
          "block_pointer of level " + level + " block " + blockId, pointer.toString());
    }
    return pointer;
  }

  /** Whether a pointer may stand at {@code level} of the tree of {@code dnode}. */
  static boolean fits(DnodeRecord dnode, BlockPointer pointer, int level) {
    if (pointer.level() != level || pointer.type() != dnode.type()) {
      return false;
    }
    if (level > 0) {
      return pointer.lsizeBytes() == 1 << dnode.indirectShift();
    }
    boolean ofTails = dnode.type() == ObjectType.TAILS || dnode.type() == ObjectType.META_TAILS;
    return pointer.lsizeBytes() == dnode.blockBytes()
        || (ofTails && pointer.lsizeBytes() < dnode.blockBytes());
  }

  /**
   * The decoded block, which stays valid until the next call; null where there is none.
   *
   * @throws PoolException EIO when it or one above it is lost; ENOMEM
   */
  public @Nullable Slab block(int level, long blockId) {
    BlockPointer pointer = pointer(level, blockId);
    if (pointer.isHole()) {
      return null;
    }
    Step step = path.get(level);
    Slab known = step.slab;
    if (known != null && step.pointer.equals(pointer)) {
      return known;
    }
    drop(step);
    Slab slab = ReadWindow.read(context, pointer);
    step.pointer = pointer;
    step.slab = slab;
    return slab;
  }

  private void drop(Step step) {
    Slab slab = step.slab;
    if (slab != null) {
      step.slab = null;
      context.slabs().free(slab);
    }
  }

  /** Gives the memory back. */
  @Override
  public void close() {
    path.forEach(this::drop);
  }
}
