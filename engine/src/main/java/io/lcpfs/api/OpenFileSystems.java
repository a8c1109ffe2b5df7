package io.lcpfs.api;

import io.lcpfs.posix.PosixFileSystem;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The file systems of a pool that are open, by what tells them apart; guarded by the pool's lock.
 * Those that were only visited are closed again when nobody visits them: {@link #MOST_IDLE} stay
 * open for the next visit, the last ones visited.
 */
final class OpenFileSystems {
  static final int MOST_IDLE = 8;

  private final Map<Long, PosixFileSystem> all = new TreeMap<>();

  /** Those that somebody has who does not say when it is over. */
  private final TreeSet<Long> kept = new TreeSet<>();

  /** How many visit, of those that are visited now. */
  private final Map<Long, Integer> visitors = new TreeMap<>();

  /** Those that nobody visits any more, the one that was left first in front. */
  private final SequencedSet<Long> idle = new LinkedHashSet<>();

  @Nullable PosixFileSystem get(long guid) {
    return all.get(guid);
  }

  void put(long guid, PosixFileSystem fileSystem) {
    all.put(guid, fileSystem);
  }

  /** Takes one off, which is then somebody else's to close. */
  @Nullable PosixFileSystem remove(long guid) {
    kept.remove(guid);
    visitors.remove(guid);
    idle.remove(guid);
    return all.remove(guid);
  }

  /** Closes one; false when it is not open. */
  boolean close(long guid) {
    PosixFileSystem found = remove(guid);
    if (found != null) {
      found.close();
    }
    return found != null;
  }

  Collection<PosixFileSystem> values() {
    return all.values();
  }

  void clear() {
    all.clear();
    kept.clear();
    visitors.clear();
    idle.clear();
  }

  /** Somebody has it until it is removed. */
  void keep(long guid) {
    kept.add(guid);
    idle.remove(guid);
  }

  /** Somebody has it until {@link #leave}. */
  void visit(long guid) {
    visitors.merge(guid, 1, Integer::sum);
    idle.remove(guid);
  }

  /** Ends a visit of {@code visited}; false when it was taken off before. */
  boolean leave(long guid, PosixFileSystem visited) {
    if (all.get(guid) != visited) {
      return false;
    }
    if (visitors.merge(guid, -1, Integer::sum) > 0) {
      return true;
    }
    visitors.remove(guid);
    if (!kept.contains(guid)) {
      idle.add(guid);
    }
    while (idle.size() > MOST_IDLE) {
      boolean _ = close(idle.getFirst());
    }
    return true;
  }
}
