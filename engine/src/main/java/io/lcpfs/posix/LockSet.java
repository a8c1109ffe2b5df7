package io.lcpfs.posix;

import io.lcpfs.error.Check;
import org.jspecify.annotations.Nullable;

/**
 * The write locks of up to four files, taken in order of inode number, so that no two wait in a
 * ring.
 */
final class LockSet implements AutoCloseable {
  private final Znode[] locked;
  private int count;

  private LockSet(int capacity) {
    locked = new Znode[capacity];
  }

  static LockSet write(Znode one) {
    LockSet set = new LockSet(1);
    set.add(one);
    return set.lock();
  }

  static LockSet write(Znode a, @Nullable Znode b) {
    LockSet set = new LockSet(2);
    set.add(a);
    set.add(b);
    return set.lock();
  }

  static LockSet write(Znode a, Znode b, Znode c, @Nullable Znode d) {
    LockSet set = new LockSet(4);
    set.add(a);
    set.add(b);
    set.add(c);
    set.add(d);
    return set.lock();
  }

  private void add(@Nullable Znode znode) {
    if (znode == null) {
      return;
    }
    int at = count;
    for (int i = 0; i < count; i++) {
      if (locked[i] == znode) {
        return;
      }
    }
    while (at > 0 && locked[at - 1].inode > znode.inode) {
      locked[at] = locked[at - 1];
      at--;
    }
    locked[at] = znode;
    count++;
  }

  private LockSet lock() {
    for (int i = 0; i < count; i++) {
      locked[i].lock.writeLock();
    }
    return this;
  }

  @Override
  public void close() {
    for (int i = count - 1; i >= 0; i--) {
      Check.that(locked[i].lock.tryUnlockWrite(), "write lock lost", locked[i].inode);
    }
  }
}
