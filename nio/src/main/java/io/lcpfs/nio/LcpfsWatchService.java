package io.lcpfs.nio;

import io.lcpfs.api.SnapshotDirectory;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystemException;
import java.nio.file.NotDirectoryException;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Events of the changes that are made through this provider, in this process; they are queued
 * before the call that made the change returns. What others do to the dataset is not seen.
 */
final class LcpfsWatchService implements WatchService {
  private static final Set<WatchEvent.Kind<?>> KNOWN =
      Set.of(
          StandardWatchEventKinds.ENTRY_CREATE,
          StandardWatchEventKinds.ENTRY_MODIFY,
          StandardWatchEventKinds.ENTRY_DELETE);

  private final LcpfsFileSystem fs;

  /** Guards everything below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final Deque<LcpfsWatchKey> signalled = new ArrayDeque<>();
  private final Map<Long, LcpfsWatchKey> keys = new HashMap<>();
  private boolean closed;

  LcpfsWatchService(LcpfsFileSystem fs) {
    this.fs = fs;
  }

  private void checkOpen() {
    if (closed) {
      throw new ClosedWatchServiceException();
    }
  }

  WatchKey register(
      LcpfsPath directory, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers)
      throws IOException {
    if (directory.getFileSystem().posix() != fs.posix()) {
      throw new ProviderMismatchException();
    }
    Set<WatchEvent.Kind<?>> kinds = kinds(events);
    for (WatchEvent.Modifier modifier : modifiers) {
      Objects.requireNonNull(modifier);
      throw new UnsupportedOperationException("modifier " + modifier.name());
    }
    LcpfsFileAttributes found =
        SnapshotWay.reach(directory, SnapshotWay.End.FOLLOWED, LcpfsWatchService::watchable);
    if (!found.isDirectory()) {
      throw new NotDirectoryException(directory.toString());
    }
    long inode = found.raw().inode;
    LcpfsWatchKey known = known(inode, directory, kinds);
    // Without the lock: a key takes its own first, then ours.
    known.setKinds(kinds);
    return known;
  }

  private static LcpfsFileAttributes watchable(LcpfsPath directory) throws IOException {
    LcpfsFileAttributes found = directory.calls().stat(directory, true);
    if (directory.getFileSystem().isBehindDataset() || directory.calls() instanceof ControlCalls) {
      throw new FileSystemException(
          directory.toString(),
          null,
          "nothing is watched there, as snapshots do not change; watch a directory outside of "
              + SnapshotDirectory.NAME);
    }
    return found;
  }

  private LcpfsWatchKey known(long inode, LcpfsPath directory, Set<WatchEvent.Kind<?>> kinds) {
    lock.lock();
    try {
      checkOpen();
      LcpfsWatchKey known = keys.get(inode);
      if (known != null) {
        return known;
      }
      LcpfsWatchKey key = new LcpfsWatchKey(this, directory, inode, kinds);
      keys.put(inode, key);
      fs.shared().watchers.add(inode, key);
      return key;
    } finally {
      lock.unlock();
    }
  }

  private static Set<WatchEvent.Kind<?>> kinds(WatchEvent.Kind<?>[] events) {
    Set<WatchEvent.Kind<?>> kinds = new HashSet<>();
    for (WatchEvent.Kind<?> kind : events) {
      if (KNOWN.contains(kind)) {
        kinds.add(kind);
      } else if (!kind.equals(StandardWatchEventKinds.OVERFLOW)) {
        throw new UnsupportedOperationException("events " + kind.name());
      }
    }
    if (kinds.isEmpty()) {
      throw new IllegalArgumentException("no events to watch for");
    }
    return kinds;
  }

  void signal(LcpfsWatchKey key) {
    lock.lock();
    try {
      if (!closed) {
        signalled.add(key);
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  void cancelled(LcpfsWatchKey key) {
    lock.lock();
    try {
      keys.remove(key.inode(), key);
    } finally {
      lock.unlock();
    }
    fs.shared().watchers.remove(key.inode(), key);
  }

  @Override
  public @Nullable WatchKey poll() {
    lock.lock();
    try {
      checkOpen();
      return signalled.poll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public @Nullable WatchKey poll(long timeout, TimeUnit unit) throws InterruptedException {
    long left = unit.toNanos(timeout);
    lock.lock();
    try {
      checkOpen();
      while (signalled.isEmpty() && left > 0) {
        left = changed.awaitNanos(left);
        checkOpen();
      }
      return signalled.poll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public WatchKey take() throws InterruptedException {
    lock.lock();
    try {
      checkOpen();
      while (signalled.isEmpty()) {
        changed.await();
        checkOpen();
      }
      return signalled.remove();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    List<LcpfsWatchKey> ended;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      ended = new ArrayList<>(keys.values());
      signalled.clear();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    // Without the lock: a key takes its own first, then ours.
    ended.forEach(LcpfsWatchKey::cancel);
    fs.released(this);
  }
}
