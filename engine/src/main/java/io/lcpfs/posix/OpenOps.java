package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.txg.Tx;
import org.jspecify.annotations.Nullable;

/** Opening and the last close. */
final class OpenOps {
  final FsCore core;
  final FileData data;
  final AttrOps attrs;

  OpenOps(FsCore core, FileData data, AttrOps attrs) {
    this.core = core;
    this.data = data;
    this.attrs = attrs;
  }

  FileHandle open(long inode, int flags, Caller caller) {
    Znode file = core.znodes.pin(inode);
    try {
      FileHandle handle = openPinned(file, flags, caller);
      if (handle == null) {
        throw posix(Errno.ENOENT, "inode " + inode);
      }
      return handle;
    } finally {
      core.znodes.unpin(file);
    }
  }

  /** A handle of a pinned file, with a pin of its own; null when the file was removed meanwhile. */
  @Nullable FileHandle openPinned(Znode file, int flags, Caller caller) {
    check(file, flags, caller);
    long stamp = file.lock.writeLock();
    try {
      if (file.deleted || (file.attrs().nlink == 0 && file.openHandles == 0)) {
        return null;
      }
      file.openHandles++;
    } finally {
      file.lock.unlockWrite(stamp);
    }
    if (!file.tryPin()) {
      throw new AssertionError("a pinned file left the cache");
    }
    FileHandle handle = new FileHandle(this, file, flags, caller);
    if ((flags & OpenFlags.O_TRUNC) != 0) {
      try {
        attrs.setattr(file, new SetAttr().size(0), caller, true);
      } catch (RuntimeException e) {
        handle.close();
        throw e;
      }
    }
    return handle;
  }

  private void check(Znode file, int flags, Caller caller) {
    ZnodeRecord record = file.attrs();
    String subject = "inode " + file.inode;
    boolean changes = OpenFlags.writes(flags) || (flags & OpenFlags.O_TRUNC) != 0;
    if ((flags & OpenFlags.O_ACCMODE) == OpenFlags.O_ACCMODE) {
      throw posix(Errno.EINVAL, "open flags " + flags);
    }
    switch (Mode.type(record.mode)) {
      case Mode.SYMLINK ->
          throw posix((flags & OpenFlags.O_DIRECTORY) != 0 ? Errno.ENOTDIR : Errno.ELOOP, subject);
      case Mode.DIRECTORY -> {
        if (changes || (flags & OpenFlags.O_CREAT) != 0) {
          throw posix(Errno.EISDIR, subject);
        }
      }
      default -> {
        if ((flags & OpenFlags.O_DIRECTORY) != 0) {
          throw posix(Errno.ENOTDIR, subject);
        }
      }
    }
    int mask = (OpenFlags.reads(flags) ? OpenFlags.R_OK : 0) | (changes ? OpenFlags.W_OK : 0);
    Permissions.check(file, caller, mask);
    if ((flags & OpenFlags.O_NOATIME) != 0) {
      Permissions.checkOwner(file, caller);
    }
    if (!record.isDirectory() && !record.isRegular()) {
      // What is behind a fifo, socket or device is not in the file system.
      throw posix(Errno.ENXIO, subject);
    }
    if (changes) {
      core.checkWritable();
    }
  }

  /** A handle on a file that was created with {@code openHandles} already counted. */
  FileHandle adopt(Znode file, int flags, Caller caller) {
    if (!file.tryPin()) {
      throw new AssertionError("a pinned file left the cache");
    }
    return new FileHandle(this, file, flags, caller);
  }

  void released(Znode file) {
    boolean later = false;
    try {
      try (LockSet locks = LockSet.write(file)) {
        file.openHandles--;
        if (file.openHandles > 0 || file.deleted || core.closed) {
          return;
        }
        if (file.attrs().nlink > 0) {
          writeAtime(file);
        } else if (!core.readOnly()) {
          later = file.dnode.blockCount() > core.blocksFreedAtOnce;
          if (!later) {
            core.reaper.reapLocked(file);
          }
        }
      }
      if (later) {
        core.reaper.enqueue(file.inode);
      }
    } finally {
      core.znodes.unpin(file);
    }
  }

  /** Brings a noted access time to disk, if that can be done. */
  void writeAtime(Znode file) {
    long accessed = file.pendingAtime;
    if (accessed == Znode.NO_TIME || core.readOnly()) {
      return;
    }
    try (Tx tx = core.begin(FsCore.WRITE_OVERHEAD_BYTES)) {
      file.publish(tx, file.attrs().copy());
      tx.complete();
    } catch (PoolException e) {
      // Access times are advisory: a full pool must not make close fail over one.
      file.pendingAtime = accessed;
    }
  }
}
