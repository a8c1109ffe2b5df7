package io.lcpfs.object;

import io.lcpfs.codec.CompressionType;
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
 * Walks what an object set at rest has beyond an older state of it: everything born after a txg,
 * and what is free or a hole next to that, since nothing says when it became so. Costs what the
 * change is large. Past the cache, a few blocks in memory; used by one thread.
 */
public final class ChangeWalk {
  /** No object has this number or a higher one. */
  public static final long END_OF_OBJECTS = (1L << 40) + 1;

  /** Data blocks that are read as one series. */
  private static final int MOST_AT_ONCE = 32;

  private static final long MOST_BYTES_AT_ONCE = 4 << 20;

  /** Told what there is, by object and then by place. */
  public interface Visitor {
    /** There are no objects of these numbers. */
    void free(long first, long count);

    /**
     * An object.
     *
     * @param isNew whether none of the older state has anything to do with it
     */
    void object(long number, DnodeRecord dnode, boolean isNew);

    /** Whether a block of the object that was told last is to be read. */
    default boolean wants(long number, long blockId) {
      return true;
    }

    /**
     * A block of the object that was told last.
     *
     * @param logicalBytes what it holds; zeros follow up to the size of the object's blocks
     * @param storedBytes what it is long as {@code compression} says
     * @param content that, valid until this returns; null on a walk without contents
     */
    void block(
        long number,
        long blockId,
        int logicalBytes,
        CompressionType compression,
        int storedBytes,
        @Nullable MemorySegment content);

    /** Blocks of the object that was told last that are not there. */
    void hole(long number, long firstBlock, long blocks);
  }

  private final ObjectContext context;

  private final BlockPointer root;
  private final long afterTxg;
  private final boolean asStored;
  private final boolean withContent;
  private int dnodesShift;

  /**
   * @param afterTxg the older state's; 0 for all there is
   * @param asStored whether blocks are told compressed as they are stored
   * @param withContent whether blocks are read; their lengths are known without
   */
  public ChangeWalk(
      ObjectContext context,
      BlockPointer root,
      long afterTxg,
      boolean asStored,
      boolean withContent) {
    this.context = context;
    this.root = root;
    this.afterTxg = afterTxg;
    this.asStored = asStored;
    this.withContent = withContent;
  }

  /** How many objects there are. */
  public long objectCount() {
    return record().objectCount();
  }

  private ObjectSetRecord record() {
    Slab slab = ReadWindow.read(context, root);
    try {
      return ObjectSetRecord.decode(slab.segment());
    } finally {
      context.slabs().free(slab);
    }
  }

  /**
   * Walks.
   *
   * @param fromObject nothing is told of objects before it
   * @throws PoolException EIO where something is lost or is not as it should be; ENOMEM
   */
  public void run(long fromObject, Visitor visitor) {
    ObjectSetRecord record = record();
    try (PathReader tails = new PathReader(context, record.tails());
        PathReader metaTails = new PathReader(context, record.metaTails())) {
      Walk walk = new Walk(visitor, fromObject, tails, metaTails);
      dnodesShift = record.dnodes().indirectShift();
      new TreeWalk(context, walk, afterTxg).contents(root);
      walk.finish(record.dnodes().blockCount());
    }
  }

  private final class Walk implements TreeWalk.Visitor {
    private final Visitor visitor;
    private final long fromObject;
    private final PathReader tails;
    private final PathReader metaTails;
    private final List<BlockPointer> pointers = new ArrayList<>();
    private final List<Long> ids = new ArrayList<>();
    private long bytes;
    private long holeFrom;
    private long holeBlocks;

    /** In the block of dnodes under way, objects from here on are free; -1 for no block. */
    private long free = -1;

    private long endOfDnodes;

    /** Free objects that are not told yet. */
    private long freeFrom;

    private long freeTo;
    private long current;
    private @Nullable DnodeRecord dnode;

    Walk(Visitor visitor, long fromObject, PathReader tails, PathReader metaTails) {
      this.visitor = visitor;
      this.fromObject = Math.max(1, fromObject);
      this.tails = tails;
      this.metaTails = metaTails;
    }

    @Override
    public boolean block(long object, long blockId, BlockPointer pointer) {
      if (object == 0) {
        return pointer.type() != ObjectType.DNODE || dnodes(blockId, pointer.level());
      }
      if (pointer.level() == 0 && visitor.wants(object, blockId)) {
        pointers.add(pointer);
        ids.add(blockId);
        bytes += pointer.lsizeBytes();
        if (pointers.size() == MOST_AT_ONCE || bytes >= MOST_BYTES_AT_ONCE) {
          readBlocks();
        }
      }
      return true;
    }

    /** A block of the tree of dnodes; false when it is before what is wanted. */
    private boolean dnodes(long blockId, int level) {
      if (level > 0) {
        return true;
      }
      long end = (blockId + 1) * TailRecord.SLOTS;
      if (end <= fromObject) {
        return false;
      }
      endDnodes();
      free = Math.max(blockId * TailRecord.SLOTS, fromObject);
      endOfDnodes = end;
      return true;
    }

    private void endDnodes() {
      endObject();
      if (free >= 0) {
        addFree(free, endOfDnodes);
        free = -1;
      }
    }

    @Override
    public boolean into(long number) {
      DnodeRecord known = dnode;
      return number >= fromObject && known != null && !known.inTail();
    }

    @Override
    public void object(long number, DnodeRecord record) {
      endObject();
      if (number < fromObject) {
        return;
      }
      addFree(free, number);
      free = number + 1;
      tellFree();
      current = number;
      dnode = record;
      visitor.object(number, record, afterTxg == 0 || record.generation() > afterTxg);
      if (record.inTail() && visitor.wants(number, 0)) {
        tail(number, record);
      }
    }

    private void tail(long number, DnodeRecord record) {
      PathReader reader = record.type().isMetadata() ? metaTails : tails;
      int slot = (int) (number % TailRecord.SLOTS);
      Slab block = reader.block(0, number / TailRecord.SLOTS);
      if (block == null || TailRecord.lengthBytes(block.segment(), slot) != record.tailBytes()) {
        throw PoolException.corrupt("object " + number, "its tail is not there");
      }
      if (TailRecord.birth(block.segment(), slot) > afterTxg) {
        MemorySegment content = TailRecord.content(block.segment(), slot);
        int length = (int) content.byteSize();
        visitor.block(number, 0, length, CompressionType.OFF, length, content);
      }
    }

    @Override
    public void hole(long object, ObjectType type, int level, long blockId) {
      if (afterTxg == 0) {
        return;
      }
      DnodeRecord record = dnode;
      if (object == 0) {
        if (type == ObjectType.DNODE) {
          int shift = (dnodesShift - 7) * level;
          endDnodes();
          addFree(
              Math.max(fromObject, shifted(blockId, shift) * TailRecord.SLOTS),
              shifted(blockId + 1, shift) * TailRecord.SLOTS);
        }
      } else if (record != null && object == current) {
        int shift = (record.indirectShift() - 7) * level;
        long first = shifted(blockId, shift);
        long end = Math.min(shifted(blockId + 1, shift), record.blockCount());
        if (first < end) {
          if (holeBlocks > 0 && holeFrom + holeBlocks != first) {
            endHole();
          }
          holeFrom = holeBlocks == 0 ? first : holeFrom;
          holeBlocks = end - holeFrom;
        }
      }
    }

    /** The first number below a block of a level; bounded, so that it can be counted with. */
    private static long shifted(long value, int shift) {
      return Long.numberOfLeadingZeros(value) <= shift + 6 ? Long.MAX_VALUE >>> 6 : value << shift;
    }

    private void endHole() {
      if (holeBlocks > 0) {
        long blocks = holeBlocks;
        holeBlocks = 0;
        visitor.hole(current, holeFrom, blocks);
      }
    }

    private void endObject() {
      if (dnode != null) {
        endHole();
        readBlocks();
        dnode = null;
      }
    }

    private void addFree(long first, long end) {
      if (afterTxg == 0 || first < 0 || first >= Math.min(end, END_OF_OBJECTS)) {
        return;
      }
      if (freeTo != first) {
        tellFree();
        freeFrom = first;
      }
      freeTo = Math.min(end, END_OF_OBJECTS);
    }

    private void tellFree() {
      if (freeTo > freeFrom) {
        visitor.free(freeFrom, freeTo - freeFrom);
      }
      freeFrom = 0;
      freeTo = 0;
    }

    /** Tells what is left; {@code blockCount} blocks of dnodes there are. */
    void finish(long blockCount) {
      endDnodes();
      addFree(Math.max(fromObject, blockCount * TailRecord.SLOTS), END_OF_OBJECTS);
      tellFree();
    }

    private void readBlocks() {
      if (!pointers.isEmpty() && withContent) {
        BlockPointer[] apart =
            pointers.stream().filter(p -> !isContent(p)).toArray(BlockPointer[]::new);
        try (ReadWindow window = new ReadWindow(context, apart, asStored)) {
          for (int i = 0; i < pointers.size(); i++) {
            if (isContent(pointers.get(i))) {
              tell(i, MemorySegment.ofArray(pointers.get(i).embeddedPayload()));
              continue;
            }
            Slab slab = window.next();
            try {
              tell(i, slab.segment());
            } finally {
              context.slabs().free(slab);
            }
          }
        }
      } else {
        for (int i = 0; i < pointers.size(); i++) {
          tell(i, null);
        }
      }
      pointers.clear();
      ids.clear();
      bytes = 0;
    }

    /** Whether what is to be told of a block lies in the pointer itself. */
    private boolean isContent(BlockPointer pointer) {
      return asStored && pointer.isEmbedded();
    }

    private void tell(int index, @Nullable MemorySegment content) {
      BlockPointer pointer = pointers.get(index);
      visitor.block(
          current,
          ids.get(index),
          pointer.lsizeBytes(),
          asStored ? pointer.compression() : CompressionType.OFF,
          asStored ? pointer.psizeBytes() : pointer.lsizeBytes(),
          content);
    }

    @Override
    public void damaged(String where, String what) {
      throw PoolException.corrupt(where, what);
    }
  }
}
