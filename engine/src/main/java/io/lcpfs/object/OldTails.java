package io.lcpfs.object;

import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The tail blocks that a group replaces, as they were. They are read before anything is said of
 * what the group's objects take: what is in one that is lost takes blocks of its own.
 */
final class OldTails {
  private static final int BLOCKS_PER_JOB = 8;

  /** Null: there was none, or it cannot be read. */
  private record Old(@Nullable Dbuf block, boolean lost) {}

  private final ObjectSet objectSet;
  private final TreeMap<Long, Old> data = new TreeMap<>();
  private final TreeMap<Long, Old> meta = new TreeMap<>();

  OldTails(ObjectSet objectSet) {
    this.objectSet = objectSet;
  }

  private TreeMap<Long, Old> known(boolean ofMetadata) {
    return ofMetadata ? meta : data;
  }

  private Dnode owner(boolean ofMetadata) {
    return ofMetadata ? objectSet.metaTails() : objectSet.tails();
  }

  /** Reads those of these groups of neighbours that are not read yet; each stays pinned. */
  void read(TreeSet<Long> groups, boolean ofMetadata) {
    groups.removeAll(known(ofMetadata).keySet());
    List<Long> ids = new ArrayList<>(groups);
    Old[] read = new Old[ids.size()];
    List<Task<Boolean>> jobs = new ArrayList<>();
    for (int from = 0; from < read.length; from += BLOCKS_PER_JOB) {
      int start = from;
      int end = Math.min(read.length, from + BLOCKS_PER_JOB);
      if (read.length <= BLOCKS_PER_JOB) {
        read(ids, read, ofMetadata, start, end);
      } else {
        jobs.add(
            objectSet
                .context()
                .env()
                .onCpu(
                    () -> {
                      read(ids, read, ofMetadata, start, end);
                      return true;
                    }));
      }
    }
    TreeWriter.joinAll(jobs);
    for (int i = 0; i < read.length; i++) {
      known(ofMetadata).put(ids.get(i), read[i]);
    }
  }

  private void read(List<Long> ids, Old[] read, boolean ofMetadata, int from, int to) {
    Dnode owner = owner(ofMetadata);
    for (int i = from; i < to; i++) {
      long id = ids.get(i);
      try {
        read[i] = new Old(owner.hasData(id) ? load(owner, id) : null, false);
      } catch (PoolException e) {
        if (e.errno() != Errno.EIO) {
          throw e;
        }
        read[i] = new Old(null, true);
      }
    }
  }

  /** A device that failed is asked a second time: it may come back. */
  private static Dbuf load(Dnode owner, long id) {
    try {
      return owner.loadForSync(0, id);
    } catch (PoolException e) {
      if (e.error() instanceof PoolError.DeviceFailed) {
        return owner.loadForSync(0, id);
      }
      throw e;
    }
  }

  /** Whether a block that was read cannot be read any more. */
  boolean isLost(long group, boolean ofMetadata) {
    Old old = known(ofMetadata).get(group);
    return old != null && old.lost;
  }

  /** A block that was read, pinned, or null. */
  @Nullable Dbuf block(long group, boolean ofMetadata) {
    Old old = known(ofMetadata).get(group);
    return old == null ? null : old.block;
  }
}
