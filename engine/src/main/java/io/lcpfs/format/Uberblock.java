package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * The root of everything as of one txg: 512 bytes at the start of a slot of the ring in a label,
 * the rest of the slot zero. The checksum covers the whole slot and mixes in its place on the
 * device.
 *
 * @param txg the transaction group that it commits
 * @param timestampNanos wall clock of the commit, nanoseconds since 1970
 * @param forkId the fork of the configuration that it names
 * @param root the meta object set
 * @param checkpoint the earlier state that is kept, if any
 */
public record Uberblock(
    long txg,
    long timestampNanos,
    long poolGuid,
    long forkId,
    BlockPointer root,
    long layoutGeneration,
    Hash256 layoutChecksum,
    long configGeneration,
    Hash256 configChecksum,
    CheckpointRecord checkpoint) {

  public static final int BYTES = 512;
  public static final long MAGIC = 0x313052454255434CL; // "LCUBER01"
  public static final int VERSION = 1;

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("magic"),
          U32.withName("version"),
          U32.withName("flags"),
          U64.withName("txg"),
          U64.withName("timestamp_nanos"),
          U64.withName("pool_guid"),
          U64.withName("fork_id"),
          U64.withName("layout_generation"),
          Disk.bytes("layout_checksum", 32),
          U64.withName("config_generation"),
          Disk.bytes("config_checksum", 32),
          BlockPointer.LAYOUT.withName("root"),
          U64.withName("checkpoint_txg"),
          U64.withName("checkpoint_nanos"),
          U64.withName("checkpoint_discarded"),
          BlockPointer.LAYOUT.withName("checkpoint_root"),
          Disk.bytes("reserved", 72),
          Disk.bytes("checksum", 32));

  private static final long LAYOUT_CHECKSUM = Disk.offset(LAYOUT, "layout_checksum");
  private static final long CONFIG_GENERATION = Disk.offset(LAYOUT, "config_generation");
  private static final long CONFIG_CHECKSUM = Disk.offset(LAYOUT, "config_checksum");
  private static final long ROOT = Disk.offset(LAYOUT, "root");
  private static final long CHECKSUM = Disk.offset(LAYOUT, "checksum");

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "uberblock size", LAYOUT.byteSize());
  }

  /** Whether the slot claims to hold an uberblock at all; an unused one does not. */
  public static boolean isPresent(MemorySegment slot) {
    return slot.byteSize() >= BYTES && Disk.u64(slot, 0) == MAGIC;
  }

  /** Decodes the slot (whole) that lies {@code deviceOffset} bytes into the device. */
  public static Uberblock decode(MemorySegment slot, long deviceOffset) {
    if (!isPresent(slot)) {
      throw corrupt("uberblock.magic", slot.byteSize() < 8 ? 0 : Disk.u64(slot, 0));
    }
    if (Disk.u32(slot, 8) != VERSION) {
      throw corrupt("uberblock.version", Disk.u32(slot, 8));
    }
    if (!Hash256.ofRecord(slot, CHECKSUM, deviceOffset).equals(Hash256.read(slot, CHECKSUM))) {
      throw corrupt("uberblock.checksum", "mismatch");
    }
    if (Disk.u32(slot, 12) != 0) {
      throw corrupt("uberblock.flags", Disk.u32(slot, 12));
    }
    long txg = Disk.u64(slot, 16);
    if (txg <= 0 || txg > Disk.MAX_TXG) {
      throw corrupt("uberblock.txg", txg);
    }
    return new Uberblock(
        txg,
        Disk.u64(slot, 24),
        Disk.u64(slot, 32),
        Disk.u64(slot, 40),
        BlockPointer.decode(slot, ROOT),
        Disk.u64(slot, 48),
        Hash256.read(slot, LAYOUT_CHECKSUM),
        Disk.u64(slot, CONFIG_GENERATION),
        Hash256.read(slot, CONFIG_CHECKSUM),
        CheckpointRecord.decode(slot, txg));
  }

  /** Writes the whole slot for the place {@code deviceOffset}. */
  public void encode(MemorySegment slot, long deviceOffset) {
    slot.fill((byte) 0);
    Disk.putU64(slot, 0, MAGIC);
    Disk.putU32(slot, 8, VERSION);
    Disk.putU64(slot, 16, txg);
    Disk.putU64(slot, 24, timestampNanos);
    Disk.putU64(slot, 32, poolGuid);
    Disk.putU64(slot, 40, forkId);
    Disk.putU64(slot, 48, layoutGeneration);
    layoutChecksum.put(slot, LAYOUT_CHECKSUM);
    Disk.putU64(slot, CONFIG_GENERATION, configGeneration);
    configChecksum.put(slot, CONFIG_CHECKSUM);
    root.encode(slot, ROOT);
    checkpoint.encode(slot);
    Hash256.ofRecord(slot, CHECKSUM, deviceOffset).put(slot, CHECKSUM);
  }
}
