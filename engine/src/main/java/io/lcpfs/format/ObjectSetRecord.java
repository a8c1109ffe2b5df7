package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * The root block of an object set: 2,048 bytes.
 *
 * @param dnodes the object whose blocks are the dnodes of all others
 * @param tails small data of 32 neighbours a block
 * @param metaTails small metadata of 32 neighbours a block
 * @param objectCount allocated objects
 */
public record ObjectSetRecord(
    DnodeRecord dnodes, DnodeRecord tails, DnodeRecord metaTails, long objectCount) {

  public static final int BYTES = 2048;

  /** Bytes of a block of dnodes. */
  public static final int DNODE_BLOCK_BYTES = TailRecord.SLOTS * DnodeRecord.BYTES;

  public static final long MAGIC = 0x5445534A424F434CL; // "LCOBJSET"

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("magic"),
          U64.withName("object_count"),
          Disk.bytes("reserved", 496),
          DnodeRecord.LAYOUT.withName("dnodes"),
          DnodeRecord.LAYOUT.withName("tails"),
          DnodeRecord.LAYOUT.withName("meta_tails"));

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "object set size", LAYOUT.byteSize());
  }

  public static ObjectSetRecord decode(MemorySegment at) {
    if (at.byteSize() != BYTES) {
      throw corrupt("object_set.size", at.byteSize());
    }
    if (Disk.u64(at, 0) != MAGIC) {
      throw corrupt("object_set.magic", Disk.u64(at, 0));
    }
    long objectCount = Disk.u64(at, 8);
    if (objectCount < 0) {
      throw corrupt("object_set.object_count", objectCount);
    }
    return new ObjectSetRecord(
        typed(at, 512, ObjectType.DNODE, DNODE_BLOCK_BYTES),
        typed(at, 1024, ObjectType.TAILS, TailRecord.MAX_BYTES),
        typed(at, 1536, ObjectType.META_TAILS, TailRecord.MAX_BYTES),
        objectCount);
  }

  private static DnodeRecord typed(MemorySegment at, long offset, ObjectType type, int blockBytes) {
    DnodeRecord dnode = DnodeRecord.decode(at, offset);
    if (dnode.type() != type) {
      throw corrupt("object_set." + type, dnode.type().code());
    }
    if (dnode.blockBytes() != blockBytes) {
      throw corrupt("object_set." + type + ".block_bytes", dnode.blockBytes());
    }
    if (dnode.inTail()) {
      throw corrupt("object_set." + type + ".flags", "in a tail");
    }
    return dnode;
  }

  public void encode(MemorySegment at) {
    at.fill((byte) 0);
    Disk.putU64(at, 0, MAGIC);
    Disk.putU64(at, 8, objectCount);
    dnodes.encode(at, 512);
    tails.encode(at, 1024);
    metaTails.encode(at, 1536);
  }
}
