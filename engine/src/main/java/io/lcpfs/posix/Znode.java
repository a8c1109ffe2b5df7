package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.object.Dnode;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/**
 * A file in memory; at most one per inode. The attributes are one immutable record, so that they
 * are read without a lock; they, the content and the entries change only under the write lock.
 */
final class Znode {
  static final long NO_TIME = Long.MIN_VALUE;
  private static final int EVICTED = -1;
  private static final VarHandle PINS;
  private static final VarHandle ZAP;

  static {
    try {
      PINS = MethodHandles.lookup().findVarHandle(Znode.class, "pins", int.class);
      ZAP = MethodHandles.lookup().findVarHandle(Znode.class, "zap", Zap.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  final long inode;
  final Dnode dnode;

  /** Not reentrant. Several are taken by {@link LockSet} only. */
  final StampedLock lock = new StampedLock();

  /** Open handles; under the write lock. */
  int openHandles;

  /** A failed write may have left bytes beyond the end of the file; under the write lock. */
  boolean bytesBeyondEnd;

  /** The object is freed; set under the write lock. */
  volatile boolean deleted;

  /** A newer access time than the record's, or {@link #NO_TIME}; merged at the next change. */
  volatile long pendingAtime = NO_TIME;

  /** The extended attributes, once read; replaced under the write lock. */
  volatile @Nullable XattrMap xattrs;

  /** Next in the cache's bucket; changed under the cache's lock. */
  volatile @Nullable Znode next;

  /** Used since the cache's hand came by. */
  volatile boolean referenced;

  private volatile ZnodeRecord attrs;
  private volatile @Nullable Zap zap;
  private volatile int pins;

  Znode(Dnode dnode, ZnodeRecord attrs, int pins) {
    this.inode = dnode.number();
    this.dnode = dnode;
    this.attrs = attrs;
    this.pins = pins;
  }

  ZnodeRecord attrs() {
    return attrs;
  }

  /**
   * Makes {@code next} the attributes, here and in the object. Under the write lock; cannot fail.
   */
  void publish(Tx tx, ZnodeRecord next) {
    long accessed = pendingAtime;
    if (accessed != NO_TIME) {
      next.setAtime(accessed);
      pendingAtime = NO_TIME;
    }
    dnode.setBonus(tx, next.encode());
    attrs = next;
  }

  /** The last attributes of a file whose object is freed. */
  void publishDeleted(ZnodeRecord last) {
    attrs = last;
    deleted = true;
  }

  boolean isDirectory() {
    return attrs.isDirectory();
  }

  /**
   * The access control list that belongs to {@code to}, attributes of this file with {@link
   * ZnodeRecord#FLAG_ACL}; needs no lock.
   *
   * @return null when the file has other attributes by now
   * @throws PoolException EIO
   */
  @Nullable PosixAcl acl(ZnodeRecord to) {
    PosixAcl known = to.acl;
    if (known != null) {
      return known;
    }
    PoolException failure = null;
    PosixAcl read = null;
    try {
      read = PosixAcl.stored(Xattrs.read(dnode.objectSet(), to), PosixAcl.ACCESS);
    } catch (PoolException e) {
      failure = e;
    }
    // Whoever replaces the attributes notes the list before their object is freed, so what was
    // read counts only if nobody did.
    known = to.acl;
    if (known != null) {
      return known;
    }
    if (attrs != to) {
      return null;
    }
    if (failure != null) {
      throw failure;
    }
    if (read == null) {
      throw corrupt("znode.flags", to.flags);
    }
    to.acl = read;
    return read;
  }

  /** The entries of a directory. Under the lock, at least for reading. */
  Zap zap(FsCore core) {
    Zap open = zap;
    if (open == null) {
      Zap opened = Zap.open(dnode, core.env);
      // Two readers may come here together; both must use the same one from then on.
      open = ZAP.compareAndSet(this, null, opened) ? opened : zap;
    }
    if (open == null) {
      throw new AssertionError("directory without entries");
    }
    return open;
  }

  /** Keeps it in memory; false when it has left already. */
  boolean tryPin() {
    while (true) {
      int now = pins;
      if (now == EVICTED) {
        return false;
      }
      if (PINS.compareAndSet(this, now, now + 1)) {
        return true;
      }
    }
  }

  /** Ends {@code count} pins, returns those left. The cache calls this. */
  int releasePins(int count) {
    int left = (int) PINS.getAndAdd(this, -count) - count;
    if (left < 0) {
      throw new AssertionError("inode " + inode + " unpinned too often");
    }
    return left;
  }

  boolean tryEvict() {
    return PINS.compareAndSet(this, 0, EVICTED);
  }

  boolean isEvicted() {
    return pins == EVICTED;
  }

  boolean isPinned() {
    return pins > 0;
  }

  /** Fills {@code to}; never mixes two states. */
  void fill(AttrBuffer to, int recordBytes) {
    ZnodeRecord from = attrs;
    to.inode = inode;
    to.generation = from.generation;
    to.mode = from.mode;
    to.nlink = from.nlink;
    to.uid = from.uid;
    to.gid = from.gid;
    to.rdev = from.rdev;
    to.size = from.isDirectory() ? from.entryCount : from.size;
    to.blocks512 = deleted ? 0 : blocks512(from);
    to.blockBytes = recordBytes;
    to.atimeSeconds = from.atimeSeconds;
    to.atimeNanos = from.atimeNanos;
    to.mtimeSeconds = from.mtimeSeconds;
    to.mtimeNanos = from.mtimeNanos;
    to.ctimeSeconds = from.ctimeSeconds;
    to.ctimeNanos = from.ctimeNanos;
    to.btimeSeconds = from.btimeSeconds;
    to.btimeNanos = from.btimeNanos;
    long accessed = pendingAtime;
    if (accessed != NO_TIME) {
      to.atimeSeconds = Math.floorDiv(accessed, 1_000_000_000L);
      to.atimeNanos = Math.floorMod(accessed, 1_000_000_000);
    }
  }

  private long blocks512(ZnodeRecord from) {
    long stored = dnode.storedBytes();
    if (stored > 0) {
      return Math.ceilDiv(stored, Disk.SECTOR_BYTES);
    }
    // Archivers take a file without blocks for one hole, so unsynced data counts as one block.
    return from.isRegular() && from.size > 0 && dnode.blockCount() > 0 ? 1 : 0;
  }

  /**
   * Decodes the attributes of {@code dnode}: ENOENT when it is no file, Corrupt when they disagree.
   */
  static ZnodeRecord decode(Dnode dnode) {
    boolean isFile =
        switch (dnode.type()) {
          case FILE, DIRECTORY, SYMLINK, SPECIAL -> true;
          default -> false;
        };
    if (!isFile) {
      throw PoolException.posix(Errno.ENOENT, "inode " + dnode.number());
    }
    ZnodeRecord record = ZnodeRecord.decode(dnode.bonus());
    if (Mode.objectType(record.mode) != dnode.type()) {
      throw corrupt("znode.mode", record.mode);
    }
    return record;
  }
}
