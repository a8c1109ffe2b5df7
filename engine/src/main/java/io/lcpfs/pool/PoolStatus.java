package io.lcpfs.pool;

import java.util.List;
import java.util.SortedMap;

/**
 * A pool at one moment.
 *
 * @param name the pool's name
 * @param guid identifies it
 * @param health worst that applies
 * @param readOnly opened without the right to change it
 * @param txg last group on disk
 * @param version format version
 * @param sizeBytes usable bytes of all metaslabs
 * @param allocatedBytes in use
 * @param freeBytes not in use, with what is reserved
 * @param freeingBytes of destroyed datasets, on their way back
 * @param fragmentationPercent 0 (free space in large runs) to 100
 * @param cacheBytes memory held by the cache now
 * @param features feature name to "enabled" or "active"
 * @param devices as given at creation
 * @param problems one line each with what to do; empty when all is well
 */
public record PoolStatus(
    String name,
    long guid,
    Health health,
    boolean readOnly,
    long txg,
    long version,
    long sizeBytes,
    long allocatedBytes,
    long freeBytes,
    long freeingBytes,
    int fragmentationPercent,
    long cacheBytes,
    SortedMap<String, String> features,
    List<DeviceStatus> devices,
    List<String> problems) {

  /** How much of the pool is in use. */
  public long capacityPercent() {
    return sizeBytes <= 0 ? 0 : Math.round(100.0 * allocatedBytes / sizeBytes);
  }
}
