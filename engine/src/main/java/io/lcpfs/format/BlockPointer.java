package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.u64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Where a block is, how long, how it is encoded, and the checksum of its stored bytes: 128 bytes. A
 * pointer with no address and no embedded payload is a hole: its block reads as zeros.
 *
 * <p>Sizes are in units of 512 bytes on disk, in bytes here; for an embedded block the physical
 * size is a number of payload bytes (at most {@link #EMBEDDED_BYTES}), which lie where the
 * addresses, salt, IV, MAC and checksum would be.
 */
public final class BlockPointer {
  public static final int BYTES = 128;
  public static final int MAX_COPIES = 3;

  /**
   * Payload that fits in the pointer itself: 24 bytes of addresses and 72 from salt to checksum.
   */
  public static final int EMBEDDED_BYTES = 96;

  /** Largest block, in bytes. */
  public static final int MAX_BLOCK_BYTES = 16 << 20;

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("dva0"),
          U64.withName("dva1"),
          U64.withName("dva2"),
          U64.withName("properties"),
          U64.withName("logical_birth"),
          U64.withName("physical_birth"),
          U64.withName("fill"),
          U64.withName("salt"),
          Disk.bytes("iv", 12),
          U32.withName("reserved"),
          Disk.bytes("mac", 16),
          Disk.bytes("checksum", 32));

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "block pointer size", LAYOUT.byteSize());
  }

  private static final long DVA = 0;
  private static final long PROPERTIES = 24;
  private static final long LOGICAL_BIRTH = 32;
  private static final long PHYSICAL_BIRTH = 40;
  private static final long FILL = 48;
  private static final long SALT = 56;
  private static final long CHECKSUM = 96;

  public static final BlockPointer HOLE =
      new BlockPointer(new long[3], 0, 0, 0, 0, null, new long[4]);

  private final long dva0;
  private final long dva1;
  private final long dva2;
  private final long properties;
  private final long logicalBirth;
  private final long physicalBirth;
  private final long fill;
  private final byte @org.jspecify.annotations.Nullable [] embedded;
  private final long sum0;
  private final long sum1;
  private final long sum2;
  private final long sum3;

  private BlockPointer(
      long[] dvas,
      long properties,
      long logicalBirth,
      long physicalBirth,
      long fill,
      byte @org.jspecify.annotations.Nullable [] embedded,
      long[] checksum) {
    this.dva0 = dvas[0];
    this.dva1 = dvas[1];
    this.dva2 = dvas[2];
    this.properties = properties;
    this.logicalBirth = logicalBirth;
    this.physicalBirth = physicalBirth;
    this.fill = fill;
    this.embedded = embedded;
    this.sum0 = checksum[0];
    this.sum1 = checksum[1];
    this.sum2 = checksum[2];
    this.sum3 = checksum[3];
  }

  private static long pack(
      int lsizeUnits,
      int psizeUnits,
      CompressionType compression,
      boolean embedded,
      ChecksumType checksum,
      ObjectType type,
      int level,
      int flags) {
    return lsizeUnits
        | ((long) psizeUnits << 16)
        | ((long) compression.code() << 32)
        | (embedded ? 1L << 39 : 0)
        | ((long) checksum.code() << 40)
        | ((long) type.code() << 48)
        | ((long) level << 56)
        | ((long) flags << 60);
  }

  /**
   * A pointer to a stored block. {@code dvas} has 3 entries, unused ones 0; {@code checksum} the 4
   * little-endian words of the checksum of the stored bytes.
   */
  public static BlockPointer stored(
      long[] dvas,
      int lsizeBytes,
      int psizeBytes,
      CompressionType compression,
      ChecksumType checksumType,
      ObjectType type,
      int level,
      long birthTxg,
      long fill,
      long[] checksum) {
    Check.that(lsizeBytes % 512 == 0 && psizeBytes % 512 == 0, "block size", psizeBytes);
    long properties =
        pack(lsizeBytes / 512, psizeBytes / 512, compression, false, checksumType, type, level, 0);
    return new BlockPointer(dvas, properties, birthTxg, birthTxg, fill, null, checksum);
  }

  /** A pointer that carries its block's (compressed) bytes itself. */
  public static BlockPointer embedded(
      byte[] payload,
      int lsizeBytes,
      CompressionType compression,
      ObjectType type,
      int level,
      long birthTxg,
      long fill) {
    Check.that(payload.length <= EMBEDDED_BYTES, "embedded payload", payload.length);
    long properties =
        pack(lsizeBytes / 512, payload.length, compression, true, ChecksumType.OFF, type, level, 0);
    return new BlockPointer(
        new long[3], properties, birthTxg, birthTxg, fill, payload.clone(), new long[4]);
  }

  /**
   * Another pointer to the same block, which holds its content from {@code txg} on; where the block
   * lies, and since when, is as it was. A hole stays one.
   */
  public BlockPointer clonedIn(long txg) {
    return isHole()
        ? this
        : new BlockPointer(
            new long[] {dva0, dva1, dva2},
            properties,
            txg,
            isEmbedded() ? txg : physicalBirth,
            fill,
            embedded,
            new long[] {sum0, sum1, sum2, sum3});
  }

  /**
   * Decodes and checks the pointer at {@code offset}: sizes, types and levels within bounds, an
   * address wherever there is a block. Whether a metaslab exists is for the caller to check.
   */
  public static BlockPointer decode(MemorySegment at, long offset) {
    long properties = u64(at, offset + PROPERTIES);
    long[] dvas = {u64(at, offset + DVA), u64(at, offset + DVA + 8), u64(at, offset + DVA + 16)};
    boolean isEmbedded = (properties & (1L << 39)) != 0;
    if (properties == 0) {
      if ((dvas[0] | dvas[1] | dvas[2]) != 0) {
        throw corrupt("block_pointer.properties", "address without properties");
      }
      return HOLE;
    }
    CompressionType compression = CompressionType.ofCode((int) (properties >>> 32) & 0x7f);
    ChecksumType.ofCode((int) (properties >>> 40) & 0xff);
    ObjectType.ofCode((int) (properties >>> 48) & 0xff, "block_pointer.type");
    int lsize = (int) (properties & 0xffff) * 512;
    int psize = (int) (properties >>> 16) & 0xffff;
    if (lsize == 0 || lsize > MAX_BLOCK_BYTES) {
      throw corrupt("block_pointer.lsize", lsize);
    }
    if ((properties >>> 60) != 0) {
      throw corrupt("block_pointer.flags", properties >>> 60);
    }
    long birth = u64(at, offset + LOGICAL_BIRTH);
    long physicalBirth = u64(at, offset + PHYSICAL_BIRTH);
    if (birth <= 0 || physicalBirth <= 0) {
      throw corrupt("block_pointer.birth", birth);
    }
    long fill = u64(at, offset + FILL);
    if (isEmbedded) {
      if (psize == 0 || psize > EMBEDDED_BYTES || compression == CompressionType.OFF) {
        throw corrupt("block_pointer.psize", psize);
      }
      byte[] payload = new byte[psize];
      int head = Math.min(psize, 24);
      MemorySegment.copy(at, ValueLayout.JAVA_BYTE, offset + DVA, payload, 0, head);
      MemorySegment.copy(at, ValueLayout.JAVA_BYTE, offset + SALT, payload, head, psize - head);
      return new BlockPointer(
          new long[3], properties, birth, physicalBirth, fill, payload, new long[4]);
    }
    if (psize == 0
        || psize * 512 > MAX_BLOCK_BYTES
        || psize * 512 > lsize
        || (compression == CompressionType.OFF && psize * 512 != lsize)) {
      throw corrupt("block_pointer.psize", psize);
    }
    if (dvas[0] == Dva.NONE || (dvas[1] == Dva.NONE && dvas[2] != Dva.NONE)) {
      throw corrupt("block_pointer.dva", "a copy is missing before another");
    }
    for (long dva : dvas) {
      if (dva != Dva.NONE && Dva.metaslab(dva) == 0) {
        throw corrupt("block_pointer.dva.metaslab", 0);
      }
    }
    long[] checksum = new long[4];
    for (int i = 0; i < 4; i++) {
      checksum[i] = u64(at, offset + CHECKSUM + 8L * i);
    }
    return new BlockPointer(dvas, properties, birth, physicalBirth, fill, null, checksum);
  }

  /** Writes all 128 bytes at {@code offset}. */
  public void encode(MemorySegment at, long offset) {
    at.asSlice(offset, BYTES).fill((byte) 0);
    if (isHole()) {
      return;
    }
    Disk.putU64(at, offset + PROPERTIES, properties);
    Disk.putU64(at, offset + LOGICAL_BIRTH, logicalBirth);
    Disk.putU64(at, offset + PHYSICAL_BIRTH, physicalBirth);
    Disk.putU64(at, offset + FILL, fill);
    byte[] payload = embedded;
    if (payload != null) {
      int head = Math.min(payload.length, 24);
      MemorySegment.copy(payload, 0, at, ValueLayout.JAVA_BYTE, offset + DVA, head);
      MemorySegment.copy(
          payload, head, at, ValueLayout.JAVA_BYTE, offset + SALT, payload.length - head);
      return;
    }
    Disk.putU64(at, offset + DVA, dva0);
    Disk.putU64(at, offset + DVA + 8, dva1);
    Disk.putU64(at, offset + DVA + 16, dva2);
    Disk.putU64(at, offset + CHECKSUM, sum0);
    Disk.putU64(at, offset + CHECKSUM + 8, sum1);
    Disk.putU64(at, offset + CHECKSUM + 16, sum2);
    Disk.putU64(at, offset + CHECKSUM + 24, sum3);
  }

  public boolean isHole() {
    return properties == 0;
  }

  public boolean isEmbedded() {
    return embedded != null;
  }

  /** The embedded payload; only for an embedded pointer. */
  public byte[] embeddedPayload() {
    byte[] payload = embedded;
    if (payload == null) {
      throw new AssertionError("not an embedded block pointer");
    }
    return payload;
  }

  /** Copy {@code index} (0 to 2) of the block, or {@link Dva#NONE}. */
  public long dva(int index) {
    return switch (index) {
      case 0 -> dva0;
      case 1 -> dva1;
      default -> dva2;
    };
  }

  /** How many copies are stored: 0 for a hole or an embedded block. */
  public int copies() {
    return dva0 == Dva.NONE ? 0 : dva1 == Dva.NONE ? 1 : dva2 == Dva.NONE ? 2 : 3;
  }

  /** Bytes of the block when decoded. */
  public int lsizeBytes() {
    return (int) (properties & 0xffff) * 512;
  }

  /** Bytes stored per copy; for an embedded block, of the payload. */
  public int psizeBytes() {
    int psize = (int) (properties >>> 16) & 0xffff;
    return isEmbedded() ? psize : psize * 512;
  }

  public CompressionType compression() {
    return CompressionType.ofCode((int) (properties >>> 32) & 0x7f);
  }

  public ChecksumType checksumType() {
    return ChecksumType.ofCode((int) (properties >>> 40) & 0xff);
  }

  public ObjectType type() {
    return ObjectType.ofCode((int) (properties >>> 48) & 0xff, "block_pointer.type");
  }

  /** 0 for data, n for the n-th level of indirect blocks. */
  public int level() {
    return (int) (properties >>> 56) & 0xf;
  }

  /** The txg in which the block's content was written. */
  public long logicalBirth() {
    return logicalBirth;
  }

  /** The txg in which it was stored at its present addresses. */
  public long physicalBirth() {
    return physicalBirth;
  }

  /** Blocks with data below and including this one; for a block of dnodes, allocated dnodes. */
  public long fill() {
    return fill;
  }

  /** Word {@code index} (0 to 3) of the checksum of the stored bytes. */
  public long checksumWord(int index) {
    return switch (index) {
      case 0 -> sum0;
      case 1 -> sum1;
      case 2 -> sum2;
      default -> sum3;
    };
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BlockPointer that
        && dva0 == that.dva0
        && dva1 == that.dva1
        && dva2 == that.dva2
        && properties == that.properties
        && logicalBirth == that.logicalBirth
        && physicalBirth == that.physicalBirth
        && fill == that.fill
        && Arrays.equals(embedded, that.embedded)
        && sum0 == that.sum0
        && sum1 == that.sum1
        && sum2 == that.sum2
        && sum3 == that.sum3;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(dva0 * 31 + properties * 17 + logicalBirth + sum0);
  }

  @Override
  public String toString() {
    if (isHole()) {
      return "hole";
    }
    String where =
        isEmbedded()
            ? "embedded"
            : Dva.toString(dva0)
                + (dva1 == 0 ? "" : "," + Dva.toString(dva1))
                + (dva2 == 0 ? "" : "," + Dva.toString(dva2));
    return type()
        + " L"
        + level()
        + " "
        + where
        + " "
        + lsizeBytes()
        + "L/"
        + psizeBytes()
        + "P "
        + compression()
        + " "
        + checksumType()
        + " birth "
        + logicalBirth
        + " fill "
        + fill;
  }
}
