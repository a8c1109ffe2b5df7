package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.txg.Tx;

/** Names that go: unlink and rmdir. */
final class RemoveOps {
  private final FsCore core;
  private final DirectoryOps directories;

  RemoveOps(FsCore core, DirectoryOps directories) {
    this.core = core;
    this.directories = directories;
  }

  /** Answers the number of the file that lost the name. */
  long unlink(long directoryInode, byte[] name, Caller caller) {
    return remove(directoryInode, name, caller, false);
  }

  void rmdir(long directoryInode, byte[] name, Caller caller) {
    if (Names.isDotDot(name)) {
      throw posix(Errno.ENOTEMPTY, "..");
    }
    remove(directoryInode, name, caller, true);
  }

  private long remove(long directoryInode, byte[] name, Caller caller, boolean wantDirectory) {
    Names.check(name);
    Znode directory = core.znodes.pin(directoryInode);
    try {
      DirectoryOps.checkDirectory(directory);
      Permissions.check(directory, caller, OpenFlags.X_OK);
      while (true) {
        Znode child = directories.pinChild(directory, name);
        if (child == null) {
          throw posix(Errno.ENOENT, Names.show(name));
        }
        try {
          if (removeChild(directory, name, child, caller, wantDirectory)) {
            return child.inode;
          }
        } finally {
          core.znodes.unpin(child);
        }
      }
    } finally {
      core.znodes.unpin(directory);
    }
  }

  /** Removes the name; false when it meanwhile belongs to another file. */
  private boolean removeChild(
      Znode directory, byte[] name, Znode child, Caller caller, boolean wantDirectory) {
    boolean later;
    try (LockSet locks = LockSet.write(directory, child)) {
      if (!directories.isStill(directory, name, child)) {
        return false;
      }
      core.checkWritable();
      Permissions.checkRemoval(directory, child, caller);
      if (child.isDirectory() != wantDirectory) {
        throw posix(wantDirectory ? Errno.ENOTDIR : Errno.EISDIR, Names.show(name));
      }
      if (wantDirectory) {
        checkEmpty(child);
      }
      try (UnlinkedSet.Use use = core.unlinked.use();
          Tx tx = core.beginFreeing(FsCore.NAME_CHANGE_BYTES)) {
        later = removeIn(tx, directory, name, child);
      }
    }
    if (later) {
      core.reaper.enqueue(child.inode);
    }
    return true;
  }

  /** @throws io.lcpfs.error.PoolException ENOTEMPTY; under the lock of {@code directory} */
  void checkEmpty(Znode directory) {
    if (directory.attrs().entryCount != 0 || directory.zap(core).count() != 0) {
      throw posix(Errno.ENOTEMPTY, "directory " + directory.inode);
    }
    if (directory.inode == core.rootInode) {
      throw posix(Errno.EBUSY, "root directory");
    }
  }

  private boolean removeIn(Tx tx, Znode directory, byte[] name, Znode child) {
    boolean later;
    long now = core.env.wallNanos();
    long entry = DirectoryEntry.of(child.inode, child.attrs());
    Undo undo = new Undo();
    core.names.remove(directory, name);
    try {
      if (!directory.zap(core).remove(tx, name)) {
        throw new AssertionError("a name vanished under the directory's lock");
      }
      undo.add(() -> directory.zap(core).insertLong(tx, name, entry));
      later = dropName(tx, child, now);
    } catch (RuntimeException e) {
      throw undo.failed(tx, e);
    }
    ZnodeRecord parent = directory.attrs().copy();
    parent.entryCount--;
    parent.nlink -= child.isDirectory() ? 1 : 0;
    parent.setMtime(now);
    parent.setCtime(now);
    directory.publish(tx, parent);
    tx.complete();
    core.names.put(directory, name, null);
    return later;
  }

  /**
   * Takes one name from {@code file}, under its lock; a failure leaves it as it was.
   *
   * @return whether to give it to the reaper after the transaction
   */
  boolean dropName(Tx tx, Znode file, long wallNanos) {
    ZnodeRecord next = file.attrs().copy();
    next.nlink = next.isDirectory() ? 0 : Math.max(0, next.nlink - 1);
    next.setCtime(wallNanos);
    if (next.nlink == 0) {
      return core.reaper.dispose(tx, file, next);
    }
    file.publish(tx, next);
    return false;
  }
}
