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

/**
 * Extended attributes, with the rules of Linux for the name spaces user, trusted, security and
 * system. The map lies inline in the znode while it fits, else in an object that each change writes
 * anew.
 */
final class Xattrs {
  static final int CREATE = 1;
  static final int REPLACE = 2;

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
      byte[] value = load(file).get(name);
      if (value == null) {
        throw posix(Errno.ENODATA, Names.show(name));
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
    if ((flags & ~(CREATE | REPLACE)) != 0 || flags == (CREATE | REPLACE)) {
      throw posix(Errno.EINVAL, "setxattr flags " + flags);
    }
    checkName(name);
    if (value.length > XattrMap.MAX_VALUE_BYTES) {
      throw posix(Errno.E2BIG, Names.show(name));
    }
    core.checkWritable();
    checkAccess(file, name, caller, true);
    try (LockSet locks = LockSet.write(file)) {
      checkAlive(file);
      XattrMap before = load(file);
      boolean present = before.get(name) != null;
      if (present && (flags & CREATE) != 0) {
        throw posix(Errno.EEXIST, Names.show(name));
      }
      if (!present && (flags & REPLACE) != 0) {
        throw posix(Errno.ENODATA, Names.show(name));
      }
      XattrMap after = before.with(name, value);
      if (after.encodedBytes() > XattrMap.MAX_TOTAL_BYTES) {
        throw posix(Errno.ENOSPC, "extended attributes of inode " + file.inode);
      }
      store(file, after);
    }
  }

  void remove(Znode file, byte[] name, Caller caller) {
    checkName(name);
    core.checkWritable();
    checkAccess(file, name, caller, true);
    try (LockSet locks = LockSet.write(file)) {
      checkAlive(file);
      XattrMap before = load(file);
      if (before.get(name) == null) {
        throw posix(Errno.ENODATA, Names.show(name));
      }
      store(file, before.without(name));
    }
  }

  /** Takes away what a privileged person gave to the old content; under the write lock. */
  void dropCapability(Znode file) {
    XattrMap before = load(file);
    if (before.get(CAPABILITY) != null) {
      store(file, before.without(CAPABILITY));
    }
  }

  private static void checkAlive(Znode file) {
    if (file.deleted) {
      throw posix(Errno.ENOENT, "inode " + file.inode);
    }
  }

  private static void checkName(byte[] name) {
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
    // system. holds access control lists, which this file system does not have.
    throw posix(Errno.EOPNOTSUPP, Names.show(name));
  }

  private static void checkAccess(Znode file, byte[] name, Caller caller, boolean write) {
    ZnodeRecord attrs = file.attrs();
    if (startsWith(name, TRUSTED)) {
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

  /** Replaces the attributes under the write lock; a failure leaves the old ones. */
  private void store(Znode file, XattrMap after) {
    byte[] encoded = after.encode();
    ZnodeRecord next = file.attrs().copy();
    boolean holdsTarget = next.hasFlag(ZnodeRecord.FLAG_INLINE_TARGET);
    if (next.hasFlag(ZnodeRecord.FLAG_INLINE_XATTRS)) {
      next.inline = new byte[0];
    }
    long oldObject = next.xattrObject;
    next.flags &= ~(ZnodeRecord.FLAG_INLINE_XATTRS | ZnodeRecord.FLAG_CAPABILITY);
    next.xattrObject = 0;
    if (after.get(CAPABILITY) != null) {
      next.flags |= ZnodeRecord.FLAG_CAPABILITY;
    }
    next.setCtime(core.env.wallNanos());
    boolean inObject =
        after.size() > 0 && (encoded.length > ZnodeRecord.INLINE_BYTES || holdsTarget);
    if (!inObject && after.size() > 0) {
      next.inline = encoded;
      next.flags |= ZnodeRecord.FLAG_INLINE_XATTRS;
    }
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

  private PoolException withFreed(Tx tx, long object, PoolException cause) {
    try {
      freeObject(tx, object);
      tx.complete();
    } catch (PoolException e) {
      cause.addSuppressed(e);
    }
    return cause;
  }

  private void freeObject(Tx tx, long object) {
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
