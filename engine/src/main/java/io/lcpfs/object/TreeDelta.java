package io.lcpfs.object;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds where two trees of blocks differ, past the cache: equal pointers lead to the same, so only
 * what was written since they parted is read, and what the trees share costs nothing. Blocks of
 * neither may be freed meanwhile. Memory: a block a level of each tree.
 */
public final class TreeDelta {

  /** Told of objects whose dnodes differ, by number. */
  @FunctionalInterface
  public interface Visitor {
    /** One of the two is there at least. */
    void object(long number, @Nullable DnodeRecord before, @Nullable DnodeRecord after);
  }

  /** Takes a data block of which the trees have different versions. */
  private interface BlockVisitor {
    void block(long id, BlockPointer before, BlockPointer after);
  }

  private static final int POINTER_SHIFT = 7;

  private final ObjectContext context;
  private final DnodeRecord before;
  private final DnodeRecord after;
  private final int shift;
  private final BlockVisitor visitor;

  /** No sound tree has more blocks; without this a crafted one could be walked for ever. */
  private long readsLeft;

  private TreeDelta(
      ObjectContext context, DnodeRecord before, DnodeRecord after, BlockVisitor visitor) {
    this.context = context;
    this.before = before;
    this.after = after;
    this.visitor = visitor;
    this.shift = before.indirectShift() - POINTER_SHIFT;
    this.readsLeft = 2 * context.io().capacitySectors();
  }

  /**
   * Visits the objects that differ between two object sets as they are on disk.
   *
   * @throws io.lcpfs.error.PoolException EIO when a block is lost or not what it should be; ENOMEM
   */
  public static void objects(ObjectSet before, ObjectSet after, Visitor visitor) {
    ObjectContext context = after.context();
    if (before.root().equals(after.root())) {
      return;
    }
    DnodeRecord old = dnodes(context, before);
    DnodeRecord now = dnodes(context, after);
    if (old.indirectShift() != now.indirectShift()) {
      throw corrupt("dnode.indirect_shift", now.indirectShift());
    }
    new TreeDelta(context, old, now, (id, a, b) -> dnodes(context, id, a, b, visitor)).run();
  }

  private static DnodeRecord dnodes(ObjectContext context, ObjectSet objects) {
    BlockPointer root = objects.root();
    if (root.isHole()) {
      return objects.dnodes().recordAsSynced();
    }
    Slab slab = ReadWindow.read(context, root);
    try {
      return ObjectSetRecord.decode(slab.segment()).dnodes();
    } finally {
      context.slabs().free(slab);
    }
  }

  /** Compares two blocks of dnodes. */
  private static void dnodes(
      ObjectContext context, long id, BlockPointer a, BlockPointer b, Visitor visitor) {
    Slab old = read(context, a);
    try {
      Slab now = read(context, b);
      try {
        for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
          long at = (long) slot * DnodeRecord.BYTES;
          DnodeRecord first = dnode(old, at);
          DnodeRecord second = dnode(now, at);
          if ((first != null || second != null) && !same(old, now, at)) {
            visitor.object(id * TailRecord.SLOTS + slot, first, second);
          }
        }
      } finally {
        free(context, now);
      }
    } finally {
      free(context, old);
    }
  }

  private static @Nullable DnodeRecord dnode(@Nullable Slab block, long at) {
    return block == null || !DnodeRecord.isAllocated(block.segment(), at)
        ? null
        : DnodeRecord.decode(block.segment(), at);
  }

  private static boolean same(@Nullable Slab a, @Nullable Slab b, long at) {
    return a != null
        && b != null
        && MemorySegment.mismatch(
                a.segment(), at, at + DnodeRecord.BYTES, b.segment(), at, at + DnodeRecord.BYTES)
            < 0;
  }

  private static @Nullable Slab read(ObjectContext context, BlockPointer pointer) {
    return pointer.isHole() ? null : ReadWindow.read(context, pointer);
  }

  private static void free(ObjectContext context, @Nullable Slab slab) {
    if (slab != null) {
      context.slabs().free(slab);
    }
  }

  /**
   * The data blocks that differ between two versions of one object.
   *
   * @param of says where both are
   * @return their numbers; null when the versions cannot be compared block by block
   * @throws io.lcpfs.error.PoolException EIO, ENOMEM
   */
  public static @Nullable TreeSet<Long> blocks(
      ObjectSet of, DnodeRecord before, DnodeRecord after) {
    if (before.inTail()
        || after.inTail()
        || before.blockBytes() != after.blockBytes()
        || before.indirectShift() != after.indirectShift()) {
      return null;
    }
    TreeSet<Long> found = new TreeSet<>();
    new TreeDelta(of.context(), before, after, (id, a, b) -> found.add(id)).run();
    return found;
  }

  private void run() {
    int top = Math.max(before.levels(), after.levels()) - 1;
    pair(top, 0, at(before, top), at(after, top));
  }

  /** The root of a tree, or null where a higher tree has a block above that. */
  private static @Nullable BlockPointer at(DnodeRecord dnode, int level) {
    return level == dnode.levels() - 1 ? dnode.root() : null;
  }

  private void pair(int level, long id, @Nullable BlockPointer a, @Nullable BlockPointer b) {
    if (a != null && b != null && a.equals(b)) {
      return;
    }
    if (level == 0) {
      visitor.block(id, checked(before, a, 0), checked(after, b, 0));
      return;
    }
    @Nullable BlockPointer[] old = children(before, a, level);
    @Nullable BlockPointer[] now = children(after, b, level);
    for (int i = 0; i < old.length; i++) {
      pair(level - 1, (id << shift) + i, old[i], now[i]);
    }
  }

  private BlockPointer checked(DnodeRecord dnode, @Nullable BlockPointer pointer, int level) {
    if (pointer == null) {
      throw new AssertionError("no pointer in a tree");
    }
    if (!pointer.isHole() && !PathReader.fits(dnode, pointer, level)) {
      throw corrupt("block_pointer of level " + level, pointer.toString());
    }
    return pointer;
  }

  /** The pointers in a block of {@code level}; null is the one above a lower tree's root. */
  private @Nullable BlockPointer[] children(
      DnodeRecord dnode, @Nullable BlockPointer pointer, int level) {
    @Nullable BlockPointer[] children = new BlockPointer[1 << shift];
    Arrays.fill(children, BlockPointer.HOLE);
    if (pointer == null) {
      children[0] = at(dnode, level - 1);
      return children;
    }
    if (checked(dnode, pointer, level).isHole()) {
      return children;
    }
    if (--readsLeft < 0) {
      throw corrupt("block_pointer", "a tree with more blocks than the pool");
    }
    Slab slab = ReadWindow.read(context, pointer);
    try {
      for (int i = 0; i < children.length; i++) {
        children[i] = BlockPointer.decode(slab.segment(), (long) i * BlockPointer.BYTES);
      }
      return children;
    } finally {
      context.slabs().free(slab);
    }
  }
}
