package io.lcpfs.format;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.SequenceLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** The scalar types of the disk format: little-endian, no alignment. */
public final class Disk {
  public static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;
  public static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  public static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  public static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

  /**
   * No txg and no generation is above this: a program that counts up from a device's numbers must
   * not run over.
   */
  public static final long MAX_TXG = 1L << 48;

  /** Smallest unit of an address or a block size, in bytes. */
  public static final int SECTOR_BYTES = 512;

  private Disk() {}

  /** A field of {@code count} raw bytes. */
  public static SequenceLayout bytes(String name, int count) {
    return MemoryLayout.sequenceLayout(count, U8).withName(name);
  }

  /** Bytes that are written as zeros and ignored when read. */
  public static PaddingLayout reserved(int count) {
    return MemoryLayout.paddingLayout(count);
  }

  /** Offset in bytes of the named field. */
  public static long offset(StructLayout layout, String field) {
    return layout.byteOffset(MemoryLayout.PathElement.groupElement(field));
  }

  public static int u8(MemorySegment at, long offset) {
    return Byte.toUnsignedInt(at.get(U8, offset));
  }

  public static int u16(MemorySegment at, long offset) {
    return Short.toUnsignedInt(at.get(U16, offset));
  }

  public static long u32(MemorySegment at, long offset) {
    return Integer.toUnsignedLong(at.get(U32, offset));
  }

  public static long u64(MemorySegment at, long offset) {
    return at.get(U64, offset);
  }

  public static void putU8(MemorySegment at, long offset, int value) {
    at.set(U8, offset, (byte) value);
  }

  public static void putU16(MemorySegment at, long offset, int value) {
    at.set(U16, offset, (short) value);
  }

  public static void putU32(MemorySegment at, long offset, long value) {
    at.set(U32, offset, (int) value);
  }

  public static void putU64(MemorySegment at, long offset, long value) {
    at.set(U64, offset, value);
  }
}
