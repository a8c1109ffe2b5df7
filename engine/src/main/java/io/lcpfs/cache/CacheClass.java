package io.lcpfs.cache;

/** What a cached block is. */
public enum CacheClass {
  /** File and volume content. */
  DATA,
  /** Everything needed to find content; a share of the cache is kept for it. */
  METADATA
}
