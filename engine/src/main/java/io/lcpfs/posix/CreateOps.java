package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** New names: create, mknod, mkdir, symlink, link. */
final class CreateOps {
  /** Names a file may have. */
  static final long MAX_LINKS = Integer.MAX_VALUE;

  private static final int SMALLEST_BLOCK_BYTES = 512;
  private static final int SYMLINK_BLOCK_BYTES = 4096;

  private final FsCore core;
  private final DirectoryOps directories;
  private final OpenOps opens;
  private final NewFiles newFiles;

  CreateOps(FsCore core, DirectoryOps directories, OpenOps opens, NewFiles newFiles) {
    this.core = core;
    this.newFiles = newFiles;
    this.directories = directories;
    this.opens = opens;
  }

  /** What a new file is to be. */
  private record Wanted(int mode, long rdev, byte @Nullable [] target, int openHandles) {}

  Created create(long directoryInode, byte[] name, int mode, int flags, Caller caller) {
    Names.check(name);
    Znode directory = core.znodes.pin(directoryInode);
    try {
      DirectoryOps.checkDirectory(directory);
      Permissions.check(directory, caller, OpenFlags.X_OK);
      while (true) {
        Znode existing = directories.pinChild(directory, name);
        if (existing == null) {
          Wanted wanted = new Wanted(Mode.REGULAR | (mode & Mode.PERMISSIONS), 0, null, 1);
          existing = make(directory, name, wanted, caller);
          if (existing != null) {
            try {
              return created(existing, opens.adopt(existing, flags, caller));
            } finally {
              core.znodes.unpin(existing);
            }
          }
          continue;
        }
        try {
          if ((flags & OpenFlags.O_EXCL) != 0) {
            throw posix(Errno.EEXIST, Names.show(name));
          }
          FileHandle handle = opens.openPinned(existing, flags | OpenFlags.O_CREAT, caller);
          if (handle != null) {
            return created(existing, handle);
          }
        } finally {
          core.znodes.unpin(existing);
        }
      }
    } finally {
      core.znodes.unpin(directory);
    }
  }

  private Created created(Znode file, FileHandle handle) {
    return new Created(core.attr(file), handle);
  }

  Attr mknod(long directoryInode, byte[] name, int mode, long rdev, Caller caller) {
    int type = Mode.type(mode) == 0 ? Mode.REGULAR : Mode.type(mode);
    if (type == Mode.DIRECTORY || (Mode.isDevice(type) && !caller.privileged())) {
      throw posix(Errno.EPERM, Names.show(name));
    }
    if (type == Mode.SYMLINK || Mode.objectType(type) == null) {
      throw posix(Errno.EINVAL, "mode " + mode);
    }
    return makeNew(
        directoryInode,
        name,
        new Wanted(type | (mode & Mode.PERMISSIONS), Mode.isDevice(type) ? rdev : 0, null, 0),
        caller);
  }

  Attr mkdir(long directoryInode, byte[] name, int mode, Caller caller) {
    // Linux keeps the sticky bit of a new directory, not the set-id bits.
    int bits = mode & Mode.PERMISSIONS & ~(Mode.SET_UID | Mode.SET_GID);
    return makeNew(directoryInode, name, new Wanted(Mode.DIRECTORY | bits, 0, null, 0), caller);
  }

  Attr symlink(long directoryInode, byte[] name, byte[] target, Caller caller) {
    if (target.length == 0) {
      throw posix(Errno.ENOENT, "empty target");
    }
    if (target.length > Names.MAX_TARGET_BYTES) {
      throw posix(Errno.ENAMETOOLONG, "target of " + target.length + " bytes");
    }
    for (byte b : target) {
      if (b == 0) {
        throw posix(Errno.EINVAL, "target with NUL");
      }
    }
    return makeNew(
        directoryInode, name, new Wanted(Mode.SYMLINK | Mode.ANY_PERMISSION, 0, target, 0), caller);
  }

  private Attr makeNew(long directoryInode, byte[] name, Wanted wanted, Caller caller) {
    Names.check(name);
    Znode directory = core.znodes.pin(directoryInode);
    try {
      DirectoryOps.checkDirectory(directory);
      Permissions.check(directory, caller, OpenFlags.X_OK);
      Znode fresh = make(directory, name, wanted, caller);
      if (fresh == null) {
        throw posix(Errno.EEXIST, Names.show(name));
      }
      try {
        return core.attr(fresh);
      } finally {
        core.znodes.unpin(fresh);
      }
    } finally {
      core.znodes.unpin(directory);
    }
  }

  /** Makes a file, pinned; null when the name exists. */
  private @Nullable Znode make(Znode directory, byte[] name, Wanted wanted, Caller caller) {
    try (LockSet locks = LockSet.write(directory)) {
      if (directories.childLocked(directory, name) != null) {
        return null;
      }
      core.checkWritable();
      checkAlive(directory);
      Permissions.check(directory, caller, OpenFlags.W_OK | OpenFlags.X_OK);
      boolean isDirectory = Mode.isDirectory(wanted.mode);
      if (isDirectory && directory.attrs().nlink >= MAX_LINKS) {
        throw posix(Errno.EMLINK, "inode " + directory.inode);
      }
      newFiles.refuseFull(directory, caller);
      long dataBytes = wanted.target == null ? 0 : wanted.target.length;
      NewFiles.Inherited inherited = newFiles.inherit(directory, wanted.mode, caller);
      try (Tx tx = core.begin(FsCore.NAME_CHANGE_BYTES + dataBytes + inherited.dirtyBytes())) {
        ZnodeRecord record = newFiles.record(tx, directory, inherited.mode(), wanted.rdev, caller);
        ObjectType type = Objects.requireNonNull(Mode.objectType(wanted.mode));
        Dnode dnode = core.objects.create(tx, type, SMALLEST_BLOCK_BYTES);
        try {
          newFiles.give(tx, record, inherited);
          fill(tx, dnode, record, wanted);
          boolean inserted =
              directory.zap(core).insertLong(tx, name, DirectoryEntry.of(dnode.number(), record));
          Check.that(inserted, "a name appeared under the directory's lock");
        } catch (RuntimeException e) {
          throw withoutObject(tx, dnode, record, e);
        }
        ZnodeRecord parent = directory.attrs().copy();
        parent.entryCount++;
        parent.nlink += isDirectory ? 1 : 0;
        parent.setMtime(record.btimeSeconds * 1_000_000_000L + record.btimeNanos);
        parent.setCtime(record.btimeSeconds * 1_000_000_000L + record.btimeNanos);
        directory.publish(tx, parent);
        tx.complete();
        Znode fresh = core.znodes.addNew(dnode, record, wanted.openHandles);
        core.names.put(directory, name, fresh);
        return fresh;
      }
    }
  }

  private RuntimeException withoutObject(
      Tx tx, Dnode dnode, ZnodeRecord record, RuntimeException cause) {
    try (dnode) {
      newFiles.drop(tx, record);
      dnode.free(tx);
      if (cause instanceof PoolException) {
        tx.complete();
      }
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
    return cause;
  }

  private static void checkAlive(Znode directory) {
    if (directory.deleted || directory.attrs().nlink == 0) {
      throw posix(Errno.ENOENT, "removed directory " + directory.inode);
    }
  }

  private void fill(Tx tx, Dnode dnode, ZnodeRecord record, Wanted wanted) {
    if (record.isDirectory()) {
      Zap.create(tx, dnode, core.env);
    }
    byte[] target = wanted.target;
    if (target != null) {
      record.size = target.length;
      if (target.length <= ZnodeRecord.INLINE_BYTES) {
        record.inline = target;
        record.flags |= ZnodeRecord.FLAG_INLINE_TARGET;
      } else {
        dnode.write(tx, 0, MemorySegment.ofArray(target), 0, target.length, SYMLINK_BLOCK_BYTES);
      }
    }
    dnode.setBonus(tx, record.encode());
  }

  byte[] readlink(Znode link) {
    ZnodeRecord attrs = link.attrs();
    if (!attrs.isSymlink()) {
      throw posix(Errno.EINVAL, "inode " + link.inode);
    }
    byte[] target;
    if (attrs.hasFlag(ZnodeRecord.FLAG_INLINE_TARGET)) {
      target = attrs.inline.clone();
    } else {
      target = new byte[(int) attrs.size];
      link.dnode.read(0, MemorySegment.ofArray(target), 0, target.length);
    }
    core.accessed(link);
    return target;
  }

  Attr link(long inode, long directoryInode, byte[] name, Caller caller) {
    Names.check(name);
    Znode directory = core.znodes.pin(directoryInode);
    try {
      DirectoryOps.checkDirectory(directory);
      Permissions.check(directory, caller, OpenFlags.X_OK);
      Znode file = core.znodes.pin(inode);
      try {
        return linkPinned(file, directory, name, caller);
      } finally {
        core.znodes.unpin(file);
      }
    } finally {
      core.znodes.unpin(directory);
    }
  }

  private Attr linkPinned(Znode file, Znode directory, byte[] name, Caller caller) {
    try (LockSet locks = LockSet.write(directory, file)) {
      if (directories.childLocked(directory, name) != null) {
        throw posix(Errno.EEXIST, Names.show(name));
      }
      core.checkWritable();
      checkAlive(directory);
      Permissions.check(directory, caller, OpenFlags.W_OK | OpenFlags.X_OK);
      ZnodeRecord next = file.attrs().copy();
      if (next.isDirectory()) {
        throw posix(Errno.EPERM, "directory " + file.inode);
      }
      if (file.deleted || next.nlink == 0) {
        throw posix(Errno.ENOENT, "inode " + file.inode);
      }
      if (next.nlink >= MAX_LINKS) {
        throw posix(Errno.EMLINK, "inode " + file.inode);
      }
      if (!directory.attrs().takes(next)) {
        throw posix(Errno.EXDEV, "link to a file of another project than the directory's");
      }
      try (Tx tx = core.begin(FsCore.NAME_CHANGE_BYTES)) {
        boolean inserted =
            directory.zap(core).insertLong(tx, name, DirectoryEntry.of(file.inode, next));
        Check.that(inserted, "a name appeared under the directory's lock");
        long now = core.env.wallNanos();
        next.nlink++;
        next.parent = directory.inode;
        next.setCtime(now);
        file.publish(tx, next);
        ZnodeRecord parent = directory.attrs().copy();
        parent.entryCount++;
        parent.setMtime(now);
        parent.setCtime(now);
        directory.publish(tx, parent);
        tx.complete();
      }
      core.names.put(directory, name, file);
      return core.attr(file);
    }
  }
}
