package io.lcpfs.nio;

import io.lcpfs.posix.PosixFileSystem;
import java.util.IdentityHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What all views of one engine file system share: the table of file locks and the watchers. Counted
 * by its users; the last one takes it off the table.
 */
final class SharedState {
  private static final ReentrantLock LOCK = new ReentrantLock();

  /** By the engine file system; guarded by the lock, as the counts are. */
  private static final IdentityHashMap<PosixFileSystem, SharedState> ALL = new IdentityHashMap<>();

  final PosixFileSystem posix;
  final LockTable locks = new LockTable();
  final WatchHub watchers = new WatchHub();
  private int users;

  private SharedState(PosixFileSystem posix) {
    this.posix = posix;
  }

  static SharedState acquire(PosixFileSystem posix) {
    LOCK.lock();
    try {
      SharedState state = ALL.computeIfAbsent(posix, SharedState::new);
      state.users++;
      return state;
    } finally {
      LOCK.unlock();
    }
  }

  void release() {
    LOCK.lock();
    try {
      if (--users == 0) {
        ALL.remove(posix);
      }
    } finally {
      LOCK.unlock();
    }
  }
}
