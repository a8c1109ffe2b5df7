package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Advisory locks on ranges of bytes, as fcntl(2) has them: shared locks of different owners may
 * overlap, an exclusive one overlaps nobody else's, and an owner's new lock replaces what it held
 * there before. Files are known by inode number. Safe from many threads; one lock guards it all.
 */
public final class RangeLocks implements AutoCloseable {
  /** The last byte of a lock that reaches to the end of the file, wherever that is. */
  public static final long TO_THE_END = Long.MAX_VALUE;

  /** Locks that all owners together may hold. */
  public static final int MOST_LOCKS = 1 << 16;

  /** What a lock keeps away. */
  public enum Kind {
    /** Exclusive locks of others. */
    SHARED,
    /** All locks of others. */
    EXCLUSIVE
  }

  /** Who holds locks: a process, or an open file description. Compared by identity. */
  public static final class Owner {
    private final int process;
    private final boolean isProcess;

    /** Its requests that wait; guarded by the lock of the table. */
    private final List<Request> waiting = new ArrayList<>();

    private Owner(int process, boolean isProcess) {
      this.process = process;
      this.isProcess = isProcess;
    }

    /** A process, whose waiting in a circle with others is found out. */
    public static Owner ofProcess(int process) {
      return new Owner(process, true);
    }

    /** An open file description, which several processes may share. */
    public static Owner ofDescription() {
      return new Owner(-1, false);
    }

    /** The process's number; -1 for a description. */
    public int process() {
      return process;
    }
  }

  /**
   * A lock.
   *
   * @param first offset of the first byte
   * @param last offset of the last byte, which belongs to it
   */
  public record Held(Owner owner, Kind kind, long first, long last) {
    boolean overlaps(long from, long to) {
      return first <= to && from <= last;
    }

    boolean blocks(Owner other, Kind wanted, long from, long to) {
      return owner != other
          && (kind == Kind.EXCLUSIVE || wanted == Kind.EXCLUSIVE)
          && overlaps(from, to);
    }
  }

  /** A lock that somebody waits for. */
  private record Request(LockedFile file, Owner owner, Kind kind, long first, long last) {}

  /** The locks on one file, sorted by their first byte, and those who wait for them to change. */
  private static final class LockedFile {
    final List<Held> held = new ArrayList<>();
    final Condition changed;
    int waiters;

    LockedFile(Condition changed) {
      this.changed = changed;
    }
  }

  private final ReentrantLock guard = new ReentrantLock();
  private final Map<Long, LockedFile> files = new TreeMap<>();
  private final int mostLocks;
  private int count;
  private boolean closed;

  public RangeLocks() {
    this(MOST_LOCKS);
  }

  RangeLocks(int mostLocks) {
    this.mostLocks = mostLocks;
  }

  private static void checkRange(long first, long last) {
    if (first < 0 || last < first) {
      throw posix(Errno.EINVAL, "lock from " + first + " to " + last);
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new PoolException(new PoolError.Closed("file system"));
    }
  }

  /**
   * Takes a lock, which replaces what {@code owner} held between {@code first} and {@code last},
   * both included.
   *
   * @param wait for others to let go; otherwise EAGAIN
   * @throws PoolException EINVAL; EAGAIN; EDEADLK when the holders wait for this owner; ENOLCK;
   *     EINTR when the waiting thread is interrupted; EBADF when the file system is closed
   */
  public void lock(long inode, Owner owner, Kind kind, long first, long last, boolean wait) {
    checkRange(first, last);
    guard.lock();
    try {
      checkOpen();
      LockedFile file =
          files.computeIfAbsent(inode, unknown -> new LockedFile(guard.newCondition()));
      try {
        Request request = new Request(file, owner, kind, first, last);
        while (blocker(request) != null) {
          if (!wait) {
            throw posix(Errno.EAGAIN, "lock on inode " + inode);
          }
          beginWait(request);
          try {
            file.changed.await();
          } catch (InterruptedException e) {
            throw new PoolException(new PoolError.Posix(Errno.EINTR, "waiting for a lock"), e);
          } finally {
            endWait(request);
          }
          checkOpen();
        }
        replace(file, owner, kind, first, last);
      } finally {
        dropWhenUnused(inode, file);
      }
    } finally {
      guard.unlock();
    }
  }

  private static void beginWait(Request request) {
    if (request.owner.isProcess && waitsFor(request, request.owner, new HashSet<>())) {
      throw posix(Errno.EDEADLK, "lock that waits for itself");
    }
    request.owner.waiting.add(request);
    request.file.waiters++;
  }

  private static void endWait(Request request) {
    request.file.waiters--;
    request.owner.waiting.remove(request);
  }

  /**
   * Whether those who hold what {@code request} needs wait, themselves or through others, for
   * {@code owner}. A description waits for no one: any of its processes may let go.
   */
  private static boolean waitsFor(Request request, Owner owner, Set<Request> seen) {
    for (Held one : request.file.held) {
      if (one.blocks(request.owner, request.kind, request.first, request.last)) {
        if (one.owner == owner) {
          return true;
        }
        for (Request next : one.owner.waiting) {
          if (one.owner.isProcess && seen.add(next) && waitsFor(next, owner, seen)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  private static @Nullable Held blocker(Request request) {
    for (Held one : request.file.held) {
      if (one.blocks(request.owner, request.kind, request.first, request.last)) {
        return one;
      }
    }
    return null;
  }

  /** Lets go of what {@code owner} holds between {@code first} and {@code last}, both included. */
  public void unlock(long inode, Owner owner, long first, long last) {
    checkRange(first, last);
    guard.lock();
    try {
      LockedFile file = files.get(inode);
      if (file != null) {
        replace(file, owner, null, first, last);
        dropWhenUnused(inode, file);
      }
    } finally {
      guard.unlock();
    }
  }

  /** Lets go of all that {@code owner} holds of a file. Never fails. */
  public void release(long inode, Owner owner) {
    guard.lock();
    try {
      LockedFile file = files.get(inode);
      if (file != null) {
        int before = file.held.size();
        file.held.removeIf(one -> one.owner == owner);
        count -= before - file.held.size();
        file.changed.signalAll();
        dropWhenUnused(inode, file);
      }
    } finally {
      guard.unlock();
    }
  }

  /** The first lock, by offset, that keeps {@code owner} from getting this one; null if none. */
  public @Nullable Held conflict(long inode, Owner owner, Kind kind, long first, long last) {
    checkRange(first, last);
    guard.lock();
    try {
      checkOpen();
      LockedFile file = files.get(inode);
      return file == null ? null : blocker(new Request(file, owner, kind, first, last));
    } finally {
      guard.unlock();
    }
  }

  /** Whether {@code owner} holds a lock of this kind on the whole file. */
  boolean holds(long inode, Owner owner, Kind kind) {
    return held(inode).contains(new Held(owner, kind, 0, TO_THE_END));
  }

  /** All locks on a file, by offset. */
  List<Held> held(long inode) {
    guard.lock();
    try {
      LockedFile file = files.get(inode);
      return file == null ? List.of() : List.copyOf(file.held);
    } finally {
      guard.unlock();
    }
  }

  /** How many wait for a lock on a file. */
  int waiters(long inode) {
    guard.lock();
    try {
      LockedFile file = files.get(inode);
      return file == null ? 0 : file.waiters;
    } finally {
      guard.unlock();
    }
  }

  /** Replaces what {@code owner} holds in the range by a lock of {@code kind}, null for none. */
  private void replace(LockedFile file, Owner owner, @Nullable Kind kind, long first, long last) {
    List<Held> next = new ArrayList<>(file.held.size() + 2);
    long from = first;
    long to = last;
    for (Held one : file.held) {
      if (one.owner != owner) {
        next.add(one);
      } else if (one.kind == kind && touches(one, from, to)) {
        from = Math.min(from, one.first);
        to = Math.max(to, one.last);
      } else if (!one.overlaps(first, last)) {
        next.add(one);
      } else {
        if (one.first < first) {
          next.add(new Held(owner, one.kind, one.first, first - 1));
        }
        if (one.last > last) {
          next.add(new Held(owner, one.kind, last + 1, one.last));
        }
      }
    }
    if (kind != null) {
      next.add(new Held(owner, kind, from, to));
    }
    int more = next.size() - file.held.size();
    if (more > 0 && count + more > mostLocks) {
      throw posix(Errno.ENOLCK, count + " locks");
    }
    next.sort((a, b) -> Long.compare(a.first, b.first));
    count += more;
    file.held.clear();
    file.held.addAll(next);
    file.changed.signalAll();
  }

  private static boolean touches(Held one, long from, long to) {
    return (one.first <= to || one.first - 1 == to) && (from <= one.last || from - 1 == one.last);
  }

  private void dropWhenUnused(long inode, LockedFile file) {
    if (file.held.isEmpty() && file.waiters == 0) {
      files.remove(inode, file);
    }
  }

  /** Ends the use: whoever waits gets EBADF. */
  @Override
  public void close() {
    guard.lock();
    try {
      closed = true;
      count = 0;
      for (LockedFile file : files.values()) {
        file.held.clear();
        file.changed.signalAll();
      }
    } finally {
      guard.unlock();
    }
  }
}
