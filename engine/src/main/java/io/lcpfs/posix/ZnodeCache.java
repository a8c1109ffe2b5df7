package io.lcpfs.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The files in memory, by inode number. Lookups take no lock; one lock guards every change of the
 * table. Files that are not pinned leave when there are more than the capacity, by a clock hand.
 */
final class ZnodeCache {
  private static final int INITIAL_BUCKETS = 1024;

  /** Buckets that the hand passes for one file too many. */
  private static final int SWEEP_BUCKETS = 32;

  private final ObjectSet objects;
  private final int capacity;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile AtomicReferenceArray<@Nullable Znode> buckets =
      new AtomicReferenceArray<>(INITIAL_BUCKETS);
  private volatile boolean closed;
  private int count;
  private int hand;

  ZnodeCache(ObjectSet objects, int capacity) {
    this.objects = objects;
    this.capacity = capacity;
  }

  /** The file when it is in memory, not pinned. */
  @Nullable Znode peek(long inode) {
    AtomicReferenceArray<@Nullable Znode> table = buckets;
    Znode at = table.get(bucket(inode, table.length()));
    while (at != null) {
      if (at.inode == inode) {
        if (!at.referenced) {
          at.referenced = true;
        }
        return at;
      }
      at = at.next;
    }
    return null;
  }

  /**
   * The file, to look at its attributes; it may leave the cache at any time.
   *
   * @throws PoolException ENOENT when there is no such file
   */
  Znode get(long inode) {
    refuseClosed();
    Znode found = peek(inode);
    if (found != null) {
      return found;
    }
    Znode pinned = pin(inode);
    unpin(pinned);
    return pinned;
  }

  /** What a closed pool leaves in memory must not be looked at. */
  private void refuseClosed() {
    if (closed) {
      throw PoolException.posix(Errno.EBADF, "closed file system");
    }
  }

  /** The file, kept until {@link #unpin}. */
  Znode pin(long inode) {
    refuseClosed();
    Znode found = peek(inode);
    if (found != null && found.tryPin()) {
      return found;
    }
    if (inode <= 0) {
      throw PoolException.posix(Errno.ENOENT, "inode " + inode);
    }
    Dnode dnode = objects.hold(inode);
    boolean keep = false;
    List<Znode> evicted = List.of();
    try {
      lock.lock();
      try {
        Znode raced = peek(inode);
        if (raced != null && raced.tryPin()) {
          return raced;
        }
        // Decoded here, not before: an earlier owner may have changed and left it meanwhile.
        Znode loaded = new Znode(dnode, Znode.decode(dnode), 1);
        evicted = insert(loaded);
        keep = true;
        return loaded;
      } finally {
        lock.unlock();
      }
    } finally {
      if (!keep) {
        dnode.close();
      }
      closeAll(evicted);
    }
  }

  /** Adds a file that was just created, pinned, with {@code openHandles} handles. */
  Znode addNew(Dnode dnode, ZnodeRecord record, int openHandles) {
    Znode fresh = new Znode(dnode, record, 1);
    fresh.openHandles = openHandles;
    List<Znode> evicted;
    lock.lock();
    try {
      evicted = insert(fresh);
    } finally {
      lock.unlock();
    }
    closeAll(evicted);
    return fresh;
  }

  void unpin(Znode znode) {
    unpin(znode, 1);
  }

  void unpin(Znode znode, int pins) {
    if (znode.releasePins(pins) == 0 && (znode.deleted || closed)) {
      drop(znode);
    }
  }

  /**
   * Removes a file that is to stay no longer once nobody uses it, so that its number becomes free.
   */
  private void drop(Znode znode) {
    lock.lock();
    try {
      if (!znode.tryEvict()) {
        return;
      }
      remove(znode);
    } finally {
      lock.unlock();
    }
    znode.dnode.close();
  }

  private static void closeAll(List<Znode> evicted) {
    for (Znode one : evicted) {
      one.dnode.close();
    }
  }

  /** Inserts, and returns those that had to leave. */
  private List<Znode> insert(Znode znode) {
    if (count >= buckets.length()) {
      grow();
    }
    AtomicReferenceArray<@Nullable Znode> table = buckets;
    int bucket = bucket(znode.inode, table.length());
    znode.next = table.get(bucket);
    znode.referenced = true;
    table.set(bucket, znode);
    count++;
    return count > capacity ? sweep() : List.of();
  }

  private List<Znode> sweep() {
    List<Znode> evicted = new ArrayList<>();
    AtomicReferenceArray<@Nullable Znode> table = buckets;
    for (int i = 0; i < SWEEP_BUCKETS && count > capacity; i++) {
      hand = (hand + 1) & (table.length() - 1);
      Znode at = table.get(hand);
      while (at != null) {
        Znode next = at.next;
        if (at.referenced) {
          at.referenced = false;
        } else if (at.tryEvict()) {
          remove(at);
          evicted.add(at);
        }
        at = next;
      }
    }
    return evicted;
  }

  private void remove(Znode znode) {
    AtomicReferenceArray<@Nullable Znode> table = buckets;
    int bucket = bucket(znode.inode, table.length());
    Znode at = table.get(bucket);
    if (at == znode) {
      table.set(bucket, znode.next);
    } else {
      while (at != null && at.next != znode) {
        at = at.next;
      }
      if (at == null) {
        throw new AssertionError("inode " + znode.inode + " not in its bucket");
      }
      at.next = znode.next;
    }
    // znode.next stays, for readers that stand on it.
    count--;
  }

  /** A reader in the middle may miss a file that moves; it then looks again under the lock. */
  private void grow() {
    AtomicReferenceArray<@Nullable Znode> old = buckets;
    AtomicReferenceArray<@Nullable Znode> table = new AtomicReferenceArray<>(old.length() * 2);
    for (int i = 0; i < old.length(); i++) {
      Znode at = old.get(i);
      while (at != null) {
        Znode next = at.next;
        int bucket = bucket(at.inode, table.length());
        at.next = table.get(bucket);
        table.set(bucket, at);
        at = next;
      }
    }
    buckets = table;
  }

  /** Lets everything go, what is pinned with its last pin. */
  void close() {
    closed = true;
    List<Znode> evicted = new ArrayList<>();
    lock.lock();
    try {
      AtomicReferenceArray<@Nullable Znode> table = buckets;
      for (int i = 0; i < table.length(); i++) {
        Znode at = table.get(i);
        while (at != null) {
          Znode next = at.next;
          if (at.tryEvict()) {
            remove(at);
            evicted.add(at);
          }
          at = next;
        }
      }
    } finally {
      lock.unlock();
    }
    closeAll(evicted);
  }

  /** Files in memory. */
  int size() {
    lock.lock();
    try {
      return count;
    } finally {
      lock.unlock();
    }
  }

  private static int bucket(long inode, int length) {
    long mixed = inode * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> 40) & (length - 1);
  }
}
