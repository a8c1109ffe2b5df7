package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The descriptors of one process. A new one is the lowest that is free. Safe from many threads; its
 * lock is held only while the table is looked at or changed.
 */
final class FdTable {
  /** A descriptor that is given out but not yet open, so that a full table creates no file. */
  private static final Entry RESERVED = new Entry(null, false);

  /** A descriptor in use. */
  private record Entry(@Nullable OpenFile file, boolean closeOnExec) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final int limit;
  private @Nullable Entry[] entries = new Entry[16];

  /** No lower descriptor is free. */
  private int lowestFree;

  /**
   * @param limit descriptors that may be open, all below this number
   */
  FdTable(int limit) {
    Check.that(limit > 0, "limit of descriptors", limit);
    this.limit = limit;
  }

  private static RuntimeException bad(int fd) {
    return posix(Errno.EBADF, "descriptor " + fd);
  }

  private @Nullable Entry at(int fd) {
    return fd >= 0 && fd < entries.length ? entries[fd] : null;
  }

  private void put(int fd, @Nullable Entry entry) {
    if (fd >= entries.length) {
      entries = Arrays.copyOf(entries, Math.min(limit, Math.max(fd + 1, 2 * entries.length)));
    }
    entries[fd] = entry;
    if (entry == null && fd < lowestFree) {
      lowestFree = fd;
    }
  }

  private static boolean isReserved(@Nullable Entry entry) {
    return entry != null && entry.file == null;
  }

  private int reserveLocked(int least) {
    if (least < 0 || least >= limit) {
      throw posix(Errno.EINVAL, "descriptor " + least);
    }
    int fd = Math.max(least, lowestFree);
    while (fd < entries.length && entries[fd] != null) {
      fd++;
    }
    if (fd >= limit) {
      throw posix(Errno.EMFILE, limit + " descriptors");
    }
    put(fd, RESERVED);
    if (least <= lowestFree) {
      lowestFree = fd + 1;
    }
    return fd;
  }

  /**
   * Sets the lowest free descriptor aside, for {@link #install} or {@link #cancel}.
   *
   * @throws io.lcpfs.error.PoolException EMFILE
   */
  int reserve() {
    lock.lock();
    try {
      return reserveLocked(0);
    } finally {
      lock.unlock();
    }
  }

  /** Opens a reserved descriptor; the table takes over the caller's use of {@code file}. */
  void install(int fd, OpenFile file, boolean closeOnExec) {
    lock.lock();
    try {
      Check.that(isReserved(at(fd)), "reserved descriptor", fd);
      put(fd, new Entry(file, closeOnExec));
    } finally {
      lock.unlock();
    }
  }

  /** Gives a reserved descriptor back. */
  void cancel(int fd) {
    lock.lock();
    try {
      Check.that(isReserved(at(fd)), "reserved descriptor", fd);
      put(fd, null);
    } finally {
      lock.unlock();
    }
  }

  private OpenFile openLocked(int fd) {
    Entry entry = at(fd);
    if (entry == null || entry.file == null) {
      throw bad(fd);
    }
    return entry.file;
  }

  /**
   * The description behind a descriptor, to be released after use.
   *
   * @throws io.lcpfs.error.PoolException EBADF
   */
  OpenFile acquire(int fd) {
    lock.lock();
    try {
      OpenFile file = openLocked(fd);
      Check.that(file.tryAcquire(), "a descriptor outlived its file", fd);
      return file;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Closes a descriptor; the caller releases what it answers.
   *
   * @throws io.lcpfs.error.PoolException EBADF
   */
  OpenFile remove(int fd) {
    lock.lock();
    try {
      OpenFile file = openLocked(fd);
      put(fd, null);
      return file;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Another descriptor, the lowest free one from {@code least} on, of the same description.
   *
   * @throws io.lcpfs.error.PoolException EBADF, EMFILE, EINVAL when {@code least} is no descriptor
   */
  int duplicate(int fd, int least, boolean closeOnExec) {
    lock.lock();
    try {
      OpenFile file = openLocked(fd);
      int fresh = reserveLocked(least);
      Check.that(file.tryAcquire(), "a descriptor outlived its file", fd);
      put(fresh, new Entry(file, closeOnExec));
      return fresh;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes {@code to} a descriptor of the description of {@code from}, in one step.
   *
   * @return what {@code to} was before, for the caller to release; null when it was closed
   * @throws io.lcpfs.error.PoolException EBADF; EBUSY when {@code to} is being opened right now
   */
  @Nullable OpenFile replace(int from, int to, boolean closeOnExec) {
    lock.lock();
    try {
      OpenFile file = openLocked(from);
      if (to < 0 || to >= limit) {
        throw bad(to);
      }
      Entry before = at(to);
      if (isReserved(before)) {
        throw posix(Errno.EBUSY, "descriptor " + to);
      }
      Check.that(file.tryAcquire(), "a descriptor outlived its file", from);
      put(to, new Entry(file, closeOnExec));
      return before == null ? null : before.file;
    } finally {
      lock.unlock();
    }
  }

  /** @throws io.lcpfs.error.PoolException EBADF */
  boolean closeOnExec(int fd) {
    lock.lock();
    try {
      openLocked(fd);
      Entry entry = at(fd);
      return entry != null && entry.closeOnExec;
    } finally {
      lock.unlock();
    }
  }

  /** @throws io.lcpfs.error.PoolException EBADF */
  void closeOnExec(int fd, boolean value) {
    lock.lock();
    try {
      put(fd, new Entry(openLocked(fd), value));
    } finally {
      lock.unlock();
    }
  }

  /** The open descriptors, lowest first. */
  List<Integer> open() {
    return matching(fd -> true);
  }

  /** The descriptors that an exec closes, lowest first. */
  List<Integer> closingOnExec() {
    return matching(this::closeOnExec);
  }

  private List<Integer> matching(IntPredicate which) {
    lock.lock();
    try {
      List<Integer> found = new ArrayList<>();
      for (int fd = 0; fd < entries.length; fd++) {
        Entry entry = entries[fd];
        if (entry != null && entry.file != null && which.test(fd)) {
          found.add(fd);
        }
      }
      return found;
    } finally {
      lock.unlock();
    }
  }

  /** A table with the same descriptors of the same descriptions, as fork gives a child. */
  FdTable copy() {
    FdTable copy = new FdTable(limit);
    lock.lock();
    try {
      for (int fd = 0; fd < entries.length; fd++) {
        Entry entry = entries[fd];
        if (entry != null && entry.file != null) {
          Check.that(entry.file.tryAcquire(), "a descriptor outlived its file", fd);
          copy.put(fd, entry);
        }
      }
    } finally {
      lock.unlock();
    }
    return copy;
  }
}
