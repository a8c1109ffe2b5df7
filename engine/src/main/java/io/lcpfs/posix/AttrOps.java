package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.txg.Tx;

/** Changing attributes: chmod, chown, utimensat, truncate. */
final class AttrOps {
  private static final int NANOS_PER_SECOND = 1_000_000_000;

  /** What Linux takes for no project. */
  private static final int NO_PROJECT = -1;

  private final FsCore core;
  private final FileData data;
  private final Xattrs xattrs;

  AttrOps(FsCore core, FileData data, Xattrs xattrs) {
    this.core = core;
    this.data = data;
    this.xattrs = xattrs;
  }

  /**
   * Changes a pinned file.
   *
   * @param byHandle the right to change the size was checked at open
   */
  Attr setattr(Znode file, SetAttr change, Caller caller, boolean byHandle) {
    core.checkWritable();
    checkValues(file, change);
    try (LockSet locks = LockSet.write(file)) {
      if (file.deleted) {
        throw posix(Errno.ENOENT, "inode " + file.inode);
      }
      checkRights(file, change, caller, byHandle);
      if (change.mask == 0) {
        return core.attr(file);
      }
      OwnerQuotas.refuseGiven(core.objects, file.attrs(), change);
      boolean owner = change.has(SetAttr.UID | SetAttr.GID) && !file.isDirectory();
      boolean kills = owner || (change.has(SetAttr.SIZE) && !caller.privileged());
      if (kills && file.attrs().hasFlag(ZnodeRecord.FLAG_CAPABILITY)) {
        xattrs.dropCapability(file);
      }
      boolean shrinks = change.has(SetAttr.SIZE) && change.size < file.attrs().size;
      if (shrinks) {
        data.shrinkBefore(file, change.size);
      }
      try (Tx tx =
          shrinks
              ? core.beginFreeing(FsCore.NAME_CHANGE_BYTES)
              : core.begin(FsCore.WRITE_OVERHEAD_BYTES)) {
        ZnodeRecord next = file.attrs().copy();
        if (change.has(SetAttr.SIZE)) {
          FileData.resize(tx, file, next, change.size);
        }
        apply(file, next, change, caller, kills);
        file.publish(tx, next);
        tx.complete();
      }
      return core.attr(file);
    }
  }

  private static void checkValues(Znode file, SetAttr change) {
    ZnodeRecord now = file.attrs();
    if (change.has(SetAttr.SIZE)) {
      if (now.isDirectory()) {
        throw posix(Errno.EISDIR, "inode " + file.inode);
      }
      if (!now.isRegular() || change.size < 0) {
        throw posix(Errno.EINVAL, "inode " + file.inode + ", size " + change.size);
      }
      if (change.size > FileData.MAX_FILE_BYTES) {
        throw posix(Errno.EFBIG, "size " + change.size);
      }
    }
    if (change.has(SetAttr.PROJECT) && change.project == NO_PROJECT) {
      throw posix(Errno.EINVAL, "project " + Integer.toUnsignedString(change.project));
    }
    if (change.has(SetAttr.PROJECT_INHERITED) && change.projectInherited && !now.isDirectory()) {
      throw posix(Errno.EOPNOTSUPP, "a project for files in inode " + file.inode);
    }
    if (change.has(SetAttr.MODE) && now.isSymlink()) {
      throw posix(Errno.EOPNOTSUPP, "mode of a symbolic link");
    }
    checkNanos(change.atimeNanos);
    checkNanos(change.mtimeNanos);
    checkNanos(change.ctimeNanos);
  }

  private static void checkNanos(int nanos) {
    if (nanos < 0 || nanos >= NANOS_PER_SECOND) {
      throw posix(Errno.EINVAL, "nanoseconds " + nanos);
    }
  }

  private static void checkRights(Znode file, SetAttr change, Caller caller, boolean byHandle) {
    ZnodeRecord now = file.attrs();
    boolean owns = Permissions.owns(now, caller);
    if (change.has(SetAttr.SIZE) && !byHandle) {
      Permissions.check(file, caller, OpenFlags.W_OK);
    }
    if (caller.privileged()) {
      return;
    }
    boolean mayChange = owns && !change.has(SetAttr.CTIME);
    if (change.has(SetAttr.UID)) {
      mayChange &= change.uid == now.uid;
    }
    if (change.has(SetAttr.GID)) {
      mayChange &= change.gid == now.gid || caller.inGroup(change.gid);
    }
    if (change.has(
            SetAttr.UID
                | SetAttr.GID
                | SetAttr.MODE
                | SetAttr.ATIME
                | SetAttr.MTIME
                | SetAttr.CTIME
                | SetAttr.PROJECT
                | SetAttr.PROJECT_INHERITED)
        && !mayChange) {
      throw posix(Errno.EPERM, "inode " + file.inode);
    }
    if (change.has(SetAttr.ATIME_NOW | SetAttr.MTIME_NOW) && !owns) {
      // Both to now is what a writer may do; only one of them is the owner's right.
      if (!change.has(SetAttr.ATIME_NOW) || !change.has(SetAttr.MTIME_NOW)) {
        throw posix(Errno.EPERM, "inode " + file.inode);
      }
      Permissions.check(file, caller, OpenFlags.W_OK);
    }
  }

  private void apply(Znode file, ZnodeRecord next, SetAttr change, Caller caller, boolean kills) {
    long wall = core.env.wallNanos();
    if (change.has(SetAttr.UID)) {
      next.uid = change.uid;
    }
    if (change.has(SetAttr.GID)) {
      next.gid = change.gid;
    }
    if (change.has(SetAttr.PROJECT)) {
      next.project = change.project;
    }
    if (change.has(SetAttr.PROJECT_INHERITED)) {
      next.projectFlags =
          change.projectInherited
              ? next.projectFlags | ZnodeRecord.PROJECT_INHERITED
              : next.projectFlags & ~ZnodeRecord.PROJECT_INHERITED;
    }
    if (change.has(SetAttr.MODE)) {
      int bits = change.mode;
      if (!caller.privileged() && !caller.inGroup(next.gid)) {
        bits &= ~Mode.SET_GID;
      }
      next.mode = Mode.type(next.mode) | bits;
    } else if (kills) {
      next.mode = Permissions.withoutSetId(next.mode);
    }
    if (change.has(SetAttr.ATIME | SetAttr.ATIME_NOW)) {
      file.pendingAtime = Znode.NO_TIME;
    }
    if (change.has(SetAttr.SIZE)) {
      next.setMtime(wall);
    }
    next.setCtime(wall);
    if (change.has(SetAttr.ATIME)) {
      next.atimeSeconds = change.atimeSeconds;
      next.atimeNanos = change.atimeNanos;
    } else if (change.has(SetAttr.ATIME_NOW)) {
      next.setAtime(wall);
    }
    if (change.has(SetAttr.MTIME)) {
      next.mtimeSeconds = change.mtimeSeconds;
      next.mtimeNanos = change.mtimeNanos;
    } else if (change.has(SetAttr.MTIME_NOW)) {
      next.setMtime(wall);
    }
    if (change.has(SetAttr.CTIME)) {
      next.ctimeSeconds = change.ctimeSeconds;
      next.ctimeNanos = change.ctimeNanos;
    }
  }
}
