package io.lcpfs.posix;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Directory entries in memory: (directory, name) to the file, or to its absence. Lookups take no
 * lock and allocate nothing. An entry is put under at least the directory's read lock and replaced
 * or removed under its write lock, before that is released; so a hit was true at some point during
 * the lookup.
 */
final class NameCache {
  private static final int WAYS = 4;

  /**
   * @param directory inode and {@code generation}: together they outlive no directory
   * @param child the file, null for none of this name; it may have been evicted since
   */
  private record Slot(
      long directory, long generation, int hash, byte[] name, @Nullable Znode child) {

    boolean is(
        long otherDirectory,
        long otherGeneration,
        int otherHash,
        byte[] bytes,
        int offset,
        int length) {
      return hash == otherHash
          && directory == otherDirectory
          && generation == otherGeneration
          && Arrays.equals(name, 0, name.length, bytes, offset, offset + length);
    }
  }

  /** What a lookup found: the file, {@link #ABSENT}, or null for not known. */
  static final Object ABSENT = new Object();

  private final AtomicReferenceArray<@Nullable Slot> slots;
  private final int setMask;

  /** Where the next victim of a full set is taken; races lose nothing but evenness. */
  private int turn;

  /**
   * @param entries capacity, rounded up to a power of two
   */
  NameCache(int entries) {
    int sets = Math.max(1, Integer.highestOneBit(Math.max(1, (entries - 1) / WAYS)) * 2);
    slots = new AtomicReferenceArray<>(sets * WAYS);
    setMask = sets - 1;
  }

  /**
   * The file of this name in {@code directory}, {@link #ABSENT} when there is none, null when it is
   * not known here.
   */
  @Nullable Object find(Znode directory, byte[] bytes, int offset, int length) {
    long generation = directory.attrs().generation;
    int hash = Names.hash(bytes, offset, length);
    int first = firstSlot(directory.inode, hash);
    for (int i = first; i < first + WAYS; i++) {
      Slot slot = slots.get(i);
      if (slot != null && slot.is(directory.inode, generation, hash, bytes, offset, length)) {
        Znode child = slot.child;
        if (child == null) {
          return ABSENT;
        }
        return child.isEvicted() ? null : child;
      }
    }
    return null;
  }

  /**
   * Remembers {@code child}, or the name's absence. Under the directory's lock. Keeps {@code name}.
   */
  void put(Znode directory, byte[] name, @Nullable Znode child) {
    int hash = Names.hash(name, 0, name.length);
    remove(directory, name);
    Slot fresh = new Slot(directory.inode, directory.attrs().generation, hash, name, child);
    int first = firstSlot(directory.inode, hash);
    for (int i = first; i < first + WAYS; i++) {
      if (slots.get(i) == null && slots.compareAndSet(i, null, fresh)) {
        return;
      }
    }
    slots.set(first + (turn++ & (WAYS - 1)), fresh);
  }

  /** Forgets what is known of the name. */
  void remove(Znode directory, byte[] name) {
    long generation = directory.attrs().generation;
    int hash = Names.hash(name, 0, name.length);
    int first = firstSlot(directory.inode, hash);
    for (int i = first; i < first + WAYS; i++) {
      Slot slot = slots.get(i);
      // Two readers may both have put it, so all ways are looked at.
      while (slot != null
          && slot.is(directory.inode, generation, hash, name, 0, name.length)
          && !slots.compareAndSet(i, slot, null)) {
        slot = slots.get(i);
      }
    }
  }

  /** Forgets everything, so that evicted files can be collected. */
  void clear() {
    for (int i = 0; i < slots.length(); i++) {
      slots.set(i, null);
    }
  }

  private int firstSlot(long directory, int hash) {
    long mixed = (directory * 31 + hash) * 0x9E3779B97F4A7C15L;
    return ((int) (mixed >>> 32) & setMask) * WAYS;
  }
}
