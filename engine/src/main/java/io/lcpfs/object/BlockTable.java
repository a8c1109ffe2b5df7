package io.lcpfs.object;

import io.lcpfs.error.Check;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The cached blocks of one object: open addressing by (level, block id). {@link #find} takes no
 * lock and allocates nothing; it may miss a block while another is being removed, so a miss is
 * confirmed under the owner's lock. All changes happen under that lock.
 */
final class BlockTable {
  private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Dbuf[].class);
  private static final int INITIAL_SLOTS = 2;

  private volatile @Nullable Dbuf[] slots = new Dbuf[INITIAL_SLOTS];
  private int size;

  /** One number for a level and a block id: levels are at most 9, block ids below 2^54. */
  static long key(int level, long blockId) {
    return ((long) level << 59) | blockId;
  }

  private static int home(long key, int mask) {
    long h = key * 0x9E3779B97F4A7C15L;
    return (int) (h >>> 40) & mask;
  }

  @Nullable Dbuf find(long key) {
    @Nullable Dbuf[] table = slots;
    int mask = table.length - 1;
    for (int i = home(key, mask), n = 0; n <= mask; i = (i + 1) & mask, n++) {
      Dbuf found = (Dbuf) SLOT.getAcquire(table, i);
      if (found == null || found.key() == key) {
        return found;
      }
    }
    return null;
  }

  void add(Dbuf dbuf) {
    if ((size + 1) * 2 > slots.length) {
      grow();
    }
    insert(slots, dbuf);
    size++;
  }

  private static void insert(@Nullable Dbuf[] table, Dbuf dbuf) {
    int mask = table.length - 1;
    int i = home(dbuf.key(), mask);
    while (table[i] != null) {
      Check.that(table[i].key() != dbuf.key(), "block cached twice", dbuf.key());
      i = (i + 1) & mask;
    }
    SLOT.setRelease(table, i, dbuf);
  }

  private void grow() {
    @Nullable Dbuf[] bigger = new Dbuf[slots.length * 2];
    for (Dbuf dbuf : slots) {
      if (dbuf != null) {
        insert(bigger, dbuf);
      }
    }
    slots = bigger;
  }

  /** Removes this very entry; false when it is not the one in the table. */
  boolean remove(Dbuf dbuf) {
    @Nullable Dbuf[] table = slots;
    int mask = table.length - 1;
    int i = home(dbuf.key(), mask);
    while (table[i] != dbuf) {
      if (table[i] == null) {
        return false;
      }
      i = (i + 1) & mask;
    }
    // Close the gap, so that probes need no tombstones.
    int gap = i;
    for (int j = (gap + 1) & mask; table[j] != null; j = (j + 1) & mask) {
      int wanted = home(table[j].key(), mask);
      if (((j - wanted) & mask) >= ((j - gap) & mask)) {
        SLOT.setRelease(table, gap, table[j]);
        gap = j;
      }
    }
    SLOT.setRelease(table, gap, null);
    size--;
    return true;
  }

  int size() {
    return size;
  }

  /** All entries at this moment, in slot order (which depends on keys only). */
  Dbuf[] snapshot() {
    Dbuf[] all = new Dbuf[size];
    int n = 0;
    for (Dbuf dbuf : slots) {
      if (dbuf != null) {
        all[n++] = dbuf;
      }
    }
    return all;
  }
}
