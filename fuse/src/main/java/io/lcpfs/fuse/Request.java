package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One request of the kernel, in memory that is used again for the next. Offsets of fields are bytes
 * behind the header. Whatever the bytes are, reading them gives a value or EINVAL.
 */
final class Request {
  static final int MAX_BYTES = Fuse.MAX_TRANSFER_BYTES + Fuse.PAGE_BYTES;

  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final int POOLED_NAME_BYTES = 256;
  private static final int EXT_HEADER_BYTES = 8;

  /** Where a request begins, so that the data of a WRITE begins a page. */
  static final long START = Fuse.PAGE_BYTES - Fuse.IN_HEADER_BYTES - Fuse.WRITE_IN_BYTES;

  final MemorySegment buffer;
  int opcode;
  long unique;
  long node;
  int uid;
  int gid;

  private final byte[][] names = new byte[POOLED_NAME_BYTES][];
  private int bodyBytes;
  private int extensionBytes;

  Request(Arena arena) {
    buffer = arena.allocate(START + MAX_BYTES, Fuse.PAGE_BYTES);
  }

  /** Reads the header of a request of {@code bytes} bytes; false when it is none. */
  boolean parse(int bytes) {
    if (bytes < Fuse.IN_HEADER_BYTES || bytes > MAX_BYTES) {
      return false;
    }
    opcode = buffer.get(I32, START + 4);
    unique = buffer.get(I64, START + 8);
    node = buffer.get(I64, START + 16);
    uid = buffer.get(I32, START + 24);
    gid = buffer.get(I32, START + 28);
    extensionBytes = 8 * Short.toUnsignedInt(buffer.get(U16, START + 36));
    bodyBytes = bytes - Fuse.IN_HEADER_BYTES - extensionBytes;
    return buffer.get(I32, START) == bytes && bodyBytes >= 0;
  }

  private static long at(int offset) {
    return START + Fuse.IN_HEADER_BYTES + offset;
  }

  /** Where the field at {@code offset} is in the buffer. */
  static long place(int offset) {
    return at(offset);
  }

  int bodyBytes() {
    return bodyBytes;
  }

  /** @throws io.lcpfs.error.PoolException EINVAL unless there are so many bytes */
  void need(int bytes) {
    if (bytes < 0 || bodyBytes < bytes) {
      throw posix(Errno.EINVAL, "FUSE request " + opcode + " of " + bodyBytes + " bytes");
    }
  }

  int i32(int offset) {
    need(offset + Integer.BYTES);
    return buffer.get(I32, at(offset));
  }

  long i64(int offset) {
    need(offset + Long.BYTES);
    return buffer.get(I64, at(offset));
  }

  /** Length of the text at {@code offset}, which a NUL ends. */
  int textBytes(int offset) {
    need(offset);
    long start = at(offset);
    int most = bodyBytes - offset;
    for (int i = 0; i < most; i++) {
      if (buffer.get(ValueLayout.JAVA_BYTE, start + i) == 0) {
        return i;
      }
    }
    throw posix(Errno.EINVAL, "FUSE request " + opcode + " with a name without end");
  }

  /**
   * The text at {@code offset}; the same array serves the next name of its length, so it is for a
   * callee that keeps nothing.
   */
  byte[] name(int offset) {
    int length = textBytes(offset);
    if (length >= POOLED_NAME_BYTES) {
      return bytes(offset, length);
    }
    byte[] name = names[length];
    if (name == null) {
      name = new byte[length];
      names[length] = name;
    }
    MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, at(offset), name, 0, length);
    return name;
  }

  /** The text at {@code offset} in an array of its own. */
  byte[] text(int offset) {
    return bytes(offset, textBytes(offset));
  }

  byte[] bytes(int offset, int length) {
    if (length < 0 || offset > bodyBytes - length) {
      throw posix(Errno.EINVAL, "FUSE request " + opcode + " of " + bodyBytes + " bytes");
    }
    byte[] copy = new byte[length];
    MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, at(offset), copy, 0, length);
    return copy;
  }

  /** The groups of the caller that the kernel found worth telling, behind the body. */
  int[] groups() {
    int offset = bodyBytes;
    int end = bodyBytes + extensionBytes;
    while (end - offset >= EXT_HEADER_BYTES) {
      int size = buffer.get(I32, at(offset));
      int type = buffer.get(I32, at(offset + 4));
      if (size < EXT_HEADER_BYTES || size > end - offset) {
        break;
      }
      if (type == Fuse.EXT_GROUPS && size >= EXT_HEADER_BYTES + Integer.BYTES) {
        int count = buffer.get(I32, at(offset + EXT_HEADER_BYTES));
        int most = (size - EXT_HEADER_BYTES - Integer.BYTES) / Integer.BYTES;
        int[] groups = new int[Math.clamp(count, 0, most)];
        for (int i = 0; i < groups.length; i++) {
          groups[i] = buffer.get(I32, at(offset + EXT_HEADER_BYTES + Integer.BYTES * (i + 1)));
        }
        return groups;
      }
      offset += (size + 7) & ~7;
    }
    return NO_GROUPS;
  }

  private static final int[] NO_GROUPS = {};
}
