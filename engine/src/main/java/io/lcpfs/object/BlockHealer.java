package io.lcpfs.object;

import io.lcpfs.codec.Compression;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.codec.Compressors;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
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
 * Writes blocks of a snapshot again, in place, of which no copy can be read any more, from content
 * that somebody else has kept. Nothing is trusted: what is written has the checksum that the
 * pointer says, so it is what was there; and what can be read is not touched. The snapshot is held
 * meanwhile. Used by one thread; close it.
 */
public final class BlockHealer implements AutoCloseable {
  private static final int ZSTD_LEVELS = 19;
  private static final int LZMA_LEVELS = 9;

  /** A block may be found reused only when many groups were written while it was looked at. */
  private static final int ATTEMPTS = 5;

  /** What became of a block. */
  public enum Outcome {
    /** It can be read, or there is nothing stored that could not. */
    GOOD,
    /** It could not be read, and now can. */
    HEALED,
    /** It cannot be read. */
    LOST
  }

  private final ObjectContext context;
  private final PathReader dnodes;
  private final PathReader tails;
  private final PathReader metaTails;
  private @Nullable PathReader tree;
  private @Nullable DnodeRecord dnode;
  private long number;
  private long healedBytes;

  /**
   * @param root of the snapshot's objects, no hole
   * @throws PoolException EIO when not even that can be read
   */
  public BlockHealer(ObjectContext context, BlockPointer root) {
    this.context = context;
    ObjectSetRecord record;
    Slab slab = ReadWindow.read(context, root);
    try {
      record = ObjectSetRecord.decode(slab.segment());
    } finally {
      context.slabs().free(slab);
    }
    this.dnodes = new PathReader(context, record.dnodes());
    this.tails = new PathReader(context, record.tails());
    this.metaTails = new PathReader(context, record.metaTails());
  }

  /** Stored bytes, of one copy each, of the blocks that were healed. */
  public long healedBytes() {
    return healedBytes;
  }

  /**
   * Goes to an object; where its dnode cannot be read, all its blocks are lost.
   *
   * @return whether it is of this type and has blocks of this size, as far as can be told
   */
  public boolean object(long object, ObjectType type, int blockBytes) {
    leave();
    number = object;
    DnodeRecord found;
    try {
      Slab block = dnodes.block(0, object / TailRecord.SLOTS);
      int at = (int) (object % TailRecord.SLOTS) * DnodeRecord.BYTES;
      if (block == null || !DnodeRecord.isAllocated(block.segment(), at)) {
        return false;
      }
      found = DnodeRecord.decode(block.segment(), at);
    } catch (PoolException e) {
      refuseUnlessLost(e);
      return true;
    }
    if (found.type() != type || found.blockBytes() != blockBytes) {
      return false;
    }
    dnode = found;
    tree = new PathReader(context, found);
    return true;
  }

  /** Only damage is an answer; what may be otherwise the next time is not. */
  private static void refuseUnlessLost(PoolException e) {
    if (e.errno() != Errno.EIO) {
      throw e;
    }
  }

  /**
   * Looks at a block of the object, and heals it.
   *
   * @param content what it holds, as {@code compression} says; of anybody's making
   * @param logicalBytes how much that is plain, at most a block; zeros follow up to the block
   * @throws PoolException ENOMEM
   */
  public Outcome block(
      long blockId, CompressionType compression, MemorySegment content, int logicalBytes) {
    DnodeRecord known = dnode;
    PathReader path = tree;
    if (known == null || path == null) {
      return Outcome.LOST;
    }
    try {
      if (known.inTail()) {
        // Others share the block, whose content nobody has kept as it is laid out there.
        PathReader reader = known.type().isMetadata() ? metaTails : tails;
        return reader.block(0, number / TailRecord.SLOTS) == null ? Outcome.LOST : Outcome.GOOD;
      }
      BlockPointer pointer = path.pointer(0, blockId);
      if (pointer.isHole() || pointer.isEmbedded() || isReadable(pointer)) {
        return Outcome.GOOD;
      }
      if (logicalBytes <= pointer.lsizeBytes()
          && heals(pointer, compression, content, logicalBytes)
          && isReadable(pointer)) {
        healedBytes += pointer.psizeBytes();
        return Outcome.HEALED;
      }
    } catch (PoolException e) {
      refuseUnlessLost(e);
    }
    return Outcome.LOST;
  }

  private boolean isReadable(BlockPointer pointer) {
    try {
      context.slabs().free(ReadWindow.read(context, pointer, true));
      return true;
    } catch (PoolException e) {
      refuseUnlessLost(e);
      return false;
    }
  }

  private boolean heals(
      BlockPointer pointer, CompressionType compression, MemorySegment content, int logicalBytes) {
    int stored = context.io().reader().storedBytes(pointer);
    Slab slab = context.cache().allocateForSync(stored);
    try {
      MemorySegment bytes = slab.segment().asSlice(0, stored);
      if (compression == pointer.compression() && content.byteSize() <= pointer.psizeBytes()) {
        MemorySegment.copy(content, 0, bytes, 0, content.byteSize());
        if (rewrite(pointer, bytes, content.byteSize())) {
          return true;
        }
      }
      return healsPacked(pointer, compression, content, logicalBytes, bytes);
    } finally {
      context.slabs().free(slab);
    }
  }

  /** As {@link #heals}, with the content unpacked and packed again as it was here. */
  private boolean healsPacked(
      BlockPointer pointer,
      CompressionType compression,
      MemorySegment content,
      int logicalBytes,
      MemorySegment bytes) {
    int size = pointer.lsizeBytes();
    Slab plain = context.cache().allocateForSync(size);
    try {
      MemorySegment whole = plain.segment().asSlice(0, size).fill((byte) 0);
      if (!unpack(compression, content, whole.asSlice(0, logicalBytes))) {
        return false;
      }
      if (pointer.compression() == CompressionType.OFF) {
        if (pointer.psizeBytes() != size) {
          return false;
        }
        MemorySegment.copy(whole, 0, bytes, 0, size);
        return rewrite(pointer, bytes, size);
      }
      for (Compression level : levels(pointer.compression())) {
        int limit = Math.min(size - size / 8, (int) bytes.byteSize());
        MemorySegment target = bytes.asSlice(0, limit);
        int length =
            context.env().onCpu(() -> Compressors.of(level).compress(whole, target)).join();
        boolean asLong =
            length > 0
                && Math.ceilDiv(length, Disk.SECTOR_BYTES) * Disk.SECTOR_BYTES
                    == pointer.psizeBytes();
        if (asLong && rewrite(pointer, bytes, length)) {
          return true;
        }
      }
      return false;
    } finally {
      context.slabs().free(plain);
    }
  }

  private boolean unpack(CompressionType compression, MemorySegment content, MemorySegment to) {
    if (compression == CompressionType.OFF) {
      if (content.byteSize() != to.byteSize()) {
        return false;
      }
      to.copyFrom(content);
      return true;
    }
    try {
      context
          .env()
          .onCpu(
              () -> {
                Compressors.of(compression).decompress(content, to);
                return true;
              })
          .join();
      return true;
    } catch (PoolException e) {
      refuseUnlessLost(e);
      return false;
    }
  }

  /** With what a block of this algorithm may have been packed, the usual level first. */
  private static List<Compression> levels(CompressionType type) {
    List<Compression> levels = new ArrayList<>();
    switch (type) {
      case OFF -> {}
      case LZ4 -> levels.add(Compression.LZ4);
      case ZSTD -> {
        levels.add(Compression.ZSTD_DEFAULT);
        for (int level = 1; level <= ZSTD_LEVELS; level++) {
          levels.add(new Compression(type, level));
        }
      }
      case LZMA -> {
        levels.add(Compression.LZMA_DEFAULT);
        for (int level = 0; level <= LZMA_LEVELS; level++) {
          levels.add(new Compression(type, level));
        }
      }
    }
    return levels;
  }

  private boolean rewrite(BlockPointer pointer, MemorySegment bytes, long length) {
    bytes.asSlice(length).fill((byte) 0);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      long seen = context.txgs().syncedTxg();
      if (context.io().reader().rewrite(pointer, bytes, seen)) {
        return true;
      }
      if (context.txgs().syncedTxg() <= seen + 1) {
        return false; // its checksum is another
      }
    }
    return false;
  }

  private void leave() {
    PathReader known = tree;
    tree = null;
    dnode = null;
    if (known != null) {
      known.close();
    }
  }

  /** Gives the memory back. */
  @Override
  public void close() {
    leave();
    dnodes.close();
    tails.close();
    metaTails.close();
  }
}
