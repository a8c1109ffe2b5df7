package io.lcpfs.nio;

import java.nio.channels.OverlappingFileLockException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The file locks of one engine file system by inode number. A pool belongs to one process, so this
 * table is the whole truth, and a lock is had at once or overlaps one of this JVM.
 */
final class LockTable {
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Long, List<LcpfsFileLock>> byInode = new HashMap<>();

  /**
   * @throws OverlappingFileLockException when a lock of the same file overlaps
   */
  void add(long inode, LcpfsFileLock added) {
    lock.lock();
    try {
      List<LcpfsFileLock> held = byInode.computeIfAbsent(inode, key -> new ArrayList<>());
      for (LcpfsFileLock other : held) {
        if (other.overlaps(added.position(), added.size())) {
          throw new OverlappingFileLockException();
        }
      }
      held.add(added);
    } finally {
      lock.unlock();
    }
  }

  void remove(long inode, LcpfsFileLock removed) {
    lock.lock();
    try {
      List<LcpfsFileLock> held = byInode.get(inode);
      if (held != null && held.remove(removed) && held.isEmpty()) {
        byInode.remove(inode);
      }
    } finally {
      lock.unlock();
    }
  }
}
