package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * What stands in the configuration area of a label: a header of 64 bytes that says which device
 * this is, then the pool's configuration, which is the same on all devices. The header's checksum
 * mixes in the place of the area, so that a copy elsewhere does not verify.
 *
 * @param deviceGuid the device that this label is on
 * @param config the pool that it belongs to
 */
public record LabelRecord(long deviceGuid, PoolConfig config) {
  public static final long MAGIC = 0x31304C4542414C4CL; // "LLABEL01"
  public static final int VERSION = 1;
  public static final int HEADER_BYTES = 64;

  public static final StructLayout HEADER =
      structLayout(
          U64.withName("magic"),
          U32.withName("version"),
          U32.withName("config_bytes"),
          U64.withName("device_guid"),
          U64.withName("reserved"),
          Disk.bytes("checksum", 32));

  private static final long CHECKSUM = Disk.offset(HEADER, "checksum");

  static {
    Check.that(HEADER.byteSize() == HEADER_BYTES, "label header size", HEADER.byteSize());
  }

  /** Bytes that a label with this configuration takes in its area. */
  public static int encodedBytes(PoolConfig config) {
    return HEADER_BYTES + config.encodedBytes();
  }

  /** Decodes the area that lies {@code deviceOffset} bytes into the device. */
  public static LabelRecord decode(MemorySegment area, long deviceOffset) {
    if (area.byteSize() < HEADER_BYTES) {
      throw corrupt("label.size", area.byteSize());
    }
    if (Disk.u64(area, 0) != MAGIC) {
      throw corrupt("label.magic", Disk.u64(area, 0));
    }
    if (Disk.u32(area, 8) != VERSION) {
      throw corrupt("label.version", Disk.u32(area, 8));
    }
    MemorySegment header = area.asSlice(0, HEADER_BYTES);
    if (!Hash256.ofRecord(header, CHECKSUM, deviceOffset).equals(Hash256.read(area, CHECKSUM))) {
      throw corrupt("label.checksum", "mismatch");
    }
    long configBytes = Disk.u32(area, 12);
    if (configBytes > area.byteSize() - HEADER_BYTES) {
      throw corrupt("label.config_bytes", configBytes);
    }
    long guid = Disk.u64(area, 16);
    PoolConfig config = PoolConfig.decode(area.asSlice(HEADER_BYTES, configBytes));
    if (config.devices().stream().noneMatch(device -> device.guid() == guid)) {
      throw corrupt("label.device_guid", guid);
    }
    return new LabelRecord(guid, config);
  }

  /** Writes the whole area, zeros behind the configuration. */
  public void encode(MemorySegment area, long deviceOffset) {
    byte[] bytes = config.encode();
    Check.that(bytes.length <= area.byteSize() - HEADER_BYTES, "configuration bytes", bytes.length);
    area.fill((byte) 0);
    Disk.putU64(area, 0, MAGIC);
    Disk.putU32(area, 8, VERSION);
    Disk.putU32(area, 12, bytes.length);
    Disk.putU64(area, 16, deviceGuid);
    Hash256.ofRecord(area.asSlice(0, HEADER_BYTES), CHECKSUM, deviceOffset).put(area, CHECKSUM);
    MemorySegment.copy(bytes, 0, area, Disk.U8, HEADER_BYTES, bytes.length);
  }
}
