package io.lcpfs.fuse;

import io.lcpfs.posix.Attr;
import io.lcpfs.posix.AttrBuffer;
import io.lcpfs.posix.StatFs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A reply to the kernel, in memory that is used again for the next. Offsets are bytes behind the
 * header; the put methods answer the bytes that they filled.
 */
final class Reply {
  static final int MAX_BYTES = Fuse.OUT_HEADER_BYTES + Fuse.MAX_TRANSFER_BYTES;

  /** Where a reply begins, so that the data of a READ begins a page. */
  static final long START = Fuse.PAGE_BYTES - Fuse.OUT_HEADER_BYTES;

  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final int STATX_BASIC_AND_BTIME = 0xfff;

  final MemorySegment buffer;

  /** For the attributes that are about to be put. */
  final AttrBuffer attrs = new AttrBuffer();

  Reply(Arena arena) {
    buffer = arena.allocate(START + MAX_BYTES, Fuse.PAGE_BYTES);
  }

  static long place(int offset) {
    return START + Fuse.OUT_HEADER_BYTES + offset;
  }

  void i16(int offset, int value) {
    buffer.set(U16, place(offset), (short) value);
  }

  void i32(int offset, int value) {
    buffer.set(I32, place(offset), value);
  }

  void i64(int offset, long value) {
    buffer.set(I64, place(offset), value);
  }

  void bytes(int offset, byte[] value) {
    MemorySegment.copy(value, 0, buffer, ValueLayout.JAVA_BYTE, place(offset), value.length);
  }

  void clear(int offset, int bytes) {
    buffer.asSlice(place(offset), bytes).fill((byte) 0);
  }

  /** Fills in the header; {@code error} is 0 or a negative errno. Answers the bytes to send. */
  int finish(int payloadBytes, int error, long unique) {
    int bytes = Fuse.OUT_HEADER_BYTES + payloadBytes;
    buffer.set(I32, START, bytes);
    buffer.set(I32, START + 4, error);
    buffer.set(I64, START + 8, unique);
    return bytes;
  }

  /** Takes {@code attr} as the attributes to be put. */
  void take(Attr attr) {
    attrs.inode = attr.inode();
    attrs.generation = attr.generation();
    attrs.mode = attr.mode();
    attrs.nlink = attr.nlink();
    attrs.uid = attr.uid();
    attrs.gid = attr.gid();
    attrs.rdev = attr.rdev();
    attrs.size = attr.size();
    attrs.blocks512 = attr.blocks512();
    attrs.blockBytes = attr.blockBytes();
    attrs.atimeSeconds = attr.atimeSeconds();
    attrs.atimeNanos = attr.atimeNanos();
    attrs.mtimeSeconds = attr.mtimeSeconds();
    attrs.mtimeNanos = attr.mtimeNanos();
    attrs.ctimeSeconds = attr.ctimeSeconds();
    attrs.ctimeNanos = attr.ctimeNanos();
    attrs.btimeSeconds = attr.btimeSeconds();
    attrs.btimeNanos = attr.btimeNanos();
  }

  /** fuse_entry_out for the attributes taken. */
  int entry(int offset, long node, long inodeShown, long entrySeconds, long attrSeconds) {
    i64(offset, node);
    i64(offset + 8, attrs.generation);
    i64(offset + 16, entrySeconds);
    i64(offset + 24, attrSeconds);
    i64(offset + 32, 0);
    attr(offset + 40, inodeShown);
    return Fuse.ENTRY_OUT_BYTES;
  }

  /** fuse_entry_out that says: there is no such name, and there will be none for a while. */
  int noEntry(long validSeconds) {
    clear(0, Fuse.ENTRY_OUT_BYTES);
    i64(16, validSeconds);
    return Fuse.ENTRY_OUT_BYTES;
  }

  /** fuse_attr_out for the attributes taken. */
  int attrOut(long inodeShown, long validSeconds) {
    i64(0, validSeconds);
    i64(8, 0);
    attr(16, inodeShown);
    return Fuse.ATTR_OUT_BYTES;
  }

  private void attr(int at, long inodeShown) {
    i64(at, inodeShown);
    i64(at + 8, attrs.size);
    i64(at + 16, attrs.blocks512);
    i64(at + 24, attrs.atimeSeconds);
    i64(at + 32, attrs.mtimeSeconds);
    i64(at + 40, attrs.ctimeSeconds);
    i32(at + 48, attrs.atimeNanos);
    i32(at + 52, attrs.mtimeNanos);
    i32(at + 56, attrs.ctimeNanos);
    i32(at + 60, attrs.mode);
    i32(at + 64, (int) attrs.nlink);
    i32(at + 68, attrs.uid);
    i32(at + 72, attrs.gid);
    i32(at + 76, (int) attrs.rdev);
    i32(at + 80, attrs.blockBytes);
    i32(at + 84, 0);
  }

  /** fuse_statx_out for the attributes taken. */
  int statx(long inodeShown, long validSeconds) {
    clear(0, Fuse.STATX_OUT_BYTES);
    i64(0, validSeconds);
    int at = 32;
    i32(at, STATX_BASIC_AND_BTIME);
    i32(at + 4, attrs.blockBytes);
    i32(at + 16, (int) attrs.nlink);
    i32(at + 20, attrs.uid);
    i32(at + 24, attrs.gid);
    i16(at + 28, attrs.mode);
    i64(at + 32, inodeShown);
    i64(at + 40, attrs.size);
    i64(at + 48, attrs.blocks512);
    time(at + 64, attrs.atimeSeconds, attrs.atimeNanos);
    time(at + 80, attrs.btimeSeconds, attrs.btimeNanos);
    time(at + 96, attrs.ctimeSeconds, attrs.ctimeNanos);
    time(at + 112, attrs.mtimeSeconds, attrs.mtimeNanos);
    long rdev = attrs.rdev;
    i32(at + 128, (int) ((rdev >>> 8) & 0xfff));
    i32(at + 132, (int) ((rdev & 0xff) | ((rdev >>> 12) & 0xfff00)));
    return Fuse.STATX_OUT_BYTES;
  }

  private void time(int at, long seconds, int nanos) {
    i64(at, seconds);
    i32(at + 8, nanos);
  }

  int open(int offset, long handle, int flags) {
    i64(offset, handle);
    i32(offset + 8, flags);
    i32(offset + 12, 0);
    return Fuse.OPEN_OUT_BYTES;
  }

  int written(int bytes) {
    i32(0, bytes);
    i32(4, 0);
    return 8;
  }

  int statfs(StatFs stat) {
    clear(0, Fuse.STATFS_OUT_BYTES);
    i64(0, stat.totalBlocks());
    i64(8, stat.freeBlocks());
    i64(16, stat.availableBlocks());
    i64(24, stat.files() + stat.freeFiles());
    i64(32, stat.freeFiles());
    i32(40, stat.blockBytes());
    i32(44, stat.maxNameBytes());
    i32(48, stat.blockBytes());
    return Fuse.STATFS_OUT_BYTES;
  }

  /** Bytes of a fuse_dirent with a name of {@code nameBytes}. */
  static int direntBytes(int nameBytes) {
    return (Fuse.DIRENT_BYTES + nameBytes + 7) & ~7;
  }

  int dirent(int offset, long inodeShown, long cookie, int type, byte[] name) {
    int bytes = direntBytes(name.length);
    i64(offset + bytes - 8, 0);
    i64(offset, inodeShown);
    i64(offset + 8, cookie);
    i32(offset + 16, name.length);
    i32(offset + 20, type);
    bytes(offset + Fuse.DIRENT_BYTES, name);
    return bytes;
  }
}
