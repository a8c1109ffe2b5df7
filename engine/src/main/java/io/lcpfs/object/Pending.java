package io.lcpfs.object;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The changes of an object in one transaction group; guarded by the object's lock. */
final class Pending {
  final List<Dbuf> blocks = new ArrayList<>();
  final List<long[]> freedRanges = new ArrayList<>();
  byte @Nullable [] bonus;
  int blockBytes;
  long blockCount;
  boolean freed;

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
