package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.env.PlantedBug;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.txg.Tx;
import org.jspecify.annotations.Nullable;

/** rename(2), with RENAME_NOREPLACE and RENAME_EXCHANGE. */
final class RenameOp {
  private final FsCore core;
  private final DirectoryOps directories;
  private final RemoveOps removes;

  RenameOp(FsCore core, DirectoryOps directories, RemoveOps removes) {
    this.core = core;
    this.directories = directories;
    this.removes = removes;
  }

  /**
   * Files that a rename changed.
   *
   * @param replaced the one that had the new name; the same as {@code inode} when there was none
   */
  record Moved(long inode, long replaced) {}

  /** The two names and what they were when they were locked. */
  private record Move(
      Znode oldDirectory,
      byte[] oldName,
      Znode newDirectory,
      byte[] newName,
      Znode source,
      @Nullable Znode replaced,
      int flags) {

    boolean crosses() {
      return oldDirectory != newDirectory;
    }

    boolean exchanges() {
      return (flags & OpenFlags.RENAME_EXCHANGE) != 0;
    }
  }

  /** EINVAL for flags that are not known, and for both at once. */
  static void checkFlags(int flags) {
    int known = OpenFlags.RENAME_NOREPLACE | OpenFlags.RENAME_EXCHANGE;
    if ((flags & ~known) != 0 || flags == known) {
      throw posix(Errno.EINVAL, "rename flags " + flags);
    }
  }

  Moved rename(
      long oldDirectoryInode,
      byte[] oldName,
      long newDirectoryInode,
      byte[] newName,
      int flags,
      Caller caller) {
    Names.check(oldName);
    Names.check(newName);
    checkFlags(flags);
    Znode oldDirectory = core.znodes.pin(oldDirectoryInode);
    try {
      Znode newDirectory = core.znodes.pin(newDirectoryInode);
      try {
        DirectoryOps.checkDirectory(oldDirectory);
        DirectoryOps.checkDirectory(newDirectory);
        Permissions.check(oldDirectory, caller, OpenFlags.X_OK);
        Permissions.check(newDirectory, caller, OpenFlags.X_OK);
        if (oldDirectory == newDirectory) {
          return retry(oldDirectory, oldName, newDirectory, newName, flags, caller);
        }
        // Keeps parents as they are between the look for a cycle and the move.
        core.renameLock.lock();
        try {
          return retry(oldDirectory, oldName, newDirectory, newName, flags, caller);
        } finally {
          core.renameLock.unlock();
        }
      } finally {
        core.znodes.unpin(newDirectory);
      }
    } finally {
      core.znodes.unpin(oldDirectory);
    }
  }

  private Moved retry(
      Znode oldDirectory,
      byte[] oldName,
      Znode newDirectory,
      byte[] newName,
      int flags,
      Caller caller) {
    while (true) {
      Znode source = directories.pinChild(oldDirectory, oldName);
      if (source == null) {
        throw posix(Errno.ENOENT, Names.show(oldName));
      }
      try {
        Znode replaced = directories.pinChild(newDirectory, newName);
        try {
          Move move =
              new Move(oldDirectory, oldName, newDirectory, newName, source, replaced, flags);
          if (attempt(move, caller)) {
            return new Moved(source.inode, replaced == null ? source.inode : replaced.inode);
          }
        } finally {
          if (replaced != null) {
            core.znodes.unpin(replaced);
          }
        }
      } finally {
        core.znodes.unpin(source);
      }
    }
  }

  /** False when one of the names changed hands before it was locked. */
  private boolean attempt(Move move, Caller caller) {
    Znode replaced = move.replaced;
    if (move.crosses()) {
      checkNoCycle(move);
    }
    boolean later = false;
    try (LockSet locks =
        LockSet.write(move.oldDirectory, move.newDirectory, move.source, replaced)) {
      if (!directories.isStill(move.oldDirectory, move.oldName, move.source)
          || !directories.isStill(move.newDirectory, move.newName, replaced)) {
        return false;
      }
      checkFlags(move);
      core.checkWritable();
      if (replaced == move.source) {
        return true;
      }
      check(move, caller);
      if (move.exchanges() && replaced != null) {
        exchange(move, replaced);
      } else {
        try (UnlinkedSet.@Nullable Use use = replaced == null ? null : core.unlinked.use()) {
          later = move(move);
        }
      }
    }
    if (later && replaced != null) {
      core.reaper.enqueue(replaced.inode);
    }
    return true;
  }

  /** Under the rename lock: no directory may come to lie below itself. */
  private void checkNoCycle(Move move) {
    Znode replaced = move.replaced;
    checkFlags(move); // answers before a cycle does, as on Linux
    if (move.source.isDirectory() && isAncestor(move.source, move.newDirectory)) {
      throw posix(Errno.EINVAL, "a directory cannot move into itself");
    }
    if (replaced != null && replaced.isDirectory() && isAncestor(replaced, move.oldDirectory)) {
      throw posix(move.exchanges() ? Errno.EINVAL : Errno.ENOTEMPTY, Names.show(move.newName));
    }
  }

  private static void checkFlags(Move move) {
    if (move.replaced != null && (move.flags & OpenFlags.RENAME_NOREPLACE) != 0) {
      throw posix(Errno.EEXIST, Names.show(move.newName));
    }
    if (move.replaced == null && move.exchanges()) {
      throw posix(Errno.ENOENT, Names.show(move.newName));
    }
  }

  private boolean isAncestor(Znode candidate, Znode directory) {
    Znode at = directory;
    for (long steps = core.objects.objectCount() + 1; steps >= 0; steps--) {
      if (at == candidate || at.inode == candidate.inode) {
        return true;
      }
      if (at.inode == core.rootInode || at.attrs().nlink == 0) {
        return false;
      }
      at = directories.parent(at);
    }
    throw corrupt("znode.parent", "parents of " + directory.inode + " lead in a circle");
  }

  private void check(Move move, Caller caller) {
    Znode replaced = move.replaced;
    Znode source = move.source;
    Permissions.checkRemoval(move.oldDirectory, source, caller);
    if (move.newDirectory.deleted || move.newDirectory.attrs().nlink == 0) {
      throw posix(Errno.ENOENT, "removed directory " + move.newDirectory.inode);
    }
    if (replaced == null) {
      Permissions.check(move.newDirectory, caller, OpenFlags.W_OK | OpenFlags.X_OK);
    } else {
      Permissions.checkRemoval(move.newDirectory, replaced, caller);
      if (!move.exchanges()) {
        if (source.isDirectory() && !replaced.isDirectory()) {
          throw posix(Errno.ENOTDIR, Names.show(move.newName));
        }
        if (!source.isDirectory() && replaced.isDirectory()) {
          throw posix(Errno.EISDIR, Names.show(move.newName));
        }
      }
    }
    if (move.crosses()) {
      checkMoved(source, move.newDirectory, replaced, caller);
      if (move.exchanges() && replaced != null) {
        checkMoved(replaced, move.oldDirectory, source, caller);
      }
    }
    if (replaced != null && replaced.isDirectory() && !move.exchanges()) {
      removes.checkEmpty(replaced);
    }
  }

  /**
   * A directory that gets another parent is written to ('..'), and counts as its link. What comes
   * under a directory that gives its project has to be of it, as with quotas on Linux: who moves it
   * nevertheless makes a copy.
   */
  private static void checkMoved(Znode moved, Znode to, @Nullable Znode leaving, Caller caller) {
    if (!to.attrs().takes(moved.attrs())) {
      throw posix(Errno.EXDEV, "move to a directory of another project than the file's");
    }
    if (!moved.isDirectory()) {
      return;
    }
    Permissions.check(moved, caller, OpenFlags.W_OK);
    if ((leaving == null || !leaving.isDirectory()) && to.attrs().nlink >= CreateOps.MAX_LINKS) {
      throw posix(Errno.EMLINK, "inode " + to.inode);
    }
  }

  /** Moves, in one transaction; returns whether the reaper has to finish with what was replaced. */
  private boolean move(Move move) {
    Znode replaced = move.replaced;
    Znode source = move.source;
    long now = core.env.wallNanos();
    long entry = DirectoryEntry.of(source.inode, source.attrs());
    boolean later = false;
    Tx tx =
        replaced == null
            ? core.begin(FsCore.NAME_CHANGE_BYTES)
            : core.beginFreeing(FsCore.NAME_CHANGE_BYTES);
    try {
      Undo undo = new Undo();
      forgetNames(move);
      try {
        putNew(tx, move, entry, undo);
        if (core.env.planted(PlantedBug.RENAME_IN_TWO_TXGS)) {
          tx.complete();
          tx.close();
          core.objects.sync();
          tx = core.beginFreeing(FsCore.NAME_CHANGE_BYTES);
        }
        removeOld(tx, move, entry, undo);
        if (replaced != null) {
          later = removes.dropName(tx, replaced, now);
        }
      } catch (RuntimeException e) {
        throw undo.failed(tx, e);
      }
      ZnodeRecord moved = source.attrs().copy();
      moved.parent = move.newDirectory.inode;
      moved.setCtime(now);
      source.publish(tx, moved);
      int arrives = source.isDirectory() ? 1 : 0;
      int leaves = replaced != null && replaced.isDirectory() ? 1 : 0;
      if (move.crosses()) {
        publish(tx, move.oldDirectory, -1, -arrives, now);
        publish(tx, move.newDirectory, replaced == null ? 1 : 0, arrives - leaves, now);
      } else {
        publish(tx, move.oldDirectory, replaced == null ? 0 : -1, -leaves, now);
      }
      tx.complete();
    } finally {
      tx.close();
    }
    core.names.put(move.oldDirectory, move.oldName, null);
    core.names.put(move.newDirectory, move.newName, source);
    return later;
  }

  private void putNew(Tx tx, Move move, long entry, Undo undo) {
    Znode replaced = move.replaced;
    if (replaced == null) {
      Check.that(
          move.newDirectory.zap(core).insertLong(tx, move.newName, entry),
          "a name appeared under the directory's lock");
      undo.add(() -> move.newDirectory.zap(core).remove(tx, move.newName));
    } else {
      setEntry(tx, move.newDirectory, move.newName, entry);
      long before = DirectoryEntry.of(replaced.inode, replaced.attrs());
      undo.add(() -> setEntry(tx, move.newDirectory, move.newName, before));
    }
  }

  private void removeOld(Tx tx, Move move, long entry, Undo undo) {
    Check.that(
        move.oldDirectory.zap(core).remove(tx, move.oldName),
        "a name vanished under the directory's lock");
    undo.add(() -> move.oldDirectory.zap(core).insertLong(tx, move.oldName, entry));
  }

  private void exchange(Move move, Znode other) {
    Znode source = move.source;
    long now = core.env.wallNanos();
    long sourceEntry = DirectoryEntry.of(source.inode, source.attrs());
    long otherEntry = DirectoryEntry.of(other.inode, other.attrs());
    try (Tx tx = core.begin(FsCore.NAME_CHANGE_BYTES)) {
      Undo undo = new Undo();
      forgetNames(move);
      try {
        setEntry(tx, move.newDirectory, move.newName, sourceEntry);
        undo.add(() -> setEntry(tx, move.newDirectory, move.newName, otherEntry));
        setEntry(tx, move.oldDirectory, move.oldName, otherEntry);
      } catch (RuntimeException e) {
        throw undo.failed(tx, e);
      }
      publishParent(tx, source, move.newDirectory, now);
      publishParent(tx, other, move.oldDirectory, now);
      int arrives = (source.isDirectory() ? 1 : 0) - (other.isDirectory() ? 1 : 0);
      if (move.crosses()) {
        publish(tx, move.newDirectory, 0, arrives, now);
        publish(tx, move.oldDirectory, 0, -arrives, now);
      } else {
        publish(tx, move.oldDirectory, 0, 0, now);
      }
      tx.complete();
    }
    core.names.put(move.oldDirectory, move.oldName, other);
    core.names.put(move.newDirectory, move.newName, source);
  }

  private void forgetNames(Move move) {
    core.names.remove(move.oldDirectory, move.oldName);
    core.names.remove(move.newDirectory, move.newName);
  }

  private void setEntry(Tx tx, Znode directory, byte[] name, long entry) {
    directory.zap(core).putLong(tx, name, entry);
  }

  private static void publishParent(Tx tx, Znode file, Znode parent, long now) {
    ZnodeRecord next = file.attrs().copy();
    next.parent = parent.inode;
    next.setCtime(now);
    file.publish(tx, next);
  }

  private static void publish(Tx tx, Znode directory, int entries, int links, long now) {
    ZnodeRecord next = directory.attrs().copy();
    next.entryCount += entries;
    next.nlink += links;
    next.setMtime(now);
    next.setCtime(now);
    directory.publish(tx, next);
  }
}
