package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.U8;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.OwnerAccountRecord;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The attributes of a file, in the bonus of its dnode: 128 bytes, then up to 192 bytes of inline
 * data. Fields are set on a fresh {@link #copy}; once another thread can see a record it never
 * changes.
 */
public final class ZnodeRecord {
  public static final int VERSION = 1;

  /** Bytes before the inline data. */
  public static final int BYTES = 128;

  public static final int INLINE_BYTES = DnodeRecord.BONUS_BYTES - BYTES;

  /** The inline data is the target of the symbolic link. */
  public static final int FLAG_INLINE_TARGET = 1;

  /** The inline data is the map of extended attributes. */
  public static final int FLAG_INLINE_XATTRS = 2;

  /** There is a security.capability, which a write takes away. */
  public static final int FLAG_CAPABILITY = 4;

  /** The extended attributes hold an access control list: the mode's group bits are its mask. */
  public static final int FLAG_ACL = 8;

  /** The extended attributes of a directory hold the list for what is made in it. */
  public static final int FLAG_DEFAULT_ACL = 16;

  /** What the extended attributes decide. */
  static final int XATTR_FLAGS = FLAG_INLINE_XATTRS | FLAG_CAPABILITY | FLAG_ACL | FLAG_DEFAULT_ACL;

  /** Of a directory: what is made in it takes over its project and, being a directory, this. */
  static final int PROJECT_INHERITED = 1;

  private static final int ALL_FLAGS = FLAG_INLINE_TARGET | XATTR_FLAGS;
  private static final long MAX_LINKS = 0xffff_ffffL;
  private static final int NANOS_PER_SECOND = 1_000_000_000;
  private static final byte[] NOTHING = {};

  public static final StructLayout LAYOUT =
      structLayout(
          U16.withName("version"),
          U16.withName("flags"),
          U32.withName("mode"),
          U32.withName("uid"),
          U32.withName("gid"),
          U32.withName("nlink"),
          U32.withName("project"),
          U64.withName("size"),
          U64.withName("parent"),
          U64.withName("generation"),
          U64.withName("rdev"),
          U64.withName("xattr_object"),
          U64.withName("entry_count"),
          U64.withName("atime_seconds"),
          U64.withName("mtime_seconds"),
          U64.withName("ctime_seconds"),
          U64.withName("btime_seconds"),
          U32.withName("atime_nanos"),
          U32.withName("mtime_nanos"),
          U32.withName("ctime_nanos"),
          U32.withName("btime_nanos"),
          U16.withName("inline_bytes"),
          U16.withName("project_flags"),
          MemoryLayout.sequenceLayout(4, U8).withName("reserved"));

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "znode size", LAYOUT.byteSize());
    Check.that(BYTES == OwnerAccountRecord.ZNODE_BYTES, "znode size", BYTES);
    Check.that(Disk.offset(LAYOUT, "uid") == OwnerAccountRecord.UID_OFFSET, "znode.uid");
    Check.that(Disk.offset(LAYOUT, "gid") == OwnerAccountRecord.GID_OFFSET, "znode.gid");
    Check.that(
        Disk.offset(LAYOUT, "project") == OwnerAccountRecord.PROJECT_OFFSET, "znode.project");
    Check.that(Disk.offset(LAYOUT, "size") == 24, "znode.size");
    Check.that(Disk.offset(LAYOUT, "atime_seconds") == 72, "znode.atime_seconds");
    Check.that(Disk.offset(LAYOUT, "atime_nanos") == 104, "znode.atime_nanos");
    Check.that(Disk.offset(LAYOUT, "inline_bytes") == 120, "znode.inline_bytes");
    Check.that(Disk.offset(LAYOUT, "project_flags") == 122, "znode.project_flags");
  }

  int flags;

  /** Type and permissions as in st_mode. */
  int mode;

  int uid;
  int gid;

  /** Names of the file; of a directory 2 and one more for each directory in it. */
  long nlink;

  int project;

  /** {@link #PROJECT_INHERITED}; what a later version may add is kept. */
  int projectFlags;

  /** Bytes; of a directory 0. */
  long size;

  /** The directory that holds it; of a file with several names, the one of the latest. */
  long parent;

  long generation;
  long rdev;

  /** Object of the extended attributes, or 0. */
  long xattrObject;

  /** Names in a directory, without '.' and '..'. */
  long entryCount;

  long atimeSeconds;
  long mtimeSeconds;
  long ctimeSeconds;
  long btimeSeconds;
  int atimeNanos;
  int mtimeNanos;
  int ctimeNanos;
  int btimeNanos;

  /** Never changed in place. */
  byte[] inline = NOTHING;

  /** With {@link #FLAG_ACL}: the list, once somebody asked for it; every reader finds the same. */
  volatile @Nullable PosixAcl acl;

  ZnodeRecord() {}

  ZnodeRecord copy() {
    ZnodeRecord to = new ZnodeRecord();
    to.flags = flags;
    to.mode = mode;
    to.uid = uid;
    to.gid = gid;
    to.nlink = nlink;
    to.project = project;
    to.projectFlags = projectFlags;
    to.size = size;
    to.parent = parent;
    to.generation = generation;
    to.rdev = rdev;
    to.xattrObject = xattrObject;
    to.entryCount = entryCount;
    to.atimeSeconds = atimeSeconds;
    to.mtimeSeconds = mtimeSeconds;
    to.ctimeSeconds = ctimeSeconds;
    to.btimeSeconds = btimeSeconds;
    to.atimeNanos = atimeNanos;
    to.mtimeNanos = mtimeNanos;
    to.ctimeNanos = ctimeNanos;
    to.btimeNanos = btimeNanos;
    to.inline = inline;
    to.acl = acl;
    return to;
  }

  void setAtime(long wallNanos) {
    atimeSeconds = Math.floorDiv(wallNanos, (long) NANOS_PER_SECOND);
    atimeNanos = Math.floorMod(wallNanos, NANOS_PER_SECOND);
  }

  void setMtime(long wallNanos) {
    mtimeSeconds = Math.floorDiv(wallNanos, (long) NANOS_PER_SECOND);
    mtimeNanos = Math.floorMod(wallNanos, NANOS_PER_SECOND);
  }

  void setCtime(long wallNanos) {
    ctimeSeconds = Math.floorDiv(wallNanos, (long) NANOS_PER_SECOND);
    ctimeNanos = Math.floorMod(wallNanos, NANOS_PER_SECOND);
  }

  /** All four times. */
  void setBirth(long wallNanos) {
    setAtime(wallNanos);
    setMtime(wallNanos);
    setCtime(wallNanos);
    btimeSeconds = ctimeSeconds;
    btimeNanos = ctimeNanos;
  }

  boolean isDirectory() {
    return Mode.isDirectory(mode);
  }

  boolean isRegular() {
    return Mode.isRegular(mode);
  }

  boolean isSymlink() {
    return Mode.isSymlink(mode);
  }

  boolean givesProject() {
    return isDirectory() && (projectFlags & PROJECT_INHERITED) != 0;
  }

  /** Whether a file may get a name in this directory, which would else not be of its project. */
  boolean takes(ZnodeRecord file) {
    return !givesProject() || file.project == project;
  }

  boolean hasFlag(int flag) {
    return (flags & flag) != 0;
  }

  /** Decodes and checks the bonus of a file's dnode. */
  static ZnodeRecord decode(byte[] bonus) {
    if (bonus.length < BYTES || bonus.length > DnodeRecord.BONUS_BYTES) {
      throw corrupt("znode.bytes", bonus.length);
    }
    MemorySegment at = MemorySegment.ofArray(bonus);
    if (Disk.u16(at, 0) != VERSION) {
      throw corrupt("znode.version", Disk.u16(at, 0));
    }
    ZnodeRecord to = new ZnodeRecord();
    to.flags = Disk.u16(at, 2);
    to.mode = (int) Disk.u32(at, 4);
    to.uid = (int) Disk.u32(at, 8);
    to.gid = (int) Disk.u32(at, 12);
    to.nlink = Disk.u32(at, 16);
    to.project = (int) Disk.u32(at, 20);
    to.size = Disk.u64(at, 24);
    to.parent = Disk.u64(at, 32);
    to.generation = Disk.u64(at, 40);
    to.rdev = Disk.u64(at, 48);
    to.xattrObject = Disk.u64(at, 56);
    to.entryCount = Disk.u64(at, 64);
    to.atimeSeconds = Disk.u64(at, 72);
    to.mtimeSeconds = Disk.u64(at, 80);
    to.ctimeSeconds = Disk.u64(at, 88);
    to.btimeSeconds = Disk.u64(at, 96);
    to.atimeNanos = nanos(at, 104);
    to.mtimeNanos = nanos(at, 108);
    to.ctimeNanos = nanos(at, 112);
    to.btimeNanos = nanos(at, 116);
    int inlineBytes = Disk.u16(at, 120);
    if (inlineBytes > bonus.length - BYTES) {
      throw corrupt("znode.inline_bytes", inlineBytes);
    }
    to.projectFlags = Disk.u16(at, 122);
    to.inline = inlineBytes == 0 ? NOTHING : Arrays.copyOfRange(bonus, BYTES, BYTES + inlineBytes);
    to.check();
    return to;
  }

  private static int nanos(MemorySegment at, long offset) {
    long value = Disk.u32(at, offset);
    if (value >= NANOS_PER_SECOND) {
      throw corrupt("znode.nanos", value);
    }
    return (int) value;
  }

  private void check() {
    if (Mode.objectType(mode) == null || (mode & ~(Mode.TYPE_MASK | Mode.PERMISSIONS)) != 0) {
      throw corrupt("znode.mode", mode);
    }
    if ((flags & ~ALL_FLAGS) != 0) {
      throw corrupt("znode.flags", flags);
    }
    if (size < 0 || size > FileData.MAX_FILE_BYTES) {
      throw corrupt("znode.size", size);
    }
    if (parent < 0 || xattrObject < 0 || entryCount < 0) {
      throw corrupt("znode.reference", Math.min(parent, Math.min(xattrObject, entryCount)));
    }
    boolean target = hasFlag(FLAG_INLINE_TARGET);
    boolean xattrs = hasFlag(FLAG_INLINE_XATTRS);
    if ((target && (xattrs || !isSymlink() || inline.length != size))
        || (xattrs && xattrObject != 0)
        || (!target && !xattrs && inline.length != 0)) {
      throw corrupt("znode.inline_bytes", inline.length);
    }
    boolean noXattrs = !xattrs && xattrObject == 0;
    if ((hasFlag(FLAG_ACL) && (noXattrs || isSymlink()))
        || (hasFlag(FLAG_DEFAULT_ACL) && (noXattrs || !isDirectory()))) {
      throw corrupt("znode.flags", flags);
    }
    if (isSymlink() && (size < 1 || size > Names.MAX_TARGET_BYTES)) {
      throw corrupt("znode.size", size);
    }
  }

  /** The bonus: {@link #BYTES} and the inline data. */
  byte[] encode() {
    byte[] bonus = new byte[BYTES + inline.length];
    MemorySegment at = MemorySegment.ofArray(bonus);
    Disk.putU16(at, 0, VERSION);
    Disk.putU16(at, 2, flags);
    Disk.putU32(at, 4, mode);
    Disk.putU32(at, 8, uid);
    Disk.putU32(at, 12, gid);
    // Counts that a crafted device got wrong are counted from, but not beyond what decodes.
    Disk.putU32(at, 16, Math.clamp(nlink, 0, MAX_LINKS));
    Disk.putU32(at, 20, project);
    Disk.putU64(at, 24, size);
    Disk.putU64(at, 32, parent);
    Disk.putU64(at, 40, generation);
    Disk.putU64(at, 48, rdev);
    Disk.putU64(at, 56, xattrObject);
    Disk.putU64(at, 64, Math.max(0, entryCount));
    Disk.putU64(at, 72, atimeSeconds);
    Disk.putU64(at, 80, mtimeSeconds);
    Disk.putU64(at, 88, ctimeSeconds);
    Disk.putU64(at, 96, btimeSeconds);
    Disk.putU32(at, 104, atimeNanos);
    Disk.putU32(at, 108, mtimeNanos);
    Disk.putU32(at, 112, ctimeNanos);
    Disk.putU32(at, 116, btimeNanos);
    Disk.putU16(at, 120, inline.length);
    Disk.putU16(at, 122, projectFlags);
    System.arraycopy(inline, 0, bonus, BYTES, inline.length);
    return bonus;
  }
}
