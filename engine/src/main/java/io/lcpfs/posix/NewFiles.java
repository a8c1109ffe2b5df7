package io.lcpfs.posix;

import io.lcpfs.txg.Tx;
import org.jspecify.annotations.Nullable;

/** What a new file takes from its directory, from the call that makes it, and from the caller. */
final class NewFiles {
  private final FsCore core;
  private final Xattrs xattrs;

  NewFiles(FsCore core, Xattrs xattrs) {
    this.core = core;
    this.xattrs = xattrs;
  }

  /**
   * @param mode type and permissions
   * @param xattrs access control lists, or nothing
   */
  record Inherited(int mode, XattrMap xattrs) {
    /** Bytes that the attributes may dirty beyond the file itself. */
    long dirtyBytes() {
      return xattrs.size() == 0 ? 0 : xattrs.encodedBytes();
    }
  }

  /**
   * Decides the permissions of a file that was asked for with {@code mode}: where the directory has
   * a default access control list it says what is left of them, else the caller's umask does. Under
   * the directory's lock, at least for reading.
   *
   * @throws io.lcpfs.error.PoolException EIO
   */
  Inherited inherit(Znode directory, int mode, Caller caller) {
    if (Mode.isSymlink(mode)) {
      return new Inherited(mode, XattrMap.EMPTY);
    }
    int bits = withoutForeignSetGid(directory.attrs(), mode, caller);
    @Nullable PosixAcl given = xattrs.defaultAcl(directory);
    if (given == null) {
      return new Inherited(bits & ~(caller.umask() & Mode.ANY_PERMISSION), XattrMap.EMPTY);
    }
    PosixAcl own = given.forNewFile(bits);
    XattrMap map = XattrMap.EMPTY;
    if (own.hasMask()) {
      map = map.with(PosixAcl.ACCESS, own.encode());
    }
    if (Mode.isDirectory(bits)) {
      map = map.with(PosixAcl.DEFAULT, given.encode());
    }
    return new Inherited((bits & ~Mode.ANY_PERMISSION) | own.modeBits(), map);
  }

  /** Nobody gets a set-group-id program of a group that he is not in. */
  private static int withoutForeignSetGid(ZnodeRecord directory, int mode, Caller caller) {
    boolean foreign =
        (directory.mode & Mode.SET_GID) != 0
            && (mode & Mode.GROUP_EXECUTE) != 0
            && !Mode.isDirectory(mode)
            && !caller.privileged()
            && !caller.inGroup(directory.gid);
    return foreign ? mode & ~Mode.SET_GID : mode;
  }

  private static int projectFrom(ZnodeRecord directory) {
    return directory.givesProject() ? directory.project : 0;
  }

  /** Refuses a file in {@code directory} that a quota leaves no room for; EDQUOT. */
  void refuseFull(Znode directory, Caller caller) {
    ZnodeRecord parent = directory.attrs();
    int gid = (parent.mode & Mode.SET_GID) != 0 ? parent.gid : caller.gid();
    OwnerQuotas.refuseNew(core.objects, caller.uid(), gid, projectFrom(parent));
  }

  /** The attributes of a file in {@code directory}, with one name, or two links of a directory. */
  ZnodeRecord record(Tx tx, Znode directory, int mode, long rdev, Caller caller) {
    ZnodeRecord parent = directory.attrs();
    ZnodeRecord record = new ZnodeRecord();
    record.mode = mode;
    record.uid = caller.uid();
    record.gid = caller.gid();
    if ((parent.mode & Mode.SET_GID) != 0) {
      record.gid = parent.gid;
      if (record.isDirectory()) {
        record.mode |= Mode.SET_GID;
      }
    }
    record.nlink = record.isDirectory() ? 2 : 1;
    record.project = projectFrom(parent);
    if (record.isDirectory()) {
      record.projectFlags = parent.projectFlags & ZnodeRecord.PROJECT_INHERITED;
    }
    record.parent = directory.inode;
    record.generation = core.newGeneration(tx);
    record.rdev = rdev;
    record.setBirth(core.env.wallNanos());
    return record;
  }

  /**
   * Gives {@code record} what was inherited. Who gives the file up afterwards calls {@link #drop}.
   */
  void give(Tx tx, ZnodeRecord record, Inherited inherited) {
    if (inherited.xattrs.size() > 0) {
      xattrs.give(tx, record, inherited.xattrs);
    }
  }

  /** Frees what {@link #give} made. */
  void drop(Tx tx, ZnodeRecord record) {
    if (record.xattrObject != 0) {
      xattrs.freeObject(tx, record.xattrObject);
    }
  }
}
