package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import io.lcpfs.format.Disk;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The extended attributes of a file: immutable, sorted by name. On disk a header of 16 bytes, then
 * for each attribute 8 bytes, the name and the value, without gaps.
 */
final class XattrMap {
  static final XattrMap EMPTY = new XattrMap(new byte[0][], new byte[0][]);

  static final int MAX_NAME_BYTES = 255;
  static final int MAX_VALUE_BYTES = 64 << 10;
  static final int MAX_TOTAL_BYTES = 1 << 20;
  static final int HEADER_BYTES = 16;
  static final int ENTRY_BYTES = 8;
  static final long MAGIC = 0x4D58434C; // "LCXM"

  static final StructLayout HEADER =
      structLayout(
          U32.withName("magic"),
          U32.withName("count"),
          U32.withName("total_bytes"),
          U32.withName("reserved"));
  static final StructLayout ENTRY =
      structLayout(
          U16.withName("name_bytes"), U16.withName("reserved"), U32.withName("value_bytes"));

  static {
    Check.that(HEADER.byteSize() == HEADER_BYTES, "xattr header size", HEADER.byteSize());
    Check.that(ENTRY.byteSize() == ENTRY_BYTES, "xattr entry size", ENTRY.byteSize());
  }

  private final byte[][] names;
  private final byte[][] values;

  private XattrMap(byte[][] names, byte[][] values) {
    this.names = names;
    this.values = values;
  }

  int size() {
    return names.length;
  }

  private int find(byte[] name) {
    return Arrays.binarySearch(names, name, Arrays::compareUnsigned);
  }

  /** The value, not to be changed, or null. */
  byte @Nullable [] get(byte[] name) {
    int at = find(name);
    return at < 0 ? null : values[at];
  }

  /** A map with {@code name} set to {@code value}; keeps both arrays. */
  XattrMap with(byte[] name, byte[] value) {
    int at = find(name);
    if (at >= 0) {
      byte[][] changed = values.clone();
      changed[at] = value;
      return new XattrMap(names, changed);
    }
    return new XattrMap(inserted(names, -at - 1, name), inserted(values, -at - 1, value));
  }

  private static byte[][] inserted(byte[][] from, int at, byte[] one) {
    byte[][] to = new byte[from.length + 1][];
    System.arraycopy(from, 0, to, 0, at);
    to[at] = one;
    System.arraycopy(from, at, to, at + 1, from.length - at);
    return to;
  }

  /** A map without {@code name}, which is there. */
  XattrMap without(byte[] name) {
    int at = find(name);
    Check.that(at >= 0, "extended attribute to remove");
    return new XattrMap(removed(names, at), removed(values, at));
  }

  private static byte[][] removed(byte[][] from, int at) {
    byte[][] to = new byte[from.length - 1][];
    System.arraycopy(from, 0, to, 0, at);
    System.arraycopy(from, at + 1, to, at, to.length - at);
    return to;
  }

  /** Copies of the names, sorted. */
  List<byte[]> names() {
    List<byte[]> copies = new ArrayList<>(names.length);
    for (byte[] name : names) {
      copies.add(name.clone());
    }
    return copies;
  }

  /** Bytes of {@link #encode}; more than MAX_TOTAL_BYTES cannot be stored. */
  long encodedBytes() {
    long total = HEADER_BYTES;
    for (int i = 0; i < names.length; i++) {
      total += ENTRY_BYTES + names[i].length + values[i].length;
    }
    return total;
  }

  byte[] encode() {
    byte[] bytes = new byte[Math.toIntExact(encodedBytes())];
    MemorySegment to = MemorySegment.ofArray(bytes);
    Disk.putU32(to, 0, MAGIC);
    Disk.putU32(to, 4, names.length);
    Disk.putU32(to, 8, bytes.length);
    int at = HEADER_BYTES;
    for (int i = 0; i < names.length; i++) {
      Disk.putU16(to, at, names[i].length);
      Disk.putU32(to, at + 4, values[i].length);
      at += ENTRY_BYTES;
      System.arraycopy(names[i], 0, bytes, at, names[i].length);
      at += names[i].length;
      System.arraycopy(values[i], 0, bytes, at, values[i].length);
      at += values[i].length;
    }
    return bytes;
  }

  /** The length that a header of 16 bytes announces; Corrupt when it is none. */
  static int totalBytes(byte[] header) {
    MemorySegment at = MemorySegment.ofArray(header);
    if (header.length < HEADER_BYTES || Disk.u32(at, 0) != MAGIC) {
      throw corrupt("xattrs.magic", header.length < HEADER_BYTES ? 0 : Disk.u32(at, 0));
    }
    long total = Disk.u32(at, 8);
    if (total < HEADER_BYTES || total > MAX_TOTAL_BYTES) {
      throw corrupt("xattrs.total_bytes", total);
    }
    return (int) total;
  }

  /** Decodes and checks all of {@code bytes}. */
  static XattrMap decode(byte[] bytes) {
    if (totalBytes(bytes) != bytes.length) {
      throw corrupt("xattrs.total_bytes", bytes.length);
    }
    MemorySegment from = MemorySegment.ofArray(bytes);
    long count = Disk.u32(from, 4);
    if (count > bytes.length / ENTRY_BYTES) {
      throw corrupt("xattrs.count", count);
    }
    byte[][] names = new byte[(int) count][];
    byte[][] values = new byte[(int) count][];
    int at = HEADER_BYTES;
    for (int i = 0; i < count; i++) {
      if (bytes.length - at < ENTRY_BYTES) {
        throw corrupt("xattrs.count", count);
      }
      int nameBytes = Disk.u16(from, at);
      long valueBytes = Disk.u32(from, at + 4);
      at += ENTRY_BYTES;
      if (nameBytes == 0
          || nameBytes > MAX_NAME_BYTES
          || valueBytes > MAX_VALUE_BYTES
          || nameBytes + valueBytes > bytes.length - at) {
        throw corrupt("xattr.name_bytes", nameBytes);
      }
      names[i] = Arrays.copyOfRange(bytes, at, at + nameBytes);
      at += nameBytes;
      values[i] = Arrays.copyOfRange(bytes, at, at + (int) valueBytes);
      at += (int) valueBytes;
      if (i > 0 && Arrays.compareUnsigned(names[i - 1], names[i]) >= 0) {
        throw corrupt("xattr.name", Names.show(names[i]));
      }
    }
    if (at != bytes.length) {
      throw corrupt("xattrs.total_bytes", bytes.length);
    }
    return new XattrMap(names, values);
  }
}
