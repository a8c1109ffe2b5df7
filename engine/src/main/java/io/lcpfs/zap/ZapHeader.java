package io.lcpfs.zap;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.U8;
import static io.lcpfs.format.ZapRecord.BLOCK_BYTES;
import static io.lcpfs.format.ZapRecord.BLOCK_LIMIT_AT;
import static io.lcpfs.format.ZapRecord.ENTRY_COUNT_AT;
import static io.lcpfs.format.ZapRecord.FREE_COUNT_AT;
import static io.lcpfs.format.ZapRecord.FREE_HEAD_AT;
import static io.lcpfs.format.ZapRecord.HEADER_BYTES;
import static io.lcpfs.format.ZapRecord.HEADER_MAGIC;
import static io.lcpfs.format.ZapRecord.LAYOUT_BYTES_AT;
import static io.lcpfs.format.ZapRecord.MAX_LEVEL;
import static io.lcpfs.format.ZapRecord.NODE_LEVEL_AT;
import static io.lcpfs.format.ZapRecord.SALT0_AT;
import static io.lcpfs.format.ZapRecord.SALT1_AT;
import static io.lcpfs.format.ZapRecord.SMALLEST_BYTES;

import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;

/** The first bytes of block 0. */
final class ZapHeader {
  private ZapHeader() {}

  /**
   * Checks the header against itself and the size of the object's blocks.
   *
   * @return the level of the node in block 0; 0 for a small ZAP
   */
  static int check(MemorySegment block, int blockBytes) {
    if (blockBytes < SMALLEST_BYTES || block.get(U64, 0) != HEADER_MAGIC) {
      throw corrupt("zap.magic", blockBytes < SMALLEST_BYTES ? blockBytes : block.get(U64, 0));
    }
    int layout = block.get(U32, LAYOUT_BYTES_AT);
    int limit = block.get(U32, BLOCK_LIMIT_AT);
    int level = block.get(U8, HEADER_BYTES + NODE_LEVEL_AT);
    if (level < 0 || level > MAX_LEVEL) {
      throw corrupt("zap_node.level", level);
    }
    boolean sizeIsGood =
        layout >= SMALLEST_BYTES
            && layout <= BLOCK_BYTES
            && layout <= blockBytes
            && (layout & (layout - 1)) == 0;
    if (!sizeIsGood || (level > 0 && (layout != BLOCK_BYTES || blockBytes != BLOCK_BYTES))) {
      throw corrupt("zap.layout_bytes", layout);
    }
    if (level == 0 ? limit != 1 : limit < 2) {
      throw corrupt("zap.block_limit", limit);
    }
    return level;
  }

  static void format(MemorySegment block, long salt0, long salt1) {
    block.fill((byte) 0);
    block.set(U64, 0, HEADER_MAGIC);
    block.set(U32, LAYOUT_BYTES_AT, SMALLEST_BYTES);
    block.set(U32, BLOCK_LIMIT_AT, 1);
    block.set(U64, SALT0_AT, salt0);
    block.set(U64, SALT1_AT, salt1);
    ZapLeaf.format(block, HEADER_BYTES, SMALLEST_BYTES, 0);
  }

  /** The bytes of block 0 that are in use, from its start; the rest of it is zeros. */
  static int layoutBytes(MemorySegment block) {
    return block.get(U32, LAYOUT_BYTES_AT);
  }

  static void setLayoutBytes(MemorySegment block, int bytes) {
    block.set(U32, LAYOUT_BYTES_AT, bytes);
  }

  /** One more than the highest block that was ever given to the tree. */
  static int blockLimit(MemorySegment block) {
    return block.get(U32, BLOCK_LIMIT_AT);
  }

  static void setBlockLimit(MemorySegment block, int limit) {
    block.set(U32, BLOCK_LIMIT_AT, limit);
  }

  static long entryCount(MemorySegment block) {
    long count = block.get(U64, ENTRY_COUNT_AT);
    if (count < 0) {
      throw corrupt("zap.entry_count", count);
    }
    return count;
  }

  static void setEntryCount(MemorySegment block, long count) {
    block.set(U64, ENTRY_COUNT_AT, count);
  }

  /** First block of the free list, or 0. */
  static int freeHead(MemorySegment block) {
    int head = block.get(U32, FREE_HEAD_AT);
    if (head < 0 || head >= blockLimit(block) || (head == 0) != (freeCount(block) == 0)) {
      throw corrupt("zap.free_head", head);
    }
    return head;
  }

  static int freeCount(MemorySegment block) {
    int count = block.get(U32, FREE_COUNT_AT);
    if (count < 0 || count >= blockLimit(block)) {
      throw corrupt("zap.free_count", count);
    }
    return count;
  }

  static void setFree(MemorySegment block, int head, int count) {
    block.set(U32, FREE_HEAD_AT, head);
    block.set(U32, FREE_COUNT_AT, count);
  }

  static long salt0(MemorySegment block) {
    return block.get(U64, SALT0_AT);
  }

  static long salt1(MemorySegment block) {
    return block.get(U64, SALT1_AT);
  }

  /** The entry count after one removal. */
  static long countLessOne(MemorySegment block) throws PoolException {
    long count = entryCount(block);
    if (count == 0) {
      throw corrupt("zap.entry_count", 0);
    }
    return count - 1;
  }
}
