package io.lcpfs.cache;

import io.lcpfs.error.Check;
import org.jspecify.annotations.Nullable;

/** Entries in clock order, linked through themselves, with their bytes. Guarded by Arc's lock. */
final class ClockList {
  @Nullable CacheEntry first;
  private @Nullable CacheEntry last;
  long bytes;
  int count;

  void addLast(CacheEntry entry) {
    Check.that(entry.home == null, "entry is in a list already");
    entry.home = this;
    entry.previous = last;
    entry.next = null;
    if (last == null) {
      first = entry;
    } else {
      last.next = entry;
    }
    last = entry;
    bytes += entry.charge;
    count++;
  }

  void remove(CacheEntry entry) {
    Check.that(entry.home == this, "entry is not in this list");
    if (entry.previous == null) {
      first = entry.next;
    } else {
      entry.previous.next = entry.next;
    }
    if (entry.next == null) {
      last = entry.previous;
    } else {
      entry.next.previous = entry.previous;
    }
    entry.home = null;
    entry.next = null;
    entry.previous = null;
    bytes -= entry.charge;
    count--;
  }

  void moveToLast(CacheEntry entry) {
    remove(entry);
    addLast(entry);
  }

  @SuppressWarnings("ReferenceEquality") // the entry itself is meant
  void verify() {
    long seenBytes = 0;
    int seen = 0;
    for (CacheEntry entry = first; entry != null; entry = entry.next) {
      Check.that(entry.home == this, "entry of another list");
      Check.that(entry.next != null || entry == last, "last entry", seen);
      seenBytes += entry.charge;
      seen++;
    }
    Check.that(seen == count, "entries in list", seen);
    Check.that(seenBytes == bytes, "bytes in list", seenBytes);
  }
}
