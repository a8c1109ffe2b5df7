package io.lcpfs.api;

import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What each of some snapshots has that the one before it has not, found for all of them when it is
 * first asked for one. Two that ask at once may find it twice.
 */
final class WrittenSizes {
  private final Supplier<Map<String, Long>> source;
  private volatile @Nullable Map<String, Long> known;

  WrittenSizes(Supplier<Map<String, Long>> source) {
    this.source = source;
  }

  /** Bytes allocated; 0 for one that is gone meanwhile. */
  long of(String shortName) {
    Map<String, Long> sizes = known;
    if (sizes == null) {
      sizes = source.get();
      known = sizes;
    }
    return sizes.getOrDefault(shortName, 0L);
  }
}
