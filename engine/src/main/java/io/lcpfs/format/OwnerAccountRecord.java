package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import org.jspecify.annotations.Nullable;

/**
 * What the objects of one owner take, in the ZAP of a file system's accounts under {@code u},
 * {@code g} or {@code p} and the number of the user, group or project in decimal.
 *
 * @param bytes on disk, all copies, and what is in tails
 * @param objects how many
 */
public record OwnerAccountRecord(long bytes, long objects) {
  public static final int BYTES = 16;

  /** Blocks of the ZAP, as it is made. */
  public static final int ZAP_BLOCK_BYTES = 512;

  /** The name of the ZAP in the master. */
  public static final String MASTER_NAME = "accounts";

  /** Charged for each object beside its content: its dnode. */
  public static final int OBJECT_BYTES = DnodeRecord.BYTES;

  /** Where the owners are in the bonus of a file's dnode: the znode's fields. */
  public static final int UID_OFFSET = 8;

  public static final int GID_OFFSET = 12;
  public static final int PROJECT_OFFSET = 20;

  /** No znode is shorter. */
  public static final int ZNODE_BYTES = 128;

  public static final StructLayout LAYOUT =
      structLayout(U64.withName("bytes"), U64.withName("objects"));

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "owner account size", LAYOUT.byteSize());
  }

  /** Decodes a value of the ZAP; null is nothing. */
  public static OwnerAccountRecord decode(byte @Nullable [] value) {
    if (value == null) {
      return new OwnerAccountRecord(0, 0);
    }
    if (value.length != BYTES) {
      throw corrupt("owner_account.size", value.length);
    }
    MemorySegment at = MemorySegment.ofArray(value);
    long bytes = Disk.u64(at, 0);
    long objects = Disk.u64(at, 8);
    if (bytes < 0 || objects < 0) {
      throw corrupt("owner_account", Math.min(bytes, objects));
    }
    return new OwnerAccountRecord(bytes, objects);
  }

  public byte[] encode() {
    byte[] value = new byte[BYTES];
    MemorySegment at = MemorySegment.ofArray(value);
    Disk.putU64(at, 0, bytes);
    Disk.putU64(at, 8, objects);
    return value;
  }
}
