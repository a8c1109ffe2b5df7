package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * A space map's head, in the bonus of its SPACE_MAP object: 32 bytes.
 *
 * @param metaslab whose map it is
 * @param lengthBytes bytes of records
 * @param allocatedBytes what the records amount to
 */
public record SpaceMapHead(long metaslab, long lengthBytes, long allocatedBytes) {
  public static final int BYTES = 32;

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("metaslab"),
          U64.withName("length_bytes"),
          U64.withName("allocated_bytes"),
          U64.withName("reserved"));

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "space map head size", LAYOUT.byteSize());
  }

  /** Decodes a bonus of exactly 32 bytes. */
  public static SpaceMapHead decode(byte[] bonus) {
    if (bonus.length != BYTES) {
      throw corrupt("space_map_head.size", bonus.length);
    }
    MemorySegment at = MemorySegment.ofArray(bonus);
    SpaceMapHead head = new SpaceMapHead(Disk.u64(at, 0), Disk.u64(at, 8), Disk.u64(at, 16));
    if (head.metaslab < 1 || head.metaslab > Dva.MAX_METASLAB) {
      throw corrupt("space_map_head.metaslab", head.metaslab);
    }
    if (head.lengthBytes < 0 || head.lengthBytes % 8 != 0 || head.lengthBytes > 1L << 40) {
      throw corrupt("space_map_head.length_bytes", head.lengthBytes);
    }
    if (head.allocatedBytes < 0) {
      throw corrupt("space_map_head.allocated_bytes", head.allocatedBytes);
    }
    return head;
  }

  public byte[] encode() {
    byte[] bonus = new byte[BYTES];
    MemorySegment at = MemorySegment.ofArray(bonus);
    Disk.putU64(at, 0, metaslab);
    Disk.putU64(at, 8, lengthBytes);
    Disk.putU64(at, 16, allocatedBytes);
    return bonus;
  }
}
