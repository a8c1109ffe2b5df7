package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Finding names in directories, and listing them. */
final class DirectoryOps {
  private static final byte[] DOT = {'.'};
  private static final byte[] DOT_DOT = {'.', '.'};
  private static final long DOT_COOKIE = 1;
  private static final long DOT_DOT_COOKIE = 2;

  private final FsCore core;

  DirectoryOps(FsCore core) {
    this.core = core;
  }

  /**
   * @throws PoolException ENOTDIR
   */
  static void checkDirectory(Znode file) {
    if (!file.isDirectory()) {
      throw posix(Errno.ENOTDIR, "inode " + file.inode);
    }
  }

  /**
   * The file of a name, not pinned; null when there is none. No permission is checked. Takes no
   * lock and allocates nothing when the name is cached.
   */
  @Nullable Znode child(Znode directory, byte[] bytes, int offset, int length) {
    Object known = core.names.find(directory, bytes, offset, length);
    if (known instanceof Znode found) {
      return found;
    }
    if (known != null) {
      return null;
    }
    byte[] name = Arrays.copyOfRange(bytes, offset, offset + length);
    // Pinned, so that its object stays open while its entries are read.
    Znode pinned = core.znodes.pin(directory.inode);
    long stamp = pinned.lock.readLock();
    try {
      return childLocked(pinned, name);
    } finally {
      pinned.lock.unlockRead(stamp);
      core.znodes.unpin(pinned);
    }
  }

  /** The same under the lock of {@code directory}, at least for reading. Keeps {@code name}. */
  @Nullable Znode childLocked(Znode directory, byte[] name) {
    if (directory.deleted || directory.attrs().nlink == 0) {
      return null;
    }
    Object known = core.names.find(directory, name, 0, name.length);
    if (known instanceof Znode found) {
      return found;
    }
    if (known != null) {
      return null;
    }
    long entry = directory.zap(core).getLong(name, 0, name.length);
    Znode found = entry == DirectoryEntry.ABSENT ? null : load(directory, entry);
    core.names.put(directory, name, found);
    return found;
  }

  /**
   * The file of an entry. The directory's lock keeps it from being removed. A directory is only
   * found in the one that it names as its parent, so that no path leads in a circle.
   */
  private Znode load(Znode directory, long entry) {
    Znode found;
    try {
      found = core.znodes.get(DirectoryEntry.inode(entry));
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        throw corrupt("directory_entry.inode", entry);
      }
      throw e;
    }
    if (!DirectoryEntry.fits(entry, found.attrs())) {
      throw corrupt("directory_entry.generation", entry);
    }
    if (found.attrs().nlink == 0) {
      throw corrupt("znode.nlink", 0); // whoever opens it would wait for the name to go
    }
    if (found.isDirectory()
        && (found.attrs().parent != directory.inode || found.inode == core.rootInode)) {
      throw corrupt("znode.parent", found.attrs().parent);
    }
    return found;
  }

  /** As {@link #child}, pinned. */
  @Nullable Znode pinChild(Znode directory, byte[] name) {
    while (true) {
      Znode found = child(directory, name, 0, name.length);
      if (found == null || found.tryPin()) {
        return found;
      }
    }
  }

  /** Whether the name still belongs to {@code child}, both being locked. */
  boolean isStill(Znode directory, byte[] name, @Nullable Znode child) {
    return childLocked(directory, name) == child && (child == null || !child.deleted);
  }

  /** The parent of a directory; of the root, itself. */
  Znode parent(Znode directory) {
    long inode = directory.attrs().parent;
    Znode parent;
    try {
      parent = core.znodes.get(inode);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      if (directory.attrs().nlink == 0) {
        throw e;
      }
      throw corrupt("znode.parent", inode);
    }
    if (!parent.isDirectory()) {
      if (directory.attrs().nlink == 0) {
        throw posix(Errno.ENOENT, "parent of inode " + directory.inode);
      }
      throw corrupt("znode.parent", inode);
    }
    return parent;
  }

  /** As {@link #find}; ENOENT when there is none. */
  Znode lookup(Znode directory, byte[] name, Caller caller) {
    Znode found = find(directory, name, caller);
    if (found == null) {
      throw posix(Errno.ENOENT, Names.show(name));
    }
    return found;
  }

  /** Looks up a name, '.' and '..' included, with the permission to search. Not pinned. */
  @Nullable Znode find(Znode directory, byte[] name, Caller caller) {
    checkDirectory(directory);
    Names.checkLookup(name);
    Permissions.check(directory, caller, OpenFlags.X_OK);
    if (Names.isDot(name)) {
      return directory;
    }
    if (Names.isDotDot(name)) {
      return parent(directory);
    }
    return child(directory, name, 0, name.length);
  }

  void list(Znode directory, long cookie, DirectoryVisitor visitor, boolean noteAccess) {
    checkDirectory(directory);
    if (cookie < 0) {
      throw posix(Errno.EINVAL, "cookie " + cookie);
    }
    long stamp = directory.lock.readLock();
    try {
      listLocked(directory, cookie, visitor);
    } finally {
      directory.lock.unlockRead(stamp);
    }
    if (noteAccess) {
      core.accessed(directory);
    }
  }

  private void listLocked(Znode directory, long cookie, DirectoryVisitor visitor) {
    ZnodeRecord attrs = directory.attrs();
    if (directory.deleted || attrs.nlink == 0) {
      return;
    }
    int type = Mode.DIRECTORY >>> 12;
    if (cookie < DOT_COOKIE && !visitor.entry(DOT_COOKIE, DOT, directory.inode, type)) {
      return;
    }
    if (cookie < DOT_DOT_COOKIE && !visitor.entry(DOT_DOT_COOKIE, DOT_DOT, attrs.parent, type)) {
      return;
    }
    directory
        .zap(core)
        .iterateLong(
            Math.max(cookie, DOT_DOT_COOKIE),
            (at, name, entry) -> {
              Names.checkFromDisk(name);
              return visitor.entry(
                  at, name, DirectoryEntry.inode(entry), DirectoryEntry.type(entry));
            });
  }

  /** The entry in a ZAP's value. */
  static long entryOf(byte[] value) {
    if (value.length != Long.BYTES) {
      throw corrupt("directory_entry.bytes", value.length);
    }
    return MemorySegment.ofArray(value).get(Disk.U64, 0);
  }
}
