package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.posix.FileHandle;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * How many lookups of each node the kernel holds, and the open handle of those that it uses. While
 * it holds a lookup, the engine retains the file, so that its number stays its own. Striped by
 * node; a stripe is an open-addressing table of two words and a handle per node.
 *
 * <p>The kernel opens files without telling us: a node has one handle for all who have it open,
 * from its first use, or from before it loses its last name, until the kernel forgets it.
 */
final class NodeTable {
  private static final int STRIPES = 16;
  private static final int LEAST_SLOTS = 256;

  /** What keeps and lets go of files; called under the lock of the node's stripe. */
  interface Keeper {
    /** False when the file is gone. */
    boolean retain(long node, long generation);

    void forget(long node);

    FileHandle open(long node, boolean directory);

    void close(FileHandle handle);
  }

  private static final class Stripe {
    final ReentrantLock lock = new ReentrantLock();
    long[] slots = new long[2 * LEAST_SLOTS];
    @Nullable FileHandle[] handles = new FileHandle[LEAST_SLOTS];
    int used;
  }

  private final Keeper keeper;
  private final Stripe[] stripes = new Stripe[STRIPES];

  NodeTable(Keeper keeper) {
    this.keeper = keeper;
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new Stripe();
    }
  }

  private static long mix(long node) {
    return node * 0x9E3779B97F4A7C15L;
  }

  private Stripe stripe(long node) {
    return stripes[(int) (mix(node) >>> 60)];
  }

  private static int home(long[] slots, long node) {
    return (int) (mix(node) >>> 20) & (slots.length / 2 - 1);
  }

  /** The slot of {@code node}, or the free one where it would go, as the complement. */
  private static int find(long[] slots, long node) {
    int mask = slots.length / 2 - 1;
    int at = home(slots, node);
    while (slots[2 * at] != 0) {
      if (slots[2 * at] == node) {
        return at;
      }
      at = (at + 1) & mask;
    }
    return ~at;
  }

  /** Counts a lookup that the kernel is about to be told of; false when the file is gone. */
  boolean acquire(long node, long generation) {
    Stripe stripe = stripe(node);
    stripe.lock.lock();
    try {
      int at = find(stripe.slots, node);
      if (at < 0) {
        if (!keeper.retain(node, generation)) {
          return false;
        }
        if (2 * (stripe.used + 1) > stripe.slots.length / 2) {
          grow(stripe);
          at = find(stripe.slots, node);
        }
        at = ~at;
        stripe.slots[2 * at] = node;
        stripe.used++;
      }
      stripe.slots[2 * at + 1]++;
      return true;
    } finally {
      stripe.lock.unlock();
    }
  }

  private static void grow(Stripe stripe) {
    long[] old = stripe.slots;
    long[] next = new long[2 * old.length];
    @Nullable FileHandle[] handles = new FileHandle[old.length];
    for (int i = 0; i < old.length; i += 2) {
      if (old[i] != 0) {
        int at = ~find(next, old[i]);
        next[2 * at] = old[i];
        next[2 * at + 1] = old[i + 1];
        handles[at] = stripe.handles[i / 2];
      }
    }
    stripe.slots = next;
    stripe.handles = handles;
  }

  /**
   * The handle of a node that the kernel holds a lookup of; opened when it has none.
   *
   * @throws io.lcpfs.error.PoolException ESTALE for a node that the kernel was not told of, and
   *     what opening gives
   */
  FileHandle handle(long node, boolean directory) {
    Stripe stripe = stripe(node);
    stripe.lock.lock();
    try {
      int at = find(stripe.slots, node);
      if (at < 0) {
        throw posix(Errno.ESTALE, "FUSE node " + node);
      }
      FileHandle handle = stripe.handles[at];
      if (handle == null) {
        handle = keeper.open(node, directory);
        stripe.handles[at] = handle;
      }
      return handle;
    } finally {
      stripe.lock.unlock();
    }
  }

  /** Opens a node before it loses its last name, in case that the kernel has it open. */
  void keepOpen(long node) {
    Stripe stripe = stripe(node);
    stripe.lock.lock();
    try {
      int at = find(stripe.slots, node);
      if (at >= 0 && stripe.handles[at] == null) {
        stripe.handles[at] = keeper.open(node, false);
      }
    } finally {
      stripe.lock.unlock();
    }
  }

  /** Gives a node that the kernel holds a lookup of its handle; false when it has one. */
  boolean adopt(long node, FileHandle handle) {
    Stripe stripe = stripe(node);
    stripe.lock.lock();
    try {
      int at = find(stripe.slots, node);
      if (at < 0 || stripe.handles[at] != null) {
        return false;
      }
      stripe.handles[at] = handle;
      return true;
    } finally {
      stripe.lock.unlock();
    }
  }

  /** Takes back {@code count} lookups; more than there are count as all. */
  void release(long node, long count) {
    if (count <= 0) {
      return;
    }
    Stripe stripe = stripe(node);
    FileHandle handle;
    stripe.lock.lock();
    try {
      int at = find(stripe.slots, node);
      if (at < 0) {
        return;
      }
      if (stripe.slots[2 * at + 1] > count) {
        stripe.slots[2 * at + 1] -= count;
        return;
      }
      handle = stripe.handles[at];
      remove(stripe, at);
      if (handle == null) {
        keeper.forget(node);
        return;
      }
    } finally {
      stripe.lock.unlock();
    }
    // Closing may free the file, which takes its time; the number is held until then.
    keeper.close(handle);
    keeper.forget(node);
  }

  /** Empties a slot, and moves those behind it to where they are found. */
  private static void remove(Stripe stripe, int slot) {
    long[] slots = stripe.slots;
    int mask = slots.length / 2 - 1;
    int hole = slot;
    int at = slot;
    while (true) {
      at = (at + 1) & mask;
      long node = slots[2 * at];
      if (node == 0) {
        break;
      }
      int distance = (at - home(slots, node)) & mask;
      if (distance >= ((at - hole) & mask)) {
        slots[2 * hole] = node;
        slots[2 * hole + 1] = slots[2 * at + 1];
        stripe.handles[hole] = stripe.handles[at];
        hole = at;
      }
    }
    slots[2 * hole] = 0;
    slots[2 * hole + 1] = 0;
    stripe.handles[hole] = null;
    stripe.used--;
  }

  /** Lookups of {@code node} that the kernel holds. */
  long count(long node) {
    Stripe stripe = stripe(node);
    stripe.lock.lock();
    try {
      int at = find(stripe.slots, node);
      return at < 0 ? 0 : stripe.slots[2 * at + 1];
    } finally {
      stripe.lock.unlock();
    }
  }

  /** Nodes that the kernel holds lookups of. */
  int size() {
    int size = 0;
    for (Stripe stripe : stripes) {
      stripe.lock.lock();
      try {
        size += stripe.used;
      } finally {
        stripe.lock.unlock();
      }
    }
    return size;
  }

  /** Lets everything go, as the kernel does without a word when it unmounts. */
  void releaseAll() {
    for (Stripe stripe : stripes) {
      stripe.lock.lock();
      try {
        long[] slots = stripe.slots;
        @Nullable FileHandle[] handles = stripe.handles;
        stripe.slots = new long[2 * LEAST_SLOTS];
        stripe.handles = new FileHandle[LEAST_SLOTS];
        stripe.used = 0;
        for (int i = 0; i < slots.length; i += 2) {
          if (slots[i] != 0) {
            FileHandle handle = handles[i / 2];
            if (handle != null) {
              keeper.close(handle);
            }
            keeper.forget(slots[i]);
          }
        }
      } finally {
        stripe.lock.unlock();
      }
    }
  }
}
