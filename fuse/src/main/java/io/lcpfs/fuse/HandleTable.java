package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.posix.FileHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Open files by the number that the kernel uses: the slot in the low 32 bits, above them how often
 * that slot has been used, so that an old number never means another file.
 */
final class HandleTable {
  private static final int LEAST_SLOTS = 64;

  private record Open(long number, FileHandle handle) {}

  private final ReentrantLock lock = new ReentrantLock();
  private int[] free = new int[LEAST_SLOTS];
  private int freeCount;
  private int used;
  private int uses;
  private volatile AtomicReferenceArray<@Nullable Open> slots =
      new AtomicReferenceArray<>(LEAST_SLOTS);

  long add(FileHandle handle) {
    lock.lock();
    try {
      int slot;
      if (freeCount > 0) {
        slot = free[--freeCount];
      } else {
        slot = used++;
        if (slot == slots.length()) {
          grow();
        }
      }
      uses = uses + 1 & Integer.MAX_VALUE;
      long number = (long) uses << 32 | slot;
      slots.set(slot, new Open(number, handle));
      return number;
    } finally {
      lock.unlock();
    }
  }

  private void grow() {
    AtomicReferenceArray<@Nullable Open> old = slots;
    AtomicReferenceArray<@Nullable Open> next = new AtomicReferenceArray<>(2 * old.length());
    for (int i = 0; i < old.length(); i++) {
      next.set(i, old.get(i));
    }
    int[] nextFree = new int[next.length()];
    System.arraycopy(free, 0, nextFree, 0, freeCount);
    free = nextFree;
    slots = next;
  }

  /** @throws io.lcpfs.error.PoolException EBADF */
  FileHandle get(long number) {
    int slot = (int) number;
    AtomicReferenceArray<@Nullable Open> now = slots;
    Open open = slot >= 0 && slot < now.length() ? now.get(slot) : null;
    if (open == null || open.number != number) {
      throw posix(Errno.EBADF, "FUSE handle " + number);
    }
    return open.handle;
  }

  /** Takes a handle out, for the caller to close. */
  FileHandle remove(long number) {
    lock.lock();
    try {
      FileHandle handle = get(number);
      slots.set((int) number, null);
      free[freeCount++] = (int) number;
      return handle;
    } finally {
      lock.unlock();
    }
  }

  /** Takes all handles out, for the caller to close. */
  List<FileHandle> removeAll() {
    lock.lock();
    try {
      List<FileHandle> all = new ArrayList<>();
      for (int i = 0; i < used; i++) {
        Open open = slots.getAndSet(i, null);
        if (open != null) {
          all.add(open.handle);
          free[freeCount++] = i;
        }
      }
      return all;
    } finally {
      lock.unlock();
    }
  }

  /** Open handles. */
  int size() {
    lock.lock();
    try {
      return used - freeCount;
    } finally {
      lock.unlock();
    }
  }
}
