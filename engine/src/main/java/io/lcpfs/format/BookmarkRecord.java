package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * What is left of a snapshot in a dataset's ZAP of bookmarks: 32 bytes.
 *
 * @param guid of the snapshot, never 0
 * @param txg the group whose end that shows
 * @param creationSeconds when it was taken: wall clock, seconds since 1970
 * @param ordinal tells snapshots of one dataset and txg apart
 */
public record BookmarkRecord(long guid, long txg, long creationSeconds, int ordinal) {
  public static final int BYTES = 32;

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("guid"),
          U64.withName("txg"),
          U64.withName("creation_seconds"),
          U32.withName("ordinal"),
          U32.withName("flags"));

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "bookmark size", LAYOUT.byteSize());
  }

  /** Decodes a value of exactly 32 bytes. */
  public static BookmarkRecord decode(byte[] value) {
    if (value.length != BYTES) {
      throw corrupt("bookmark.size", value.length);
    }
    MemorySegment at = MemorySegment.ofArray(value);
    long guid = Disk.u64(at, 0);
    long txg = Disk.u64(at, 8);
    long ordinal = Disk.u32(at, 24);
    if (guid == 0) {
      throw corrupt("bookmark.guid", 0);
    }
    if (txg <= 0 || txg > Disk.MAX_TXG) {
      throw corrupt("bookmark.txg", txg);
    }
    if (ordinal > Integer.MAX_VALUE) {
      throw corrupt("bookmark.ordinal", ordinal);
    }
    if (Disk.u32(at, 28) != 0) {
      throw corrupt("bookmark.flags", Disk.u32(at, 28));
    }
    return new BookmarkRecord(guid, txg, Disk.u64(at, 16), (int) ordinal);
  }

  public byte[] encode() {
    byte[] value = new byte[BYTES];
    MemorySegment at = MemorySegment.ofArray(value);
    Disk.putU64(at, 0, guid);
    Disk.putU64(at, 8, txg);
    Disk.putU64(at, 16, creationSeconds);
    Disk.putU32(at, 24, ordinal);
    return value;
  }
}
