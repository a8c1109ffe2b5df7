package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.U8;
import static io.lcpfs.format.Disk.putU16;
import static io.lcpfs.format.Disk.putU32;
import static io.lcpfs.format.Disk.putU64;
import static io.lcpfs.format.Disk.putU8;
import static io.lcpfs.format.Disk.u16;
import static io.lcpfs.format.Disk.u32;
import static io.lcpfs.format.Disk.u64;
import static io.lcpfs.format.Disk.u8;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * An object's head: 512 bytes in a block of dnodes. The data is found from {@code root}, the top of
 * a tree of {@code levels} levels; or, with the tail flag, in the object set's tail blocks.
 *
 * @param type NONE marks a free slot
 * @param levels height of the tree: 1 when {@code root} points at the only data block
 * @param blockBytes size of a data block, a multiple of 512
 * @param indirectShift log2 of the bytes of an indirect block
 * @param blockCount blocks up to the last one that was ever written, holes included
 * @param storedBytes bytes allocated below {@code root}, all copies
 * @param generation the txg in which the object was created
 * @param inTail the (only) block's content is in a tail block, {@code tailBytes} long
 * @param bonus what the object's owner keeps here, at most {@link #BONUS_BYTES}
 */
public record DnodeRecord(
    ObjectType type,
    int levels,
    int blockBytes,
    int indirectShift,
    long blockCount,
    long storedBytes,
    long generation,
    boolean inTail,
    int tailBytes,
    BlockPointer root,
    byte[] bonus) {

  public static final int BYTES = 512;

  /** Room for the owner's bytes. */
  public static final int BONUS_BYTES = 320;

  /** log2 of an indirect block: 32 KiB, 256 pointers. */
  public static final int DEFAULT_INDIRECT_SHIFT = 15;

  public static final int MAX_LEVELS = 9;

  public static final StructLayout LAYOUT =
      structLayout(
          U8.withName("type"),
          U8.withName("levels"),
          U8.withName("indirect_shift"),
          U8.withName("flags"),
          U16.withName("bonus_bytes"),
          U16.withName("tail_bytes"),
          U32.withName("block_bytes"),
          U32.withName("reserved0"),
          U64.withName("block_count"),
          U64.withName("stored_bytes"),
          U64.withName("generation"),
          Disk.bytes("reserved1", 24),
          BlockPointer.LAYOUT.withName("root"),
          Disk.bytes("bonus", BONUS_BYTES));

  private static final long ROOT = Disk.offset(LAYOUT, "root");
  private static final long BONUS = Disk.offset(LAYOUT, "bonus");
  private static final int FLAG_IN_TAIL = 1;

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "dnode size", LAYOUT.byteSize());
  }

  /** Whether the slot at {@code offset} holds an object. */
  public static boolean isAllocated(MemorySegment at, long offset) {
    return u8(at, offset) != 0;
  }

  /** Decodes and checks the dnode at {@code offset}; a free slot is Corrupt: ask first. */
  public static DnodeRecord decode(MemorySegment at, long offset) {
    ObjectType type = ObjectType.ofCode(u8(at, offset), "dnode.type");
    if (type == ObjectType.NONE) {
      throw corrupt("dnode.type", 0);
    }
    int levels = u8(at, offset + 1);
    int indirectShift = u8(at, offset + 2);
    int flags = u8(at, offset + 3);
    int bonusBytes = u16(at, offset + 4);
    int tailBytes = u16(at, offset + 6);
    long blockBytes = u32(at, offset + 8);
    long blockCount = u64(at, offset + 16);
    long storedBytes = u64(at, offset + 24);
    long generation = u64(at, offset + 32);
    if (indirectShift < 10 || indirectShift > 20) {
      throw corrupt("dnode.indirect_shift", indirectShift);
    }
    // No tree is so high that it would be as wide with a level less.
    if (levels < 1
        || levels > MAX_LEVELS
        || (levels > 1 && maxBlocks(levels - 1, indirectShift) > Long.MAX_VALUE / 512)) {
      throw corrupt("dnode.levels", levels);
    }
    if ((flags & ~FLAG_IN_TAIL) != 0) {
      throw corrupt("dnode.flags", flags);
    }
    boolean inTail = (flags & FLAG_IN_TAIL) != 0;
    if (bonusBytes > BONUS_BYTES) {
      throw corrupt("dnode.bonus_bytes", bonusBytes);
    }
    if (blockBytes < 512 || blockBytes > BlockPointer.MAX_BLOCK_BYTES || blockBytes % 512 != 0) {
      throw corrupt("dnode.block_bytes", blockBytes);
    }
    if (tailBytes > TailRecord.MAX_ENTRY_BYTES
        || tailBytes > blockBytes
        || (!inTail && tailBytes != 0)
        || (inTail && levels != 1)) {
      throw corrupt("dnode.tail_bytes", tailBytes);
    }
    if (blockCount < 0
        || blockCount > maxBlocks(levels, indirectShift)
        || blockCount > Long.MAX_VALUE / blockBytes) {
      throw corrupt("dnode.block_count", blockCount);
    }
    if (storedBytes < 0 || generation < 0) {
      throw corrupt("dnode.stored_bytes", storedBytes);
    }
    BlockPointer root = BlockPointer.decode(at, offset + ROOT);
    if (!root.isHole()
        && (inTail || !fits(root, type, levels - 1, (int) blockBytes, indirectShift))) {
      throw corrupt("dnode.root", root.toString());
    }
    byte[] bonus = at.asSlice(offset + BONUS, bonusBytes).toArray(Disk.U8);
    return new DnodeRecord(
        type,
        levels,
        (int) blockBytes,
        indirectShift,
        blockCount,
        storedBytes,
        generation,
        inTail,
        tailBytes,
        root,
        bonus);
  }

  /** Writes all 512 bytes at {@code offset}. */
  public void encode(MemorySegment at, long offset) {
    at.asSlice(offset, BYTES).fill((byte) 0);
    putU8(at, offset, type.code());
    putU8(at, offset + 1, levels);
    putU8(at, offset + 2, indirectShift);
    putU8(at, offset + 3, inTail ? FLAG_IN_TAIL : 0);
    putU16(at, offset + 4, bonus.length);
    putU16(at, offset + 6, tailBytes);
    putU32(at, offset + 8, blockBytes);
    putU64(at, offset + 16, blockCount);
    putU64(at, offset + 24, storedBytes);
    putU64(at, offset + 32, generation);
    root.encode(at, offset + ROOT);
    MemorySegment.copy(bonus, 0, at, Disk.U8, offset + BONUS, bonus.length);
  }

  /**
   * Whether a pointer, not a hole, may stand in an object's tree for a block of {@code level}: its
   * type, level and size, and how much it can have below it. Only dnodes may be stored with none
   * among them.
   *
   * @param blockBytes size of a data block of the object
   */
  public static boolean fits(
      BlockPointer pointer, ObjectType type, int level, int blockBytes, int indirectShift) {
    int want = level == 0 ? blockBytes : 1 << indirectShift;
    // Tail blocks are as long as their content.
    boolean shorter = level == 0 && (type == ObjectType.TAILS || type == ObjectType.META_TAILS);
    long most = maxBlocks(level + 1, indirectShift);
    if (type == ObjectType.DNODE) {
      most = most > Long.MAX_VALUE / TailRecord.SLOTS ? Long.MAX_VALUE : most * TailRecord.SLOTS;
    }
    return pointer.level() == level
        && pointer.type() == type
        && (pointer.lsizeBytes() == want || (shorter && pointer.lsizeBytes() < want))
        && (!pointer.isEmbedded() || (level == 0 && type.mayVanish()))
        && pointer.fill() >= (type == ObjectType.DNODE ? 0 : 1)
        && pointer.fill() <= most;
  }

  /** How many data blocks a tree of {@code levels} levels can address. */
  public static long maxBlocks(int levels, int indirectShift) {
    int bits = (levels - 1) * (indirectShift - 7);
    return bits >= 62 ? Long.MAX_VALUE : 1L << bits;
  }
}
