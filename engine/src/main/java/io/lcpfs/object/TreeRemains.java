package io.lcpfs.object;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord.Remains;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Meets the blocks of an object set that nobody uses any more, each after all that hang below it,
 * so that it can be freed some at a time: from where it left off, only what is not yet freed is
 * read. Of a clone, what the origin has is passed over. The root block is not met.
 */
public final class TreeRemains {
  /** Everything but the root block is freed. */
  public static final Remains NOTHING = new Remains(Long.MAX_VALUE, 0);

  private static final long TAILS = Long.MAX_VALUE - 2;
  private static final long META_TAILS = Long.MAX_VALUE - 1;

  /** Told of the blocks. */
  public interface Visitor {
    /**
     * A stored block.
     *
     * @param object whose it is; 0 for blocks of dnodes and tails
     */
    void block(long object, BlockPointer pointer);
  }

  private final ObjectContext context;
  private final BlockPointer root;
  private final long afterTxg;
  private final Visitor visitor;

  /** Where to begin, and then where to go on. */
  private Remains position = Remains.ALL;

  private long left;

  /**
   * One tree.
   *
   * @param number of the object; 0 for dnodes and tails
   * @param position what stands for the tree in a position; -1 for dnodes
   * @param fromBlock blocks before it are freed
   */
  private record Tree(DnodeRecord dnode, long number, long position, long fromBlock) {
    boolean isDnodes() {
      return position < 0;
    }

    int shift() {
      return dnode.indirectShift() - 7;
    }
  }

  /**
   * @param afterTxg blocks born up to it, with all below them, belong to others
   */
  public TreeRemains(ObjectContext context, BlockPointer root, long afterTxg, Visitor visitor) {
    this.context = context;
    this.root = root;
    this.afterTxg = afterTxg;
    this.visitor = visitor;
  }

  /**
   * Meets about {@code most} blocks.
   *
   * @return where to go on; {@link #NOTHING} at the end
   * @throws PoolException EIO when something cannot be read or is not as it should be; ENOMEM
   */
  public Remains walk(Remains from, long most) {
    if (from.object() < 0 || from.block() < 0) {
      throw PoolException.corrupt("dataset.freed_object", from.object());
    }
    if (root.isHole() || root.logicalBirth() <= afterTxg || from.equals(NOTHING)) {
      return NOTHING;
    }
    position = from;
    left = most;
    ObjectSetRecord record = record();
    if (from.object() < TAILS) {
      Tree dnodes = new Tree(record.dnodes(), 0, -1, from.object() / TailRecord.SLOTS);
      if (!tree(dnodes)) {
        return position;
      }
      position = new Remains(TAILS, 0);
    }
    if (position.object() == TAILS) {
      if (!tree(new Tree(record.tails(), 0, TAILS, position.block()))) {
        return position;
      }
      position = new Remains(META_TAILS, 0);
    }
    return tree(new Tree(record.metaTails(), 0, META_TAILS, position.block())) ? NOTHING : position;
  }

  private ObjectSetRecord record() {
    Slab slab = ReadWindow.read(context, root);
    try {
      return ObjectSetRecord.decode(slab.segment());
    } finally {
      context.slabs().free(slab);
    }
  }

  /** Walks a tree; false when it was left, at {@link #position}. */
  private boolean tree(Tree tree) {
    ObjectSet.honest(context, tree.dnode);
    return children(tree, new BlockPointer[] {tree.dnode.root()}, tree.dnode.levels() - 1, 0);
  }

  private boolean children(Tree tree, BlockPointer[] pointers, int level, long firstId) {
    List<BlockPointer> blocks = new ArrayList<>();
    List<Long> ids = new ArrayList<>();
    for (int i = 0; i < pointers.length; i++) {
      BlockPointer pointer = pointers[i];
      long id = firstId + i;
      if (pointer.isHole()
          || pointer.logicalBirth() <= afterTxg
          || (id + 1) << (tree.shift() * level) <= tree.fromBlock) {
        continue;
      }
      if (!PathReader.fits(tree.dnode, pointer, level)) {
        throw PoolException.corrupt(
            "block_pointer of level " + level + " block " + id, pointer.toString());
      }
      blocks.add(pointer);
      ids.add(id);
    }
    if (level == 0 && !tree.isDnodes()) {
      for (int i = 0; i < blocks.size(); i++) {
        if (leave(tree, ids.get(i))) {
          return false;
        }
        meet(tree, blocks.get(i));
      }
      return true;
    }
    try (ReadWindow window = new ReadWindow(context, blocks.toArray(BlockPointer[]::new))) {
      for (int i = 0; i < blocks.size(); i++) {
        if (level == 0 && leave(tree, ids.get(i))) {
          return false;
        }
        Slab slab = window.next();
        try {
          if (!below(tree, blocks.get(i), slab.segment(), level, ids.get(i))) {
            return false;
          }
        } finally {
          context.slabs().free(slab);
        }
        meet(tree, blocks.get(i));
      }
    }
    return true;
  }

  private boolean below(Tree tree, BlockPointer pointer, MemorySegment block, int level, long id) {
    if (level == 0) {
      return objects(block, id);
    }
    BlockPointer[] pointers = new BlockPointer[1 << tree.shift()];
    long fill = 0;
    for (int i = 0; i < pointers.length; i++) {
      pointers[i] = BlockPointer.decode(block, (long) i * BlockPointer.BYTES);
      fill += pointers[i].isHole() ? 0 : pointers[i].fill();
    }
    // Each block stands for what it says, or a crafted tree could be walked for ever.
    if (fill != pointer.fill() || fill <= 0) {
      throw PoolException.corrupt("block_pointer.fill", pointer.fill());
    }
    return children(tree, pointers, level - 1, id << tree.shift());
  }

  /** Walks the objects of a block of dnodes. */
  private boolean objects(MemorySegment block, long blockId) {
    Remains from = position;
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      long number = blockId * TailRecord.SLOTS + slot;
      long at = (long) slot * DnodeRecord.BYTES;
      if (number < from.object() || !DnodeRecord.isAllocated(block, at)) {
        continue;
      }
      DnodeRecord dnode = DnodeRecord.decode(block, at);
      long fromBlock = number == from.object() ? from.block() : 0;
      if (!tree(new Tree(dnode, number, number, fromBlock))) {
        return false;
      }
    }
    return true;
  }

  /** Whether to leave the walk before a block; it goes on there. */
  private boolean leave(Tree tree, long blockId) {
    if (left > 0) {
      return false;
    }
    position =
        tree.isDnodes()
            ? new Remains(blockId * TailRecord.SLOTS, 0)
            : new Remains(tree.position, blockId);
    return true;
  }

  private void meet(Tree tree, BlockPointer pointer) {
    left--;
    if (!pointer.isEmbedded()) {
      visitor.block(tree.number, pointer);
    }
  }
}
