package io.lcpfs.pool;

import io.lcpfs.alloc.Metaslab;
import io.lcpfs.pipeline.TileDevices;
import java.util.Map;
import java.util.TreeMap;

/**
 * Gathers what became free in one group, joins neighbours, and discards what is long enough to pay.
 */
final class FreedRanges implements Metaslab.Released {
  /** Shorter ranges cost the device more than they give. */
  static final long MIN_BYTES = 64 << 10;

  private final TreeMap<Integer, TreeMap<Long, Long>> byMetaslab = new TreeMap<>();

  @Override
  public void released(int metaslab, long offsetBytes, long bytes) {
    TreeMap<Long, Long> ranges = byMetaslab.computeIfAbsent(metaslab, id -> new TreeMap<>());
    long from = offsetBytes;
    long to = offsetBytes + bytes;
    Map.Entry<Long, Long> before = ranges.floorEntry(from);
    if (before != null && before.getValue() >= from) {
      from = before.getKey();
    }
    Map.Entry<Long, Long> after = ranges.ceilingEntry(to);
    if (after != null && after.getKey() == to) {
      to = after.getValue();
      ranges.remove(after.getKey());
    }
    ranges.put(from, to);
  }

  /** Tells the devices. */
  void discard(TileDevices devices) {
    byMetaslab.forEach(
        (metaslab, ranges) ->
            ranges.forEach(
                (from, to) -> {
                  if (to - from >= MIN_BYTES) {
                    devices.discard(metaslab, from, to - from);
                  }
                }));
  }
}
