package io.lcpfs.fuse;

import java.util.concurrent.locks.ReentrantLock;

/**
 * How many lookups of each node the kernel holds. While it holds one, the engine retains the file,
 * so that its number stays its own. Striped by node; a stripe is an open-addressing table of two
 * words per node.
 */
final class NodeTable {
  private static final int STRIPES = 16;
  private static final int LEAST_SLOTS = 256;

  /** What keeps and lets go of files; called under the lock of the node's stripe. */
  interface Keeper {
    /** False when the file is gone. */
    boolean retain(long node, long generation);

    void forget(long node);
  }

  private static final class Stripe {
    final ReentrantLock lock = new ReentrantLock();
    long[] slots = new long[2 * LEAST_SLOTS];
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
      at = at + 1 & mask;
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
    for (int i = 0; i < old.length; i += 2) {
      if (old[i] != 0) {
        int at = ~find(next, old[i]);
        next[2 * at] = old[i];
        next[2 * at + 1] = old[i + 1];
      }
    }
    stripe.slots = next;
  }

  /** Takes back {@code count} lookups; more than there are count as all. */
  void release(long node, long count) {
    if (count <= 0) {
      return;
    }
    Stripe stripe = stripe(node);
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
      remove(stripe, at);
      keeper.forget(node);
    } finally {
      stripe.lock.unlock();
    }
  }

  /** Empties a slot, and moves those behind it to where they are found. */
  private static void remove(Stripe stripe, int slot) {
    long[] slots = stripe.slots;
    int mask = slots.length / 2 - 1;
    int hole = slot;
    int at = slot;
    while (true) {
      at = at + 1 & mask;
      long node = slots[2 * at];
      if (node == 0) {
        break;
      }
      int distance = at - home(slots, node) & mask;
      if (distance >= (at - hole & mask)) {
        slots[2 * hole] = node;
        slots[2 * hole + 1] = slots[2 * at + 1];
        hole = at;
      }
    }
    slots[2 * hole] = 0;
    slots[2 * hole + 1] = 0;
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
        stripe.slots = new long[2 * LEAST_SLOTS];
        stripe.used = 0;
        for (int i = 0; i < slots.length; i += 2) {
          if (slots[i] != 0) {
            keeper.forget(slots[i]);
          }
        }
      } finally {
        stripe.lock.unlock();
      }
    }
  }
}
