package io.lcpfs.object;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Walks everything that an object set has on disk, past the cache, as of one root pointer. Nothing
 * may be written meanwhile. Damage is told to the visitor, and what hangs below it is left out.
 * Memory does not depend on how large the object set is: a few blocks a level.
 */
public final class TreeWalk {

  /** Told what the walk meets, in order of objects and blocks. */
  public interface Visitor {
    /**
     * A block that exists: {@code object} is 0 for the root, dnode and tail blocks; {@code blockId}
     * counts within the level that the pointer names.
     *
     * @return whether to look at what is below; false for one that was met before, without which a
     *     crafted tree could be walked for ever
     */
    boolean block(long object, long blockId, BlockPointer pointer);

    /** An object; its blocks follow. */
    void object(long number, DnodeRecord dnode);

    /** Something that cannot be read or is not as it should be. */
    void damaged(String where, String what);

    /** Whether the blocks of this object, which was just told, are walked. */
    default boolean into(long number) {
      return true;
    }

    /**
     * A hole: nothing is below it. {@code object} and {@code blockId} are as in {@link #block}.
     *
     * @param type of the tree
     */
    default void hole(long object, ObjectType type, int level, long blockId) {}
  }

  private final ObjectContext context;
  private final Visitor visitor;
  private boolean intoObjects = true;

  /** Blocks born up to this are passed over, with all below them. */
  private final long afterTxg;

  /** Sums of one object's walk. */
  private static final class Totals {
    long stored;
    long lastBlock = -1;
    long count;
    boolean partial;
  }

  /** One tree on its way. */
  private record Tree(
      String name, DnodeRecord dnode, long object, Totals totals, @Nullable DataBlock data) {

    String place(int level, long id) {
      return name + " level " + level + " block " + id;
    }
  }

  private interface DataBlock {
    /**
     * @return how many dnodes are in it; 0 for any other block
     */
    long at(long blockId, BlockPointer pointer, MemorySegment block);
  }

  public TreeWalk(ObjectContext context, Visitor visitor) {
    this(context, visitor, 0);
  }

  /**
   * @param afterTxg only what was born after it is visited: what an older snapshot has is passed
   *     over
   */
  public TreeWalk(ObjectContext context, Visitor visitor, long afterTxg) {
    this.context = context;
    this.visitor = visitor;
    this.afterTxg = afterTxg;
  }

  /** Walks the object set under {@code root}. */
  public void objectSet(BlockPointer root) {
    ObjectSetRecord record = root(root);
    if (record == null) {
      return;
    }
    try (PathReader dnodes = new PathReader(context, record.dnodes())) {
      tails(record.tails(), "tails", false, dnodes);
      tails(record.metaTails(), "meta tails", true, dnodes);
    }
    try (PathReader tails = new PathReader(context, record.tails());
        PathReader metaTails = new PathReader(context, record.metaTails())) {
      Totals totals =
          walk(
              "dnodes",
              record.dnodes(),
              0,
              (blockId, pointer, block) -> dnodes(blockId, pointer, block, tails, metaTails));
      if (totals.count != record.objectCount()) {
        visitor.damaged(
            "object set", "object_count is " + record.objectCount() + ", found " + totals.count);
      }
    }
  }

  /** Walks the root, the dnodes and the blocks of all objects, without tails and sums. */
  void contents(BlockPointer root) {
    ObjectSetRecord record = root(root);
    if (record != null) {
      walk(
          "dnodes",
          record.dnodes(),
          0,
          (blockId, pointer, block) -> dnodes(blockId, pointer, block, null, null));
    }
  }

  /** Walks only the root and the dnodes, without their blocks and without tails. */
  public void dnodesOnly(BlockPointer root) {
    ObjectSetRecord record = root(root);
    if (record != null) {
      intoObjects = false;
      walk(
          "dnodes",
          record.dnodes(),
          0,
          (blockId, pointer, block) -> dnodes(blockId, pointer, block, null, null));
    }
  }

  /** Walks the blocks of one object. */
  public void object(long number, DnodeRecord dnode) {
    walk("object " + number, dnode, number, null);
  }

  private @Nullable ObjectSetRecord root(BlockPointer root) {
    if (root.isHole() || root.logicalBirth() <= afterTxg || !visitor.block(0, 0, root)) {
      return null;
    }
    Slab slab;
    try {
      slab = ReadWindow.read(context, root);
    } catch (PoolException e) {
      damaged("object set", e);
      return null;
    }
    try {
      return ObjectSetRecord.decode(slab.segment());
    } catch (PoolException e) {
      damaged("object set", e);
      return null;
    } finally {
      context.slabs().free(slab);
    }
  }

  /** Lack of memory is no damage. */
  private void damaged(String where, PoolException e) {
    if (e.errno() == Errno.ENOMEM) {
      throw e;
    }
    visitor.damaged(where, e.error().message());
  }

  private void tails(DnodeRecord dnode, String name, boolean metadata, PathReader dnodes) {
    walk(
        name,
        dnode,
        0,
        (blockId, pointer, block) -> {
          String where = name + " block " + blockId;
          try {
            Slab owners = dnodes.block(0, blockId);
            long at = TailRecord.DIRECTORY_BYTES;
            for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
              int length = TailRecord.lengthBytes(block, slot);
              if (length > 0 && TailRecord.offsetBytes(block, slot) != at) {
                visitor.damaged(
                    where,
                    "the content of slot "
                        + slot
                        + " begins at "
                        + TailRecord.offsetBytes(block, slot)
                        + ", not at "
                        + at);
              }
              at += length;
              long birth = TailRecord.birth(block, slot);
              if (length > 0 && (birth <= 0 || birth > pointer.logicalBirth())) {
                visitor.damaged(where, "the content of slot " + slot + " is of txg " + birth);
              }
              int expected = owners == null ? 0 : tailBytes(owners, slot, metadata);
              if (expected >= 0 && expected != length) {
                visitor.damaged(
                    where,
                    "slot "
                        + slot
                        + " has "
                        + length
                        + " bytes, object "
                        + (blockId * TailRecord.SLOTS + slot)
                        + " has "
                        + expected
                        + " in it");
              }
            }
          } catch (PoolException e) {
            damaged(where, e);
          }
          return 0;
        });
  }

  /** What the dnode of a slot has in this kind of tail, or -1 when it cannot be told. */
  private static int tailBytes(Slab dnodes, int slot, boolean metadata) {
    long at = (long) slot * DnodeRecord.BYTES;
    if (!DnodeRecord.isAllocated(dnodes.segment(), at)) {
      return 0;
    }
    try {
      DnodeRecord dnode = DnodeRecord.decode(dnodes.segment(), at);
      return dnode.inTail() && dnode.type().isMetadata() == metadata ? dnode.tailBytes() : 0;
    } catch (PoolException told) {
      return -1; // the walk of the dnodes tells of it
    }
  }

  private long dnodes(
      long blockId,
      BlockPointer pointer,
      MemorySegment block,
      @Nullable PathReader tails,
      @Nullable PathReader metaTails) {
    long found = 0;
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      long at = (long) slot * DnodeRecord.BYTES;
      if (!DnodeRecord.isAllocated(block, at)) {
        continue;
      }
      found++;
      long number = blockId * TailRecord.SLOTS + slot;
      String where = "object " + number;
      if (number == 0) {
        visitor.damaged(where, "the number 0 is no object's");
      }
      try {
        DnodeRecord dnode = DnodeRecord.decode(block, at);
        visitor.object(number, dnode);
        PathReader own = dnode.type().isMetadata() ? metaTails : tails;
        if (dnode.inTail() && own != null) {
          checkInTail(where, dnode, own.pointer(0, blockId));
        }
        if (intoObjects && visitor.into(number)) {
          object(number, dnode);
        }
      } catch (PoolException e) {
        damaged(where, e);
      }
    }
    if (found != pointer.fill()) {
      visitor.damaged("dnodes block " + blockId, "fill is " + pointer.fill() + ", found " + found);
    }
    return found;
  }

  private void checkInTail(String where, DnodeRecord dnode, BlockPointer tail) {
    if (dnode.tailBytes() == 0) {
      visitor.damaged(where, "is in a tail with no bytes");
    }
    if (tail.isHole()) {
      visitor.damaged(where, dnode.tailBytes() + " bytes should be in a tail that is not there");
    }
  }

  private Totals walk(String name, DnodeRecord dnode, long object, @Nullable DataBlock data) {
    Tree tree = new Tree(name, dnode, object, new Totals(), data);
    children(tree, new BlockPointer[] {dnode.root()}, dnode.levels() - 1, 0);
    if (!tree.totals.partial && tree.totals.stored != dnode.storedBytes()) {
      visitor.damaged(
          name, "stored_bytes is " + dnode.storedBytes() + ", found " + tree.totals.stored);
    }
    if (tree.totals.lastBlock >= dnode.blockCount()) {
      visitor.damaged(
          name, "block " + tree.totals.lastBlock + " beyond block_count " + dnode.blockCount());
    }
    return tree.totals;
  }

  /**
   * Walks blocks of one level and what is below them.
   *
   * @param pointers to the blocks from {@code firstId} on
   * @return their fill
   */
  private long children(Tree tree, BlockPointer[] pointers, int level, long firstId) {
    long fill = 0;
    List<BlockPointer> blocks = new ArrayList<>();
    List<Long> ids = new ArrayList<>();
    for (int i = 0; i < pointers.length; i++) {
      BlockPointer pointer = pointers[i];
      if (pointer.isHole()) {
        visitor.hole(tree.object, tree.dnode.type(), level, firstId + i);
        continue;
      }
      if (pointer.logicalBirth() <= afterTxg) {
        tree.totals.partial = true;
        tree.totals.count += pointer.fill(); // of the dnodes; nobody asks for that of others
        fill += pointer.fill();
        continue;
      }
      if (!PathReader.fits(tree.dnode, pointer, level)) {
        visitor.damaged(tree.place(level, firstId + i), "the pointer says " + pointer);
        fill += pointer.fill();
        continue;
      }
      blocks.add(pointer);
      ids.add(firstId + i);
    }
    try (ReadWindow window = new ReadWindow(context, blocks.toArray(BlockPointer[]::new))) {
      for (int i = 0; i < blocks.size(); i++) {
        fill += block(tree, blocks.get(i), level, ids.get(i), window);
      }
    }
    return fill;
  }

  /** Walks a block and what is below it; answers its fill. */
  private long block(Tree tree, BlockPointer pointer, int level, long id, ReadWindow window) {
    boolean below = visitor.block(tree.object, id, pointer);
    tree.totals.stored += context.io().allocatedBytes(pointer);
    if (level == 0) {
      tree.totals.lastBlock = Math.max(tree.totals.lastBlock, id);
    }
    DataBlock data = tree.data;
    if (level == 0 && data == null) {
      return pointer.fill();
    }
    if (!below) {
      window.skip();
      return pointer.fill();
    }
    Slab slab;
    try {
      slab = window.next();
    } catch (PoolException e) {
      damaged(tree.place(level, id), e);
      return pointer.fill();
    }
    try {
      if (level == 0) {
        tree.totals.count += data == null ? 0 : data.at(id, pointer, slab.segment());
        return pointer.fill();
      }
      return indirect(tree, pointer, slab.segment(), level, id);
    } finally {
      context.slabs().free(slab);
    }
  }

  private long indirect(Tree tree, BlockPointer pointer, MemorySegment block, int level, long id) {
    int shift = tree.dnode.indirectShift() - 7;
    BlockPointer[] pointers = new BlockPointer[1 << shift];
    for (int i = 0; i < pointers.length; i++) {
      pointers[i] = BlockPointer.HOLE;
      try {
        pointers[i] = BlockPointer.decode(block, (long) i * BlockPointer.BYTES);
      } catch (PoolException e) {
        visitor.damaged(tree.place(level - 1, (id << shift) + i), e.error().message());
      }
      if (pointers[i].logicalBirth() > pointer.logicalBirth()) {
        visitor.damaged(
            tree.place(level - 1, (id << shift) + i),
            "is of txg "
                + pointers[i].logicalBirth()
                + ", what points at it of "
                + pointer.logicalBirth());
      }
    }
    long fill = children(tree, pointers, level - 1, id << shift);
    if (fill != pointer.fill()) {
      visitor.damaged(tree.place(level, id), "fill is " + pointer.fill() + ", found " + fill);
    }
    return fill;
  }
}
