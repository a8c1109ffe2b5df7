package io.lcpfs.object;

import io.lcpfs.format.BlockPointer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The changes of an object in one transaction group; guarded by the object's lock. */
final class Pending {
  final List<Dbuf> blocks = new ArrayList<>();
  final List<long[]> freedRanges = new ArrayList<>();

  /** The group, and what it gave the object by reference; that range is freed before. */
  final long txg;

  @Nullable ClonedRuns clones;
  byte @Nullable [] bonus;
  int blockBytes;
  long blockCount;
  boolean freed;

  Pending(long txg) {
    this.txg = txg;
  }

  /** Notes that {@code [first, last)} is freed: what was cloned there, too. */
  void free(long first, long last) {
    ClonedRuns cloned = clones;
    if (cloned != null) {
      cloned.cut(first, last);
    }
    long[] latest = freedRanges.isEmpty() ? null : freedRanges.getLast();
    if (latest != null && first >= latest[0] && first <= latest[1]) {
      latest[1] = Math.max(latest[1], last);
    } else {
      freedRanges.add(new long[] {first, last});
    }
  }

  /** Notes blocks that are given by reference, from {@code first} on. */
  void addClones(long first, BlockPointer[] pointers) {
    free(first, first + pointers.length);
    ClonedRuns cloned = clones;
    if (cloned == null) {
      cloned = new ClonedRuns();
      clones = cloned;
    }
    cloned.put(first, pointers);
  }

  /** The indirect blocks above those that were dirtied; see {@link SpaceCost}. */
  private @Nullable Set<Long> indirects;

  private long lastIndirect = -1;

  /** Notes that an indirect block will change; false when that is known. Caller holds the lock. */
  boolean addIndirect(long key) {
    if (key == lastIndirect) {
      return false;
    }
    Set<Long> known = indirects;
    if (known == null) {
      known = new HashSet<>();
      indirects = known;
    }
    lastIndirect = key;
    return known.add(key);
  }
}
