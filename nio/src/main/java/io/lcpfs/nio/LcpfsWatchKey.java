package io.lcpfs.nio;

import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.Watchable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The watch of one directory by one service. */
final class LcpfsWatchKey implements WatchKey {
  private static final int MOST_EVENTS = 512;

  private final LcpfsWatchService service;
  private final LcpfsPath directory;
  private final long inode;

  /** Guards everything below. */
  private final ReentrantLock lock = new ReentrantLock();

  private Set<WatchEvent.Kind<?>> kinds;
  private boolean valid = true;
  private boolean signalled;
  private List<Event<?>> events = new ArrayList<>();

  /** The last event by name, while it is a modification. */
  private final Map<Path, Event<?>> modified = new HashMap<>();

  LcpfsWatchKey(
      LcpfsWatchService service, LcpfsPath directory, long inode, Set<WatchEvent.Kind<?>> kinds) {
    this.service = service;
    this.directory = directory;
    this.inode = inode;
    this.kinds = kinds;
  }

  /** Something that happened, and how often in a row. */
  private static final class Event<T> implements WatchEvent<T> {
    private final Kind<T> kind;
    private final @Nullable T context;
    private int count = 1;

    Event(Kind<T> kind, @Nullable T context) {
      this.kind = kind;
      this.context = context;
    }

    @Override
    public Kind<T> kind() {
      return kind;
    }

    @Override
    public int count() {
      return count;
    }

    @Override
    public @Nullable T context() {
      return context;
    }
  }

  long inode() {
    return inode;
  }

  void setKinds(Set<WatchEvent.Kind<?>> newKinds) {
    lock.lock();
    try {
      kinds = newKinds;
    } finally {
      lock.unlock();
    }
  }

  void event(WatchEvent.Kind<Path> kind, byte[] name) {
    lock.lock();
    try {
      if (!valid || !kinds.contains(kind)) {
        return;
      }
      Path context = new LcpfsPath(directory.getFileSystem(), name);
      Event<?> last = events.isEmpty() ? null : events.getLast();
      Event<?> earlier = modified.get(context);
      if (last != null && last.kind().equals(StandardWatchEventKinds.OVERFLOW)) {
        last.count++;
      } else if (last != null && last.kind().equals(kind) && context.equals(last.context())) {
        last.count++;
      } else if (kind.equals(StandardWatchEventKinds.ENTRY_MODIFY) && earlier != null) {
        earlier.count++;
      } else if (events.size() >= MOST_EVENTS) {
        events = new ArrayList<>();
        modified.clear();
        events.add(new Event<>(StandardWatchEventKinds.OVERFLOW, null));
      } else {
        Event<Path> event = new Event<>(kind, context);
        events.add(event);
        if (kind.equals(StandardWatchEventKinds.ENTRY_MODIFY)) {
          modified.put(context, event);
        } else {
          modified.remove(context);
        }
      }
      signal();
    } finally {
      lock.unlock();
    }
  }

  private void signal() {
    if (!signalled) {
      signalled = true;
      service.signal(this);
    }
  }

  void directoryGone() {
    cancel();
    lock.lock();
    try {
      signal();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isValid() {
    lock.lock();
    try {
      return valid;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<WatchEvent<?>> pollEvents() {
    lock.lock();
    try {
      List<WatchEvent<?>> polled = new ArrayList<>(events);
      events = new ArrayList<>();
      modified.clear();
      return polled;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean reset() {
    lock.lock();
    try {
      if (signalled && valid) {
        if (events.isEmpty()) {
          signalled = false;
        } else {
          service.signal(this);
        }
      }
      return valid;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void cancel() {
    lock.lock();
    try {
      if (!valid) {
        return;
      }
      valid = false;
    } finally {
      lock.unlock();
    }
    service.cancelled(this);
  }

  @Override
  public Watchable watchable() {
    return directory;
  }
}
