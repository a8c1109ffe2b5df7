package io.lcpfs.object;

import io.lcpfs.format.BlockPointer;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Blocks that one group gives an object by reference, in runs that do not overlap: by block id, the
 * pointers of where they come from. Guarded by the object's lock.
 */
final class ClonedRuns {
  private final TreeMap<Long, BlockPointer[]> runs = new TreeMap<>();

  /** Told of each run in order. */
  interface Visitor {
    void run(long first, BlockPointer[] pointers);
  }

  /** Adds a run, where there is none. */
  void put(long first, BlockPointer[] pointers) {
    runs.put(first, pointers);
  }

  /** Takes the blocks in {@code [from, to)} out. */
  void cut(long from, long to) {
    Map.Entry<Long, BlockPointer[]> before = runs.lowerEntry(from);
    if (before != null) {
      cutOne(before.getKey(), before.getValue(), from, to);
    }
    for (Map.Entry<Long, BlockPointer[]> run = runs.ceilingEntry(from);
        run != null && run.getKey() < to;
        run = runs.higherEntry(run.getKey())) {
      cutOne(run.getKey(), run.getValue(), from, to);
    }
  }

  private void cutOne(long first, BlockPointer[] pointers, long from, long to) {
    long end = first + pointers.length;
    if (end <= from) {
      return;
    }
    runs.remove(first);
    if (first < from) {
      runs.put(first, Arrays.copyOf(pointers, (int) (from - first)));
    }
    if (end > to) {
      runs.put(to, Arrays.copyOfRange(pointers, (int) (to - first), pointers.length));
    }
  }

  /** The pointer of a block, which may be a hole; null when it is in no run. */
  @Nullable BlockPointer find(long blockId) {
    Map.Entry<Long, BlockPointer[]> run = runs.floorEntry(blockId);
    if (run == null || blockId - run.getKey() >= run.getValue().length) {
      return null;
    }
    return run.getValue()[(int) (blockId - run.getKey())];
  }

  void forEach(Visitor visitor) {
    runs.forEach(visitor::run);
  }
}
