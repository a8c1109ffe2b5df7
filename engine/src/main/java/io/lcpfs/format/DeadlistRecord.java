package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * A list of blocks that are no longer referred to where they were, in the bonus of a DEADLIST
 * object of the meta object set: 32 bytes. Its data is an array of {@link #BLOCK}: what it takes to
 * free them.
 *
 * @param sinceTxg its blocks were born after this: the txg of a snapshot, or 0
 * @param count blocks
 * @param storedBytes allocated bytes of these blocks, all copies
 */
public record DeadlistRecord(long sinceTxg, long count, long storedBytes) {

  public static final int BYTES = 32;
  public static final int BLOCK_BYTES = 48;

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("since_txg"),
          U64.withName("count"),
          U64.withName("stored_bytes"),
          U64.withName("reserved"));

  /** One block. */
  public static final StructLayout BLOCK =
      structLayout(
          U64.withName("dva0"),
          U64.withName("dva1"),
          U64.withName("dva2"),
          U64.withName("logical_birth"),
          U64.withName("physical_birth"),
          U32.withName("logical_bytes"),
          U32.withName("physical_bytes"));

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "deadlist size", LAYOUT.byteSize());
    Check.that(BLOCK.byteSize() == BLOCK_BYTES, "size of a dead block", BLOCK.byteSize());
  }

  /** Decodes a bonus of exactly 32 bytes. */
  public static DeadlistRecord decode(byte[] bonus) {
    if (bonus.length != BYTES) {
      throw corrupt("deadlist.size", bonus.length);
    }
    MemorySegment at = MemorySegment.ofArray(bonus);
    DeadlistRecord record = new DeadlistRecord(Disk.u64(at, 0), Disk.u64(at, 8), Disk.u64(at, 16));
    if (record.sinceTxg < 0 || record.sinceTxg > Disk.MAX_TXG) {
      throw corrupt("deadlist.since_txg", record.sinceTxg);
    }
    if (record.count < 0 || record.count > Long.MAX_VALUE / BLOCK_BYTES) {
      throw corrupt("deadlist.count", record.count);
    }
    if (record.storedBytes < 0) {
      throw corrupt("deadlist.stored_bytes", record.storedBytes);
    }
    return record;
  }

  /** Writes a block of a list at {@code offset}. */
  public static void encodeBlock(BlockPointer pointer, MemorySegment at, long offset) {
    for (int copy = 0; copy < BlockPointer.MAX_COPIES; copy++) {
      Disk.putU64(at, offset + 8L * copy, copy < pointer.copies() ? pointer.dva(copy) : Dva.NONE);
    }
    Disk.putU64(at, offset + 24, pointer.logicalBirth());
    Disk.putU64(at, offset + 32, pointer.physicalBirth());
    Disk.putU32(at, offset + 40, pointer.lsizeBytes());
    Disk.putU32(at, offset + 44, pointer.psizeBytes());
  }

  /**
   * Reads a block of a list at {@code offset}; Corrupt when it cannot be one.
   *
   * @return a pointer good for freeing it, not for reading
   */
  public static BlockPointer decodeBlock(MemorySegment at, long offset) {
    long[] dvas = new long[BlockPointer.MAX_COPIES];
    for (int copy = 0; copy < dvas.length; copy++) {
      dvas[copy] = Disk.u64(at, offset + 8L * copy);
    }
    long birth = Disk.u64(at, offset + 24);
    long physicalBirth = Disk.u64(at, offset + 32);
    long lsize = Disk.u32(at, offset + 40);
    long psize = Disk.u32(at, offset + 44);
    if (dvas[0] == Dva.NONE || (dvas[1] == Dva.NONE && dvas[2] != Dva.NONE)) {
      throw corrupt("dead_block.dva0", dvas[0]);
    }
    if (birth <= 0 || birth > Disk.MAX_TXG) {
      throw corrupt("dead_block.logical_birth", birth);
    }
    if (physicalBirth <= 0 || physicalBirth > birth) {
      throw corrupt("dead_block.physical_birth", physicalBirth);
    }
    if (psize < 512
        || psize > lsize
        || lsize > BlockPointer.MAX_BLOCK_BYTES
        || psize % 512 != 0
        || lsize % 512 != 0) {
      throw corrupt("dead_block.physical_bytes", psize);
    }
    return BlockPointer.stored(
            dvas,
            (int) lsize,
            (int) psize,
            CompressionType.OFF,
            ChecksumType.OFF,
            ObjectType.NONE,
            0,
            physicalBirth,
            1,
            new long[4])
        .clonedIn(birth);
  }

  public byte[] encode() {
    byte[] bonus = new byte[BYTES];
    MemorySegment at = MemorySegment.ofArray(bonus);
    Disk.putU64(at, 0, sinceTxg);
    Disk.putU64(at, 8, count);
    Disk.putU64(at, 16, storedBytes);
    return bonus;
  }
}
