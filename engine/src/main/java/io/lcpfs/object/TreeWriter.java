package io.lcpfs.object;

import io.lcpfs.codec.Compression;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.pipeline.BlockIo;
import io.lcpfs.pipeline.WriteSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * Changes one object's block tree in one transaction group; belongs to the sync task. Children are
 * set bottom-up with {@link #setChild}; {@link #writeIndirects} then writes the indirect blocks
 * that changed, level by level. Changed blocks stay pinned until {@link #release}, when they are on
 * disk.
 */
final class TreeWriter {
  private static final long FILL_OFFSET = Disk.offset(BlockPointer.LAYOUT, "fill");

  /** Indirect blocks written by one CPU job. */
  private static final int BLOCKS_PER_JOB = 8;

  private final Dnode dnode;
  private final long txg;
  private final BlockIo io;
  private final ObjectSetOptions options;

  /** See {@link #changedAt}. */
  private final TreeMap<Integer, TreeMap<Long, Dbuf>> changed = new TreeMap<>();

  private final List<Dbuf> pinned = new ArrayList<>();

  TreeWriter(Dnode dnode, long txg) {
    this.dnode = dnode;
    this.txg = txg;
    this.io = dnode.objectSet().context().io();
    this.options = dnode.objectSet().options();
  }

  Dnode dnode() {
    return dnode;
  }

  /** Changed indirect blocks of a level, by block id. Most objects have none at all. */
  private TreeMap<Long, Dbuf> changedAt(int level) {
    return changed.computeIfAbsent(level, none -> new TreeMap<>());
  }

  /** Makes the tree high enough for {@code blockId}. */
  void ensureHeightFor(long blockId) {
    while (blockId >= DnodeRecord.maxBlocks(dnode.levels, dnode.indirectShift())) {
      dnode.objectSet().context().env().probe(CodeProbe.INDIRECT_LEVEL_ADDED);
      Dbuf top = blank(dnode.levels, 0);
      dnode.lock.lock();
      try {
        dnode.root.encode(top.segment(), 0);
        // The old top is now a child; whoever frees it finds it there.
        dnode.root = BlockPointer.HOLE;
        dnode.levels++;
      } finally {
        dnode.lock.unlock();
      }
      markChanged(top);
    }
  }

  /** A new block of zeros, in the cache and pinned. */
  private Dbuf blank(int level, long blockId) {
    var cache = dnode.objectSet().context().cache();
    var slab = io.syncMemory(dnode.sizeOf(level));
    slab.segment().fill((byte) 0);
    Dbuf dbuf = new Dbuf(dnode, level, blockId);
    dbuf.data = slab;
    dnode.lock.lock();
    try {
      dnode.blocks.add(dbuf);
    } finally {
      dnode.lock.unlock();
    }
    cache.insert(dbuf);
    return dbuf;
  }

  private void markChanged(Dbuf pinnedBlock) {
    if (changedAt(pinnedBlock.level()).put(pinnedBlock.blockId(), pinnedBlock) == null) {
      pinned.add(pinnedBlock);
    } else {
      pinnedBlock.unpin();
    }
  }

  /**
   * Replaces the pointer to a block, and returns the old one, which the caller frees. The tree must
   * be high enough.
   */
  BlockPointer setChild(int level, long blockId, BlockPointer pointer) {
    if (level == dnode.levels - 1) {
      dnode.lock.lock();
      try {
        BlockPointer old = dnode.root;
        dnode.root = pointer;
        return old;
      } finally {
        dnode.lock.unlock();
      }
    }
    long parentId = blockId >>> dnode.fanoutShift();
    Dbuf parent = changedAt(level + 1).get(parentId);
    if (parent == null) {
      parent = dnode.loadForSync(level + 1, parentId);
      markChanged(parent);
    }
    long at = (blockId & ((1L << dnode.fanoutShift()) - 1)) * BlockPointer.BYTES;
    dnode.lock.lock();
    try {
      BlockPointer old = BlockPointer.decode(parent.segment(), at);
      pointer.encode(parent.segment(), at);
      return old;
    } finally {
      dnode.lock.unlock();
    }
  }

  /** Puts {@code pointer} in place and frees what was there. */
  void replace(int level, long blockId, BlockPointer pointer) {
    BlockPointer old = setChild(level, blockId, pointer);
    born(pointer);
    kill(old);
  }

  void born(BlockPointer pointer) {
    account(pointer, 1);
  }

  void kill(BlockPointer pointer) {
    if (pointer.isHole()) {
      return;
    }
    account(pointer, -1);
    dnode.objectSet().giveUp(pointer, txg);
  }

  private void account(BlockPointer pointer, int sign) {
    long bytes = sign * io.allocatedBytes(pointer);
    dnode.lock.lock();
    try {
      dnode.storedBytes += bytes;
    } finally {
      dnode.lock.unlock();
    }
    dnode.objectSet().storedDelta.addAndGet(bytes);
    if (pointer.level() == 0 && !pointer.isHole()) {
      dnode.objectSet().logicalDelta.addAndGet((long) sign * pointer.lsizeBytes());
    }
  }

  /** Frees the data blocks in {@code [from, to)}. */
  void freeRange(long from, long to) {
    long end = Math.min(to, DnodeRecord.maxBlocks(dnode.levels, dnode.indirectShift()));
    if (from < end) {
      freeBelow(dnode.levels - 1, 0, from, end);
    }
  }

  private void freeBelow(int level, long id, long from, long to) {
    if (level == 0) {
      kill(setChild(0, id, BlockPointer.HOLE));
      return;
    }
    if (!dnode.hasIndirect(level, id, true)) {
      return;
    }
    int shift = dnode.fanoutShift();
    int childShift = shift * (level - 1);
    long first = Math.max(id << shift, from >>> childShift);
    long last = Math.min(((id + 1) << shift) - 1, (to - 1) >>> childShift);
    Dbuf block;
    try {
      block = dnode.loadForSync(level, id);
    } catch (PoolException e) {
      if (!isLost(e) || first > id << shift || last < ((id + 1) << shift) - 1) {
        throw e;
      }
      // What hangs below stays allocated, which the pool's check tells: better than no pool at all.
      dnode.objectSet().context().env().probe(CodeProbe.INDIRECT_BLOCK_LOST);
      kill(setChild(level, id, BlockPointer.HOLE));
      return;
    }
    try {
      for (long child = first; child <= last; child++) {
        long at = (child & ((1L << shift) - 1)) * BlockPointer.BYTES;
        if (isHoleAt(block.segment(), at)
            && (level == 1 || !dnode.hasIndirect(level - 1, child, true))) {
          continue;
        }
        freeBelow(level - 1, child, from, to);
      }
    } finally {
      block.unpin();
    }
  }

  /** Whether no copy is intact; a device that fails may answer again. */
  private static boolean isLost(PoolException e) {
    return e.errno() == Errno.EIO && !(e.error() instanceof PoolError.DeviceFailed);
  }

  private boolean isHoleAt(MemorySegment block, long at) {
    dnode.lock.lock();
    try {
      return BlockPointer.decode(block, at).isHole();
    } finally {
      dnode.lock.unlock();
    }
  }

  /**
   * Writes the changed indirect blocks, lowest level first; the root pointer is then up to date.
   */
  void writeIndirects() {
    for (int level = 1; level < dnode.levels; level++) {
      List<Dbuf> blocks = new ArrayList<>(changedAt(level).values());
      BlockPointer[] pointers = writeAll(blocks);
      for (int i = 0; i < pointers.length; i++) {
        replace(level, blocks.get(i).blockId(), pointers[i]);
      }
    }
  }

  private BlockPointer[] writeAll(List<Dbuf> blocks) {
    BlockPointer[] pointers = new BlockPointer[blocks.size()];
    if (blocks.size() <= BLOCKS_PER_JOB) {
      writeSome(blocks, pointers, 0, blocks.size());
      return pointers;
    }
    List<Task<Boolean>> jobs = new ArrayList<>();
    for (int from = 0; from < blocks.size(); from += BLOCKS_PER_JOB) {
      int start = from;
      int end = Math.min(blocks.size(), from + BLOCKS_PER_JOB);
      jobs.add(
          dnode
              .objectSet()
              .context()
              .env()
              .onCpu(
                  () -> {
                    writeSome(blocks, pointers, start, end);
                    return true;
                  }));
    }
    joinAll(jobs);
    return pointers;
  }

  /** Waits for all, also when one has failed, and then throws the first failure. */
  static void joinAll(List<? extends Task<?>> jobs) {
    RuntimeException failure = null;
    for (Task<?> job : jobs) {
      try {
        job.join();
      } catch (RuntimeException e) {
        failure = failure == null ? e : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void writeSome(List<Dbuf> blocks, BlockPointer[] pointers, int from, int to) {
    for (int i = from; i < to; i++) {
      pointers[i] = writeIndirect(blocks.get(i));
    }
  }

  private BlockPointer writeIndirect(Dbuf dbuf) {
    long fill = fillBelow(dbuf.segment());
    if (fill == 0) {
      return BlockPointer.HOLE;
    }
    return io.write(dbuf.segment(), indirectSpec(dbuf.level()), fill);
  }

  WriteSpec indirectSpec(int level) {
    return new WriteSpec(
        dnode.type(),
        level,
        options.compression().equals(Compression.OFF) ? Compression.OFF : Compression.LZ4,
        options.checksum().metadataType(),
        options.metadataCopies(),
        txg,
        false);
  }

  /** The sum of the children's fill: 0 only when all are holes. */
  static long fillBelow(MemorySegment indirect) {
    long fill = 0;
    for (long at = FILL_OFFSET; at < indirect.byteSize(); at += BlockPointer.BYTES) {
      fill += Disk.u64(indirect, at);
    }
    return fill;
  }

  /** The content of a changed indirect block, for those who place blocks themselves. */
  Dbuf changedBlock(int level, long blockId) {
    Dbuf block = changedAt(level).get(blockId);
    if (block == null) {
      block = dnode.loadForSync(level, blockId);
      markChanged(block);
    }
    return block;
  }

  /** The pointer to a block as it is now. */
  BlockPointer pointerTo(int level, long blockId) {
    return dnode.pointerToForSync(level, blockId);
  }

  /** Unpins the changed blocks; they must be on disk. */
  void release() {
    pinned.sort(Comparator.comparingLong(Dbuf::key));
    for (Dbuf block : pinned) {
      block.unpin();
    }
    pinned.clear();
    changed.clear();
  }
}
