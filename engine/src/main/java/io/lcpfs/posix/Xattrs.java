package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Extended attributes, with the rules of Linux for the name spaces user, trusted, security and
 * system. The map lies inline in the znode while it fits, else in an object that each change writes
 * anew.
 */
final class Xattrs {
  static final int CREATE = 1;
  static final int REPLACE = 2;

  /** Who sets an access control list has not the right to keep the set-group-id bit. */
  static final int KILL_SET_GID = 1 << 16;

  private static final byte[] USER = bytes("user.");
  private static final byte[] TRUSTED = bytes("trusted.");
  private static final byte[] SECURITY = bytes("security.");
  private static final byte[] CAPABILITY = bytes("security.capability");
  private static final int SMALLEST_BLOCK_BYTES = 512;
  private static final int LARGEST_BLOCK_BYTES = 128 << 10;

  private final FsCore core;

  Xattrs(FsCore core) {
    this.core = core;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static boolean startsWith(byte[] name, byte[] prefix) {
    return name.length >= prefix.length
        && Arrays.equals(name, 0, prefix.length, prefix, 0, prefix.length);
  }

  byte[] get(Znode file, byte[] name, Caller caller) {
    checkName(name);
    checkAccess(file, name, caller, false);
    long stamp = file.lock.readLock();
    try {
      XattrMap all = load(file);
      byte[] value = all.get(name);
      if (value == null) {
        throw posix(Errno.ENODATA, Names.show(name));
      }
      if (Arrays.equals(name, PosixAcl.ACCESS)) {
        PosixAcl acl = Objects.requireNonNull(PosixAcl.stored(all, name));
        return acl.withMode(file.attrs().mode).encode();
      }
      return value.clone();
    } finally {
      file.lock.unlockRead(stamp);
    }
  }

  List<byte[]> list(Znode file, Caller caller) {
    List<byte[]> names;
    long stamp = file.lock.readLock();
    try {
      names = load(file).names();
    } finally {
      file.lock.unlockRead(stamp);
    }
    if (caller.privileged()) {
      return names;
    }
    List<byte[]> shown = new ArrayList<>(names.size());
    for (byte[] name : names) {
      if (!startsWith(name, TRUSTED)) {
        shown.add(name);
      }
    }
    return shown;
  }

  void set(Znode file, byte[] name, byte[] value, int flags, Caller caller) {
    int once = flags & (CREATE | REPLACE);
    if ((flags & ~(CREATE | REPLACE | KILL_SET_GID)) != 0 || once == (CREATE | REPLACE)) {
      throw posix(Errno.EINVAL, "setxattr flags " + flags);
    }
    checkName(name);
    if (value.length > XattrMap.MAX_VALUE_BYTES) {
      throw posix(Errno.E2BIG, Names.show(name));
    }
    core.checkWritable();
    checkAccess(file, name, caller, true);
    if (PosixAcl.isName(name)) {
      setList(file, name, value, flags, caller);
      return;
    }
    try (LockSet locks = LockSet.write(file)) {
      XattrMap before = loadToSet(file, name, flags);
      store(file, file.attrs().copy(), before.with(name, value));
    }
  }

  private void setList(Znode file, byte[] name, byte[] value, int flags, Caller caller) {
    PosixAcl list = PosixAcl.decode(value);
    if (list == null) {
      remove(file, name, caller);
      return;
    }
    boolean access = Arrays.equals(name, PosixAcl.ACCESS);
    if (!access && !file.isDirectory()) {
      throw posix(Errno.EACCES, "default access control list of inode " + file.inode);
    }
    Permissions.checkOwner(file, caller);
    list.check();
    try (LockSet locks = LockSet.write(file)) {
      XattrMap before = loadToSet(file, name, flags);
      XattrMap after = before;
      if (!access || list.hasMask()) {
        after = before.with(name, list.encode());
      } else if (before.get(name) != null) {
        // The mode says all of it.
        after = before.without(name);
      }
      ZnodeRecord next = file.attrs().copy();
      if (access) {
        next.mode = (next.mode & ~Mode.ANY_PERMISSION) | list.modeBits();
        boolean stranger = !caller.privileged() && !caller.inGroup(next.gid);
        if (stranger || (flags & KILL_SET_GID) != 0) {
          next.mode &= ~Mode.SET_GID;
        }
      }
      store(file, next, after);
    }
  }

  /** The attributes before one is set, which must be there or not as {@code flags} say. */
  private XattrMap loadToSet(Znode file, byte[] name, int flags) {
    checkAlive(file);
    XattrMap before = load(file);
    boolean present = before.get(name) != null;
    if (present && (flags & CREATE) != 0) {
      throw posix(Errno.EEXIST, Names.show(name));
    }
    if (!present && (flags & REPLACE) != 0) {
      throw posix(Errno.ENODATA, Names.show(name));
    }
    return before;
  }

  void remove(Znode file, byte[] name, Caller caller) {
    checkName(name);
    core.checkWritable();
    checkAccess(file, name, caller, true);
    if (PosixAcl.isName(name)) {
      if (!file.isDirectory() && Arrays.equals(name, PosixAcl.DEFAULT)) {
        return;
      }
      Permissions.checkOwner(file, caller);
    }
    try (LockSet locks = LockSet.write(file)) {
      checkAlive(file);
      XattrMap before = load(file);
      if (before.get(name) != null) {
        store(file, file.attrs().copy(), before.without(name));
      } else if (!PosixAcl.isName(name)) {
        throw posix(Errno.ENODATA, Names.show(name));
      }
    }
  }

  /** Takes away what a privileged person gave to the old content; under the write lock. */
  void dropCapability(Znode file) {
    XattrMap before = load(file);
    if (before.get(CAPABILITY) != null) {
      store(file, file.attrs().copy(), before.without(CAPABILITY));
    }
  }

  private static void checkAlive(Znode file) {
    if (file.deleted) {
      throw posix(Errno.ENOENT, "inode " + file.inode);
    }
  }

  /** Refuses what is no name of an attribute. */
  static void checkName(byte[] name) {
    if (name.length == 0 || name.length > XattrMap.MAX_NAME_BYTES) {
      throw posix(Errno.ERANGE, "extended attribute name of " + name.length + " bytes");
    }
    for (byte b : name) {
      if (b == 0) {
        throw posix(Errno.EINVAL, "extended attribute name with NUL");
      }
    }
    for (byte[] prefix : List.of(USER, TRUSTED, SECURITY)) {
      if (startsWith(name, prefix)) {
        if (name.length == prefix.length) {
          throw posix(Errno.EINVAL, Names.show(name));
        }
        return;
      }
    }
    if (PosixAcl.isName(name)) {
      return;
    }
    throw posix(Errno.EOPNOTSUPP, Names.show(name));
  }

  private static void checkAccess(Znode file, byte[] name, Caller caller, boolean write) {
    ZnodeRecord attrs = file.attrs();
    if (PosixAcl.isName(name)) {
      if (attrs.isSymlink()) {
        throw posix(Errno.EOPNOTSUPP, "access control list of a symbolic link");
      }
    } else if (startsWith(name, TRUSTED)) {
      if (!caller.privileged()) {
        throw posix(write ? Errno.EPERM : Errno.ENODATA, Names.show(name));
      }
    } else if (startsWith(name, USER)) {
      if (!attrs.isRegular() && !attrs.isDirectory()) {
        throw posix(write ? Errno.EPERM : Errno.ENODATA, Names.show(name));
      }
      if (write && attrs.isDirectory() && (attrs.mode & Mode.STICKY) != 0) {
        Permissions.checkOwner(file, caller);
      }
      Permissions.check(file, caller, write ? OpenFlags.W_OK : OpenFlags.R_OK);
    } else if (write && !caller.privileged()) {
      throw posix(Errno.EPERM, Names.show(name));
    }
  }

  /** The attributes; under the lock, at least for reading. */
  private XattrMap load(Znode file) {
    XattrMap known = file.xattrs;
    if (known == null) {
      known = read(core.objects, file.attrs());
      file.xattrs = known;
    }
    return known;
  }

  /** Reads and checks the attributes of a file from disk. */
  static XattrMap read(ObjectSet objects, ZnodeRecord attrs) {
    if (attrs.hasFlag(ZnodeRecord.FLAG_INLINE_XATTRS)) {
      return XattrMap.decode(attrs.inline);
    }
    if (attrs.xattrObject == 0) {
      return XattrMap.EMPTY;
    }
    try (Dnode dnode = objects.hold(attrs.xattrObject)) {
      if (dnode.type() != ObjectType.XATTRS) {
        throw corrupt("znode.xattr_object", attrs.xattrObject);
      }
      byte[] header = new byte[XattrMap.HEADER_BYTES];
      dnode.read(0, MemorySegment.ofArray(header), 0, header.length);
      byte[] all = new byte[XattrMap.totalBytes(header)];
      dnode.read(0, MemorySegment.ofArray(all), 0, all.length);
      return XattrMap.decode(all);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        throw corrupt("znode.xattr_object", attrs.xattrObject);
      }
      throw e;
    }
  }

  /** What a new file in {@code directory} gets; under its lock, at least for reading. */
  @Nullable PosixAcl defaultAcl(Znode directory) {
    return directory.attrs().hasFlag(ZnodeRecord.FLAG_DEFAULT_ACL)
        ? PosixAcl.stored(load(directory), PosixAcl.DEFAULT)
        : null;
  }

  /** Notes in {@code record} what {@code map} means for it, and the map itself where it fits. */
  private static void describe(ZnodeRecord record, XattrMap map, byte[] encoded) {
    if (record.hasFlag(ZnodeRecord.FLAG_INLINE_XATTRS)) {
      record.inline = new byte[0];
    }
    record.flags &= ~ZnodeRecord.XATTR_FLAGS;
    record.xattrObject = 0;
    record.flags |= flagsOf(map);
    record.acl =
        record.hasFlag(ZnodeRecord.FLAG_ACL) ? PosixAcl.stored(map, PosixAcl.ACCESS) : null;
    boolean fits =
        encoded.length <= ZnodeRecord.INLINE_BYTES
            && !record.hasFlag(ZnodeRecord.FLAG_INLINE_TARGET);
    if (fits && map.size() > 0) {
      record.inline = encoded;
      record.flags |= ZnodeRecord.FLAG_INLINE_XATTRS;
    }
  }

  /**
   * The flags of a record with these attributes.
   *
   * @throws PoolException Corrupt when one of its access control lists is none
   */
  static int flagsOf(XattrMap map) {
    int flags = map.get(CAPABILITY) == null ? 0 : ZnodeRecord.FLAG_CAPABILITY;
    flags |= PosixAcl.stored(map, PosixAcl.ACCESS) == null ? 0 : ZnodeRecord.FLAG_ACL;
    return flags
        | (PosixAcl.stored(map, PosixAcl.DEFAULT) == null ? 0 : ZnodeRecord.FLAG_DEFAULT_ACL);
  }

  /** Whether {@code map} needs an object beside the record that {@link #describe} filled. */
  private static boolean needsObject(ZnodeRecord record, XattrMap map) {
    return map.size() > 0 && !record.hasFlag(ZnodeRecord.FLAG_INLINE_XATTRS);
  }

  /**
   * Gives the attributes of {@code map} to a file that is being made. Who gives the file up
   * afterwards frees {@link ZnodeRecord#xattrObject}.
   */
  void give(Tx tx, ZnodeRecord record, XattrMap map) {
    byte[] encoded = map.encode();
    describe(record, map, encoded);
    if (needsObject(record, map)) {
      record.xattrObject = writeObject(tx, encoded);
    }
  }

  /**
   * Replaces the attributes, with {@code next} as the file's new record, under the write lock; a
   * failure leaves the old ones.
   */
  private void store(Znode file, ZnodeRecord next, XattrMap after) {
    if (after.encodedBytes() > XattrMap.MAX_TOTAL_BYTES) {
      throw posix(Errno.ENOSPC, "extended attributes of inode " + file.inode);
    }
    byte[] encoded = after.encode();
    ZnodeRecord now = file.attrs();
    noteAcl(file, now);
    long oldObject = now.xattrObject;
    describe(next, after, encoded);
    next.setCtime(core.env.wallNanos());
    boolean inObject = needsObject(next, after);
    try (Tx tx =
        inObject
            ? core.begin(FsCore.WRITE_OVERHEAD_BYTES + encoded.length)
            : core.beginFreeing(FsCore.WRITE_OVERHEAD_BYTES)) {
      if (inObject) {
        next.xattrObject = writeObject(tx, encoded);
      }
      if (oldObject != 0) {
        try {
          freeObject(tx, oldObject);
        } catch (PoolException e) {
          if (inObject) {
            throw withFreed(tx, next.xattrObject, e);
          }
          throw e;
        }
      }
      file.publish(tx, next);
      tx.complete();
    }
    file.xattrs = after;
  }

  /** Before the object with the list is freed: see {@link Znode#acl}. */
  private void noteAcl(Znode file, ZnodeRecord now) {
    if (now.hasFlag(ZnodeRecord.FLAG_ACL) && now.acl == null && now.xattrObject != 0) {
      try {
        now.acl = PosixAcl.stored(load(file), PosixAcl.ACCESS);
      } catch (PoolException e) {
        // A damaged list is none for its readers either, and may be replaced or removed.
        if (e.errno() != Errno.EIO) {
          throw e;
        }
      }
    }
  }

  private PoolException withFreed(Tx tx, long object, PoolException cause) {
    try {
      freeObject(tx, object);
      tx.complete();
    } catch (PoolException e) {
      cause.addSuppressed(e);
    }
    return cause;
  }

  /** Frees the object of a map that a file has no longer. */
  void freeObject(Tx tx, long object) {
    try (Dnode dnode = core.objects.hold(object)) {
      dnode.free(tx);
    }
  }

  private long writeObject(Tx tx, byte[] encoded) {
    try (Dnode dnode = core.objects.create(tx, ObjectType.XATTRS, SMALLEST_BLOCK_BYTES)) {
      try {
        dnode.write(tx, 0, MemorySegment.ofArray(encoded), 0, encoded.length, LARGEST_BLOCK_BYTES);
      } catch (PoolException e) {
        try {
          dnode.free(tx);
          tx.complete();
        } catch (PoolException alsoFailed) {
          e.addSuppressed(alsoFailed);
        }
        throw e;
      }
      return dnode.number();
    }
  }
}
