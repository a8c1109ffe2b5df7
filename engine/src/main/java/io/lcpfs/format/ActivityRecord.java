package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * A sign of life of the host that has the pool, in unit 1 of a label: 128 bytes. A host that wants
 * to import the pool watches whether {@code sequence} changes.
 *
 * @param sequence counts the signs
 * @param wallNanos wall clock of the host, nanoseconds since 1970
 * @param intervalNanos how often the host means to give a sign
 */
public record ActivityRecord(
    long poolGuid,
    long hostId,
    long bootId,
    long txg,
    long sequence,
    long wallNanos,
    long intervalNanos) {

  public static final int BYTES = 128;
  public static final long MAGIC = 0x313056495443414CL; // "LACTIV01"

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("magic"),
          U64.withName("pool_guid"),
          U64.withName("host_id"),
          U64.withName("boot_id"),
          U64.withName("txg"),
          U64.withName("sequence"),
          U64.withName("wall_nanos"),
          U64.withName("interval_nanos"),
          Disk.bytes("reserved", 32),
          Disk.bytes("checksum", 32));

  private static final long CHECKSUM = Disk.offset(LAYOUT, "checksum");

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "activity size", LAYOUT.byteSize());
  }

  /** Decodes the unit that lies {@code deviceOffset} bytes into the device. */
  public static ActivityRecord decode(MemorySegment unit, long deviceOffset) {
    if (unit.byteSize() < BYTES || Disk.u64(unit, 0) != MAGIC) {
      throw corrupt("activity.magic", unit.byteSize());
    }
    MemorySegment record = unit.asSlice(0, BYTES);
    if (!Hash256.ofRecord(record, CHECKSUM, deviceOffset).equals(Hash256.read(unit, CHECKSUM))) {
      throw corrupt("activity.checksum", "mismatch");
    }
    return new ActivityRecord(
        Disk.u64(unit, 8),
        Disk.u64(unit, 16),
        Disk.u64(unit, 24),
        Disk.u64(unit, 32),
        Disk.u64(unit, 40),
        Disk.u64(unit, 48),
        Disk.u64(unit, 56));
  }

  /** Writes the whole unit for the place {@code deviceOffset}. */
  public void encode(MemorySegment unit, long deviceOffset) {
    unit.fill((byte) 0);
    Disk.putU64(unit, 0, MAGIC);
    Disk.putU64(unit, 8, poolGuid);
    Disk.putU64(unit, 16, hostId);
    Disk.putU64(unit, 24, bootId);
    Disk.putU64(unit, 32, txg);
    Disk.putU64(unit, 40, sequence);
    Disk.putU64(unit, 48, wallNanos);
    Disk.putU64(unit, 56, intervalNanos);
    Hash256.ofRecord(unit.asSlice(0, BYTES), CHECKSUM, deviceOffset).put(unit, CHECKSUM);
  }
}
