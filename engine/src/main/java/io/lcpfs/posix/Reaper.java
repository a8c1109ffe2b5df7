package io.lcpfs.posix;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.txg.Tx;
import java.util.ArrayDeque;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Frees files that have no name: at once when they are small and closed, else through the unlinked
 * set and, in steps that fit a transaction, by a task of its own.
 */
final class Reaper {
  private final FsCore core;
  private final ReentrantLock lock = new ReentrantLock();
  private final ArrayDeque<Long> queue = new ArrayDeque<>();
  private @Nullable Task<Void> task;
  private boolean running;
  private volatile boolean stopping;
  private volatile @Nullable PoolException failure;

  Reaper(FsCore core) {
    this.core = core;
  }

  /** Starts freeing what an earlier run left behind. */
  void reapLeftovers() {
    if (core.unlinked.count() == 0) {
      return;
    }
    core.env.probe(CodeProbe.UNLINKED_REAPED_ON_IMPORT);
    UnlinkedSet.InodeBatch batch = new UnlinkedSet.InodeBatch();
    start(
        () -> {
          long cookie = 0;
          do {
            cookie = core.unlinked.next(cookie, batch);
            for (int i = 0; i < batch.count && !stopping; i++) {
              reapAndRemember(batch.inodes[i]);
            }
          } while (batch.count > 0 && !stopping);
        });
  }

  /** Frees {@code inode} in the background; it is in the unlinked set. Holds no lock, no Tx. */
  void enqueue(long inode) {
    lock.lock();
    try {
      queue.add(inode);
    } finally {
      lock.unlock();
    }
    start(() -> {});
  }

  private void start(Runnable first) {
    lock.lock();
    try {
      if (running || stopping) {
        return;
      }
      running = true;
      task =
          core.env.fork(
              "posix-reaper",
              () -> {
                try {
                  first.run();
                } catch (PoolException e) {
                  failure = e;
                }
                drain();
              });
    } finally {
      lock.unlock();
    }
  }

  private void drain() {
    while (true) {
      Long inode;
      lock.lock();
      try {
        inode = queue.poll();
        if (inode == null || stopping) {
          running = false;
          return;
        }
      } finally {
        lock.unlock();
      }
      reapAndRemember(inode);
    }
  }

  private void reapAndRemember(long inode) {
    try {
      reap(inode);
    } catch (PoolException e) {
      // It stays in the set, for the next import; statistics tell that something is wrong.
      failure = e;
    }
  }

  /** What last kept a file from being freed, or null. */
  @Nullable PoolException failure() {
    return failure;
  }

  /** Whether nothing is being freed in the background. */
  boolean idle() {
    lock.lock();
    try {
      return !running;
    } finally {
      lock.unlock();
    }
  }

  void stop() {
    Task<Void> last;
    lock.lock();
    try {
      stopping = true;
      last = task;
    } finally {
      lock.unlock();
    }
    if (last != null) {
      last.join();
    }
  }

  /** Frees a file of the unlinked set when it has neither a name nor a user. */
  void reap(long inode) {
    Znode file;
    try {
      file = core.znodes.pin(inode);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      forget(inode);
      return;
    }
    try (LockSet locks = LockSet.write(file)) {
      if (file.deleted || file.openHandles > 0) {
        return;
      }
      if (file.attrs().nlink > 0) {
        forget(inode);
        return;
      }
      reapLocked(file);
    } finally {
      core.znodes.unpin(file);
    }
  }

  private void forget(long inode) {
    try (UnlinkedSet.Use use = core.unlinked.use();
        Tx tx = core.beginFreeing(FsCore.NAME_CHANGE_BYTES)) {
      core.unlinked.remove(tx, inode);
      tx.complete();
    }
  }

  /**
   * Frees a file without name or handles, under its lock; several transactions when it is large.
   */
  void reapLocked(Znode file) {
    Dnode dnode = file.dnode;
    while (!fitsOneTransaction(dnode)) {
      if (stopping) {
        return;
      }
      long end = FileData.boundedEnd(dnode, 0, core.blocksFreedAtOnce);
      try (Tx tx = core.beginFreeing(FsCore.NAME_CHANGE_BYTES)) {
        dnode.freeRange(tx, 0, end);
        tx.complete();
      }
    }
    try (UnlinkedSet.Use use = core.unlinked.use();
        Tx tx = core.beginFreeing(FsCore.NAME_CHANGE_BYTES)) {
      try {
        free(tx, file, file.attrs());
        core.unlinked.remove(tx, file.inode);
        tx.complete();
      } catch (PoolException e) {
        // Without its extended attributes it waits as before; an entry without a file is forgotten.
        tx.complete();
        throw e;
      }
    }
  }

  /**
   * Gives up a file whose last name goes in {@code tx}, under its lock and with the unlinked set in
   * use. When this fails it is as before (it may have lost its extended attributes).
   *
   * @param last its attributes from now on, without a name
   * @return whether to {@link #enqueue} it after the transaction
   */
  boolean dispose(Tx tx, Znode file, ZnodeRecord last) {
    boolean open = file.openHandles > 0;
    if (!open && fitsOneTransaction(file.dnode)) {
      try {
        free(tx, file, last);
        return false;
      } catch (PoolException e) {
        // An unreadable indirect block, or no memory: the next import tries again.
        failure = e;
        last.xattrObject = file.attrs().xattrObject;
      }
    }
    core.unlinked.add(tx, file.inode);
    file.publish(tx, last);
    return !open && !fitsOneTransaction(file.dnode);
  }

  private boolean fitsOneTransaction(Dnode dnode) {
    return dnode.blockCount() <= core.blocksFreedAtOnce
        || FileData.boundedEnd(dnode, 0, core.blocksFreedAtOnce) == Long.MAX_VALUE;
  }

  /** Frees the file's objects; the attributes stay in memory while somebody looks at them. */
  private void free(Tx tx, Znode file, ZnodeRecord last) {
    if (file.attrs().xattrObject != 0) {
      freeXattrs(tx, file.attrs().xattrObject);
      ZnodeRecord without = file.attrs().copy();
      without.xattrObject = 0;
      file.publish(tx, without);
    }
    file.dnode.free(tx);
    file.publishDeleted(last);
  }

  private void freeXattrs(Tx tx, long object) {
    try (Dnode xattrs = core.objects.hold(object)) {
      if (xattrs.type() != ObjectType.XATTRS) {
        throw new PoolException(
            new PoolError.Corrupt(
                "znode.xattr_object", "object " + object + " is " + xattrs.type()));
      }
      xattrs.free(tx);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      // Freed already, by an attempt that failed later.
    }
  }
}
