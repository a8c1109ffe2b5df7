package io.lcpfs.pool;

import io.lcpfs.format.PlacementClass;

/**
 * One device of an imported pool.
 *
 * @param name as opened, for example its path
 * @param guid identifies it in the pool
 * @param placement what it is for
 * @param health how it is
 * @param sizeBytes usable bytes
 * @param allocatedBytes in use
 * @param readErrors failed reads since import
 * @param writeErrors failed writes and flushes since import
 * @param checksumErrors blocks read from it that did not verify, since import
 * @param repaired extents written again on it, with what another copy or device had, since import
 */
public record DeviceStatus(
    String name,
    long guid,
    PlacementClass placement,
    Health health,
    long sizeBytes,
    long allocatedBytes,
    long readErrors,
    long writeErrors,
    long checksumErrors,
    long repaired) {}
