package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import io.lcpfs.format.Disk;
import io.lcpfs.object.Dnode;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The files that lost their last name but are not freed: open ones, and ones too large for one
 * transaction. An entry for a file that has a name, or for none, means nothing and is dropped when
 * it is met.
 *
 * <p>Whoever may change it takes {@link #use} after the locks of files and before the transaction
 * begins, and lets go after its end: else one of an older group could come to the entries after one
 * of a newer group.
 */
final class UnlinkedSet {
  private final Dnode dnode;
  private final Zap entries;
  private final ReentrantLock lock = new ReentrantLock();

  /** The right to change the set. */
  interface Use extends AutoCloseable {
    @Override
    void close();
  }

  UnlinkedSet(Dnode dnode, Env env) {
    this.dnode = dnode;
    this.entries = Zap.open(dnode, env);
  }

  static byte[] key(long inode) {
    byte[] key = new byte[Long.BYTES];
    MemorySegment.ofArray(key).set(Disk.U64, 0, inode);
    return key;
  }

  /** Keeps others from changing it; no transaction may be under way. */
  Use use() {
    lock.lock();
    return lock::unlock;
  }

  /** Adds, in {@link #use}; when this fails nothing has changed. Already being there is fine. */
  void add(Tx tx, long inode) {
    Check.that(lock.isHeldByCurrentThread(), "unlinked set in use", inode);
    entries.insertLong(tx, key(inode), inode);
  }

  /** Removes, in {@link #use}. */
  void remove(Tx tx, long inode) {
    Check.that(lock.isHeldByCurrentThread(), "unlinked set in use", inode);
    entries.remove(tx, key(inode));
  }

  long count() {
    lock.lock();
    try {
      return entries.count();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Collects the next inodes after {@code cookie} into {@code found}.
   *
   * @return where to go on; {@code found} is empty at the end
   */
  long next(long cookie, InodeBatch found) {
    found.count = 0;
    lock.lock();
    try {
      return entries.iterate(
          cookie,
          (at, name, value) -> {
            if (found.count == found.inodes.length) {
              return false;
            }
            found.inodes[found.count++] = decode(value);
            return true;
          });
    } finally {
      lock.unlock();
    }
  }

  static long decode(byte[] value) {
    if (value.length != Long.BYTES) {
      throw corrupt("unlinked.value", value.length);
    }
    long inode = MemorySegment.ofArray(value).get(Disk.U64, 0);
    if (inode <= 0) {
      throw corrupt("unlinked.value", inode);
    }
    return inode;
  }

  /** What {@link #next} fills. */
  static final class InodeBatch {
    final long[] inodes = new long[256];
    int count;
  }

  void close() {
    dnode.close();
  }
}
