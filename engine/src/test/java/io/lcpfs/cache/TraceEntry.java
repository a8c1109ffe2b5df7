package io.lcpfs.cache;

import java.util.Map;

/** An entry without memory, known by its key in a map: for what the policy alone decides. */
final class TraceEntry extends CacheEntry {
  private final Map<Long, TraceEntry> index;
  private final long key;
  private final int bytes;

  TraceEntry(Map<Long, TraceEntry> index, long key, int bytes, CacheClass cacheClass) {
    super(cacheClass);
    this.index = index;
    this.key = key;
    this.bytes = bytes;
    index.put(key, this);
  }

  @Override
  protected int chargedBytes() {
    return bytes;
  }

  @Override
  protected long ghostKey() {
    return key;
  }

  @Override
  protected void evicted() {
    index.remove(key, this);
  }
}
