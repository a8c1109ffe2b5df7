package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * A tail block: the content of up to 32 small objects whose dnodes share a block of dnodes. A
 * directory of 32 entries (16 bytes each, 512 in all), then the contents, packed in slot order. The
 * block is as long as its content, rounded up to 512 bytes.
 */
public final class TailRecord {
  /** Objects per tail block, and dnodes per block of dnodes. */
  public static final int SLOTS = 32;

  /** The largest content that a tail holds; a longer one gets a block of its own. */
  public static final int MAX_ENTRY_BYTES = 4096;

  public static final int ENTRY_BYTES = 16;
  public static final int DIRECTORY_BYTES = SLOTS * ENTRY_BYTES;

  /** Room for every slot at its largest. */
  public static final int MAX_BYTES = DIRECTORY_BYTES + SLOTS * MAX_ENTRY_BYTES;

  /** {@code offset_bytes} from the start of the block, {@code length_bytes} 0 for no content. */
  public static final StructLayout ENTRY =
      structLayout(
          U32.withName("offset_bytes"),
          U16.withName("length_bytes"),
          U16.withName("reserved"),
          U64.withName("birth"));

  static {
    Check.that(ENTRY.byteSize() == ENTRY_BYTES, "tail entry size", ENTRY.byteSize());
  }

  private TailRecord() {}

  /** Length of the content of {@code slot}, 0 when it has none; Corrupt when it is not inside. */
  public static int lengthBytes(MemorySegment block, int slot) {
    long at = (long) slot * ENTRY_BYTES;
    long offset = offsetBytes(block, slot);
    int length = Disk.u16(block, at + 4);
    if (length > MAX_ENTRY_BYTES
        || (length != 0 && (offset < DIRECTORY_BYTES || offset + length > block.byteSize()))) {
      throw corrupt("tail.entry", offset);
    }
    return length;
  }

  /** Where the content of {@code slot} begins in the block; means nothing when it has none. */
  public static long offsetBytes(MemorySegment block, int slot) {
    return Disk.u32(block, (long) slot * ENTRY_BYTES);
  }

  /** The content of {@code slot}, as long as {@link #lengthBytes}. */
  public static MemorySegment content(MemorySegment block, int slot) {
    int length = lengthBytes(block, slot);
    return length == 0 ? MemorySegment.NULL : block.asSlice(offsetBytes(block, slot), length);
  }

  /** The txg in which the content of {@code slot} was written. */
  public static long birth(MemorySegment block, int slot) {
    return Disk.u64(block, (long) slot * ENTRY_BYTES + 8);
  }

  public static void putEntry(
      MemorySegment block, int slot, int offsetBytes, int lengthBytes, long birth) {
    long at = (long) slot * ENTRY_BYTES;
    Disk.putU32(block, at, offsetBytes);
    Disk.putU16(block, at + 4, lengthBytes);
    Disk.putU16(block, at + 6, 0);
    Disk.putU64(block, at + 8, birth);
  }
}
