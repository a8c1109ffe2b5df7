package io.lcpfs.object;

import io.lcpfs.codec.Compression;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import io.lcpfs.pipeline.BlockIo;
import io.lcpfs.pipeline.BlockReferences;
import io.lcpfs.txg.Tx;
import java.util.HashSet;
import java.util.Set;

/**
 * What the changes of a transaction can cost at most, charged to it when they are made. On disk:
 * blocks with all copies and nothing gained by compression, and the blocks of metadata above them
 * that would not have been written anyway; what every group writes of the pool's own objects is in
 * the reserve. In memory: those blocks of metadata, which the sync keeps until the group is on
 * disk.
 */
final class SpaceCost {
  /** Space map records of a block that comes and one that goes, three copies of the map. */
  private static final long RECORD_BYTES = 64;

  /** A block pointer in a list of dead blocks, three copies, and the blocks above it. */
  private static final long DEAD_BYTES = 400;

  /** An LZ4 block of zeros, and the pointers between them. */
  private static final int COMPRESSED_BASE_BYTES = 1024;

  /** What a block takes in memory that is given by reference, until its group is on disk. */
  static final long CLONE_HEAP_BYTES = 160;

  private enum Kind {
    DNODES,
    TAILS,
    META_TAILS,
    TREES
  }

  /** A block of metadata that a group writes. */
  private record Part(Kind kind, long id) {}

  private SpaceCost() {}

  /** The blocks that neighbouring objects share and that one group has been charged for. */
  static final class SharedBlocks {
    private final Set<Part> charged = new HashSet<>();

    void clear() {
      charged.clear();
    }

    /**
     * Charges what an object's first change in the group costs, beyond its content.
     *
     * @return the memory
     */
    long addObject(Tx tx, Dnode dnode) {
      ObjectSet objects = dnode.objectSet();
      ObjectSetOptions options = objects.options();
      long group = dnode.number() / TailRecord.SLOTS;
      long cost = 0;
      long memory = 0;
      if (charged.add(new Part(Kind.DNODES, group))) {
        memory += ObjectSet.DNODE_BLOCK_BYTES;
        cost += stored(objects, ObjectSet.DNODE_BLOCK_BYTES, options.metadataCopies());
      }
      if (options.useTails() && (dnode.inTail || dnode.blockBytes <= TailRecord.MAX_ENTRY_BYTES)) {
        boolean metadata = dnode.type().isMetadata();
        boolean first = charged.add(new Part(metadata ? Kind.META_TAILS : Kind.TAILS, group));
        int bytes = first ? tailBytes(dnode, group) : 0;
        memory += bytes;
        bytes += TailRecord.MAX_ENTRY_BYTES;
        cost += stored(objects, bytes, metadata ? options.metadataCopies() : options.dataCopies());
      }
      int shift = options.indirectShift() - 7;
      if (group > 0 && charged.add(new Part(Kind.TREES, group >>> shift))) {
        int trees = options.useTails() ? 3 : 1;
        long blocks = (long) trees * levelsFor(group, shift);
        cost += blocks * indirect(dnode, group);
        memory += blocks << options.indirectShift();
      }
      tx.chargeSpace(cost);
      return memory;
    }
  }

  /** How long a tail block is now; unless it is in memory, that is not worth reading it. */
  private static int tailBytes(Dnode dnode, long group) {
    Dnode tails = dnode.objectSet().tailsOf(dnode.type());
    if (tails.levels == 1 && tails.root.isHole()) {
      return TailRecord.DIRECTORY_BYTES;
    }
    Dbuf cached = tails.blocks.find(group);
    Slab slab = cached == null ? null : cached.data;
    return slab == null ? TailRecord.MAX_BYTES : slab.bytes();
  }

  private static long stored(ObjectSet objects, int bytes, int copies) {
    return objects.context().io().worstBytes(bytes, copies);
  }

  /** Levels of indirect blocks above the data block with this number. */
  private static int levelsFor(long blockId, int fanoutShift) {
    int levels = 0;
    for (long id = blockId; id > 0; id >>>= fanoutShift) {
      levels++;
    }
    return levels;
  }

  /** One indirect block of a tree that reaches to {@code lastBlock}. */
  private static long indirect(Dnode dnode, long lastBlock) {
    ObjectSetOptions options = dnode.objectSet().options();
    int whole = 1 << options.indirectShift();
    int bytes = whole;
    if (options.useTails() && !options.compression().equals(Compression.OFF)) {
      long used = (lastBlock + 1) * BlockPointer.BYTES + COMPRESSED_BASE_BYTES;
      bytes = (int) Math.min(whole, used);
    }
    return stored(dnode.objectSet(), bytes, options.metadataCopies());
  }

  /** The blocks that a write makes dirty at most, all of one size. */
  private record Touched(long blocks, int size) {
    static Touched of(Dnode dnode, long offsetBytes, long length, int maxBlockBytes) {
      long end = Math.addExact(offsetBytes, length);
      boolean single = dnode.blockCount <= 1 && end <= maxBlockBytes;
      int size =
          single
              ? (int) Math.max(dnode.blockBytes, end)
              : dnode.blockCount <= 1
                  ? Math.max(dnode.blockBytes, maxBlockBytes)
                  : dnode.blockBytes;
      long touched = (end - 1) / size - offsetBytes / size + 1;
      // Block 0 too, when it leaves the tail or grows.
      return new Touched(
          dnode.blockCount == 1 && offsetBytes >= size ? touched + 1 : touched, size);
    }
  }

  /** See {@link Dnode#spaceForWrite}. */
  static long ofWrite(Dnode dnode, long offsetBytes, long length, int maxBlockBytes) {
    Touched touched = Touched.of(dnode, offsetBytes, length, maxBlockBytes);
    return touched.blocks
        * dnode.objectSet().context().io().allocatedSize(touched.size)
        * dnode.objectSet().options().dataCopies();
  }

  /** See {@link Dnode#replacesAsMuch}. May read indirect blocks. */
  static boolean replacesAsMuch(Dnode dnode, long offsetBytes, long length, int maxBlockBytes) {
    long first = offsetBytes / dnode.blockBytes;
    long last = (offsetBytes + length - 1) / dnode.blockBytes;
    long need = ofWrite(dnode, offsetBytes, length, maxBlockBytes);
    return replacesAsMuch(dnode, first, last - first + 1, need);
  }

  /** Whether some blocks surely have as much as is needed. May read indirect blocks. */
  static boolean replacesAsMuch(Dnode dnode, long first, long count, long need) {
    ObjectSet objects = dnode.objectSet();
    if (objects.keepsDeadBlocks()) {
      return false;
    }
    long released = 0;
    for (long id = first; id < first + count && released < need; id++) {
      released += objects.context().io().allocatedBytes(dnode.pointerTo(0, id));
    }
    return released >= need;
  }

  /** See {@link Dnode#memoryForWrite}. */
  static long memoryOfWrite(Dnode dnode, long offsetBytes, long length, int maxBlockBytes) {
    Touched touched = Touched.of(dnode, offsetBytes, length, maxBlockBytes);
    return touched.blocks * touched.size;
  }

  /** A data block becomes dirty in the group of {@code changes}. Caller holds the dnode's lock. */
  static void dirtied(Tx tx, Dnode dnode, Pending changes, long blockId, int bytes) {
    ObjectSetOptions options = dnode.objectSet().options();
    int copies = dnode.type().isMetadata() ? options.metadataCopies() : options.dataCopies();
    long cost = stored(dnode.objectSet(), bytes, copies) + recordBytes(dnode);
    // Where it goes to a tail block, that holds it once more.
    long memory = bytes <= TailRecord.MAX_ENTRY_BYTES ? bytes : 0;
    long last = Math.max(blockId, dnode.blockCount - 1);
    int levels = last > 0 ? levelsAbove(dnode, last) : 0;
    long id = blockId;
    for (int level = 1; level <= levels; level++) {
      id >>>= dnode.fanoutShift();
      if (!changes.addIndirect(BlockTable.key(level, id))) {
        break;
      }
      cost += indirect(dnode, last);
      memory += dnode.sizeOf(level);
    }
    tx.chargeSpace(cost);
    if (memory > 0) {
      tx.chargeDirty(memory);
    }
  }

  /**
   * What giving an object blocks by reference takes.
   *
   * @param storedBytes a bound on what it takes on disk
   * @param sharedBytes what the blocks have allocated, which counts as the object's
   */
  record OfClone(long storedBytes, long sharedBytes) {
    static final OfClone NOTHING = new OfClone(0, 0);
  }

  /**
   * What giving an object blocks by reference takes.
   *
   * @param lastBlock the last of these, or of the object
   */
  static OfClone ofClone(Dnode dnode, BlockPointer[] pointers, long lastBlock) {
    BlockIo io = dnode.objectSet().context().io();
    BlockReferences references = io.references();
    long cost = 0;
    long shared = 0;
    BlockPointer before = BlockPointer.HOLE;
    for (BlockPointer pointer : pointers) {
      if (pointer.copies() > 0) {
        cost += references.costOfAdding(pointer, before);
        shared += io.allocatedBytes(pointer);
        before = pointer;
      }
    }
    int levels = lastBlock > 0 ? levelsAbove(dnode, lastBlock) : 0;
    long parents = (pointers.length >>> dnode.fanoutShift()) + 2L * levels;
    cost += recordBytes(dnode) * pointers.length;
    return new OfClone(cost + (levels > 0 ? parents * indirect(dnode, lastBlock) : 0), shared);
  }

  /** Blocks are given by reference in the group of {@code changes}. Caller holds the lock. */
  static void cloned(Tx tx, Dnode dnode, long first, int count, OfClone cost) {
    long last = Math.max(first + count, dnode.blockCount) - 1;
    tx.chargeSpace(cost.storedBytes);
    tx.chargeShared(cost.sharedBytes);
    long parents = (count >>> dnode.fanoutShift()) + 2L * levelsAbove(dnode, last);
    tx.chargeDirty(parents * dnode.sizeOf(1) + count * CLONE_HEAP_BYTES);
  }

  /** What the pool notes of a block that goes. */
  private static long recordBytes(Dnode dnode) {
    return dnode.objectSet().keepsDeadBlocks() ? RECORD_BYTES + DEAD_BYTES : RECORD_BYTES;
  }

  private static int levelsAbove(Dnode dnode, long lastBlock) {
    return Math.max(levelsFor(lastBlock, dnode.fanoutShift()), dnode.levels - 1);
  }

  /** The data blocks in {@code [first, last)} are freed. Caller holds the dnode's lock. */
  static void freed(Tx tx, Dnode dnode, long first, long last) {
    long blocks = Math.min(last, dnode.blockCount) - first;
    long cost = recordBytes(dnode) * Math.min(blocks, Dnode.MAX_BLOCKS_FREED_AT_ONCE);
    int ends = (first > 0 ? 1 : 0) + (last < dnode.blockCount ? 1 : 0);
    int levels = levelsAbove(dnode, dnode.blockCount - 1);
    cost += (long) ends * levels * indirect(dnode, dnode.blockCount - 1);
    tx.chargeSpace(cost);
    if (levels > 0) {
      long parents = Math.min(blocks, Dnode.MAX_BLOCKS_FREED_AT_ONCE) >>> dnode.fanoutShift();
      tx.chargeDirty((parents + levels) * dnode.sizeOf(1));
    }
  }
}
