package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Stands where a block would, when no contiguous space was left for it: fills one sector of its
 * group and points at the pieces, in order, which may be gangs themselves. It names its own address
 * and birth, so that a stale or misplaced one does not pass for it.
 *
 * @param dva its own address, without the gang bit
 * @param birthTxg physical birth of the block
 * @param children 1 to {@link #maxChildren} pieces, neither holes nor embedded
 */
public record GangHeader(long dva, long birthTxg, List<BlockPointer> children) {
  public static final long MAGIC = 0x3130474E41474C4CL; // "LLGANG01"
  public static final int HEADER_BYTES = 64;

  public static final StructLayout HEADER =
      structLayout(
          U64.withName("magic"),
          U64.withName("dva"),
          U64.withName("birth_txg"),
          U32.withName("child_count"),
          U32.withName("reserved"),
          Disk.bytes("checksum", 32));

  /** Where a header says which txg it is of. */
  public static final long BIRTH_TXG_AT = Disk.offset(HEADER, "birth_txg");

  private static final long CHECKSUM = Disk.offset(HEADER, "checksum");

  static {
    Check.that(HEADER.byteSize() == HEADER_BYTES, "gang header size", HEADER.byteSize());
  }

  public GangHeader {
    children = List.copyOf(children);
  }

  /** How many children fit in a sector: 3 in 512 bytes, 31 in 4 KiB. */
  public static int maxChildren(int sectorBytes) {
    return (sectorBytes - HEADER_BYTES) / BlockPointer.BYTES;
  }

  /**
   * Decodes a sector read for {@code dva}.
   *
   * @param dva the address that it was read from
   * @param birthTxg the physical birth that the pointer to it names
   */
  public static GangHeader decode(MemorySegment sector, long dva, long birthTxg) {
    if (sector.byteSize() < Disk.SECTOR_BYTES || sector.byteSize() > Geometry.MAX_BLOCK_BYTES) {
      throw corrupt("gang.size", sector.byteSize());
    }
    if (Disk.u64(sector, 0) != MAGIC) {
      throw corrupt("gang.magic", Disk.u64(sector, 0));
    }
    if (Disk.u64(sector, 8) != dva) {
      throw corrupt("gang.dva", "is that of " + Dva.toString(Disk.u64(sector, 8)));
    }
    if (Disk.u64(sector, 16) != birthTxg) {
      throw corrupt("gang.birth_txg", Disk.u64(sector, 16));
    }
    if (!Hash256.ofRecord(sector, CHECKSUM, 0).equals(Hash256.read(sector, CHECKSUM))) {
      throw corrupt("gang.checksum", "mismatch");
    }
    long count = Disk.u32(sector, 24);
    if (count < 1 || count > maxChildren((int) sector.byteSize())) {
      throw corrupt("gang.child_count", count);
    }
    List<BlockPointer> children = new ArrayList<>((int) count);
    for (int i = 0; i < count; i++) {
      BlockPointer child =
          BlockPointer.decode(sector, HEADER_BYTES + (long) i * BlockPointer.BYTES);
      if (child.isHole() || child.isEmbedded()) {
        throw corrupt("gang.child", child.toString());
      }
      children.add(child);
    }
    return new GangHeader(dva, birthTxg, children);
  }

  /** Writes the whole sector, zeros behind the children. */
  public void encode(MemorySegment sector) {
    Check.that(
        !children.isEmpty() && children.size() <= maxChildren((int) sector.byteSize()),
        "gang children",
        children.size());
    sector.fill((byte) 0);
    Disk.putU64(sector, 0, MAGIC);
    Disk.putU64(sector, 8, dva);
    Disk.putU64(sector, 16, birthTxg);
    Disk.putU32(sector, 24, children.size());
    long offset = HEADER_BYTES;
    for (BlockPointer child : children) {
      child.encode(sector, offset);
      offset += BlockPointer.BYTES;
    }
    Hash256.ofRecord(sector, CHECKSUM, 0).put(sector, CHECKSUM);
  }
}
