package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.txg.Tx;

/**
 * Files without a name (O_TMPFILE): made in the unlinked set, where a crash leaves them to be
 * freed, and given a name later.
 */
final class UnnamedOps {
  private static final int SMALLEST_BLOCK_BYTES = 512;

  private final FsCore core;
  private final DirectoryOps directories;
  private final OpenOps opens;
  private final NewFiles newFiles;

  UnnamedOps(FsCore core, DirectoryOps directories, OpenOps opens, NewFiles newFiles) {
    this.core = core;
    this.newFiles = newFiles;
    this.directories = directories;
    this.opens = opens;
  }

  Created create(long directoryInode, int mode, int flags, Caller caller) {
    Znode directory = core.znodes.pin(directoryInode);
    try {
      DirectoryOps.checkDirectory(directory);
      core.checkWritable();
      Permissions.check(directory, caller, OpenFlags.W_OK | OpenFlags.X_OK);
      Znode fresh = make(directory, mode, caller);
      try {
        return new Created(core.attr(fresh), opens.adopt(fresh, flags, caller));
      } finally {
        core.znodes.unpin(fresh);
      }
    } finally {
      core.znodes.unpin(directory);
    }
  }

  private Znode make(Znode directory, int mode, Caller caller) {
    newFiles.refuseFull(directory, caller);
    NewFiles.Inherited inherited = inherit(directory, mode, caller);
    try (UnlinkedSet.Use use = core.unlinked.use();
        Tx tx = core.begin(FsCore.NAME_CHANGE_BYTES + inherited.dirtyBytes())) {
      ZnodeRecord record = newFiles.record(tx, directory, inherited.mode(), 0, caller);
      record.nlink = 0;
      Dnode dnode = core.objects.create(tx, ObjectType.FILE, SMALLEST_BLOCK_BYTES);
      try {
        newFiles.give(tx, record, inherited);
        dnode.setBonus(tx, record.encode());
        core.unlinked.add(tx, dnode.number());
      } catch (RuntimeException e) {
        try (dnode) {
          newFiles.drop(tx, record);
          dnode.free(tx);
          if (e instanceof PoolException) {
            tx.complete();
          }
        } catch (RuntimeException alsoFailed) {
          e.addSuppressed(alsoFailed);
        }
        throw e;
      }
      tx.complete();
      return core.znodes.addNew(dnode, record, 1);
    }
  }

  private NewFiles.Inherited inherit(Znode directory, int mode, Caller caller) {
    long stamp = directory.lock.readLock();
    try {
      return newFiles.inherit(directory, Mode.REGULAR | (mode & Mode.PERMISSIONS), caller);
    } finally {
      directory.lock.unlockRead(stamp);
    }
  }

  /** The first name of an open file that has none. */
  Attr link(long inode, long directoryInode, byte[] name, Caller caller) {
    Names.check(name);
    Znode directory = core.znodes.pin(directoryInode);
    try {
      DirectoryOps.checkDirectory(directory);
      Znode file = core.znodes.pin(inode);
      try (LockSet locks = LockSet.write(directory, file)) {
        return linkLocked(file, directory, name, caller);
      } finally {
        core.znodes.unpin(file);
      }
    } finally {
      core.znodes.unpin(directory);
    }
  }

  private Attr linkLocked(Znode file, Znode directory, byte[] name, Caller caller) {
    Permissions.check(directory, caller, OpenFlags.W_OK | OpenFlags.X_OK);
    if (directories.childLocked(directory, name) != null) {
      throw posix(Errno.EEXIST, Names.show(name));
    }
    core.checkWritable();
    if (directory.deleted || directory.attrs().nlink == 0) {
      throw posix(Errno.ENOENT, "removed directory " + directory.inode);
    }
    ZnodeRecord next = file.attrs().copy();
    boolean unnamed = !file.deleted && next.isRegular() && next.nlink == 0 && file.openHandles > 0;
    if (!unnamed) {
      throw posix(Errno.ENOENT, "inode " + file.inode);
    }
    if (!directory.attrs().takes(next)) {
      throw posix(Errno.EXDEV, "link to a file of another project than the directory's");
    }
    try (UnlinkedSet.Use use = core.unlinked.use();
        Tx tx = core.begin(FsCore.NAME_CHANGE_BYTES)) {
      Undo undo = new Undo();
      try {
        boolean inserted =
            directory.zap(core).insertLong(tx, name, DirectoryEntry.of(file.inode, next));
        Check.that(inserted, "a name appeared under the directory's lock");
        undo.add(() -> directory.zap(core).remove(tx, name));
        core.unlinked.remove(tx, file.inode);
      } catch (PoolException e) {
        throw undo.failed(tx, e);
      }
      long now = core.env.wallNanos();
      next.nlink = 1;
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
