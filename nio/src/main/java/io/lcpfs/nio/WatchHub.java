package io.lcpfs.nio;

import java.nio.file.Path;
import java.nio.file.WatchEvent;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who watches which directory of one engine file system. Whoever changes a name through this
 * provider tells it here, after the change; without watchers that costs one volatile read.
 */
final class WatchHub {
  /** No inode's number. */
  static final long NONE = -1;

  private final ReentrantLock lock = new ReentrantLock();

  /** By the directory's inode; guarded by the lock. */
  private final Map<Long, List<LcpfsWatchKey>> keys = new HashMap<>();

  private volatile boolean active;

  boolean active() {
    return active;
  }

  void add(long inode, LcpfsWatchKey key) {
    lock.lock();
    try {
      keys.computeIfAbsent(inode, number -> new CopyOnWriteArrayList<>()).add(key);
      active = true;
    } finally {
      lock.unlock();
    }
  }

  void remove(long inode, LcpfsWatchKey key) {
    lock.lock();
    try {
      List<LcpfsWatchKey> watching = keys.get(inode);
      if (watching != null && watching.remove(key) && watching.isEmpty()) {
        keys.remove(inode);
      }
      active = !keys.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private List<LcpfsWatchKey> watching(long inode) {
    lock.lock();
    try {
      return keys.getOrDefault(inode, List.of());
    } finally {
      lock.unlock();
    }
  }

  void event(long directory, byte[] name, WatchEvent.Kind<Path> kind) {
    for (LcpfsWatchKey key : watching(directory)) {
      key.event(kind, name);
    }
  }

  /** The directory was removed: its keys end, and are signalled so that somebody sees it. */
  void directoryGone(long inode) {
    for (LcpfsWatchKey key : watching(inode)) {
      key.directoryGone();
    }
  }
}
