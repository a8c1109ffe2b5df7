package io.lcpfs.pool;

import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.Profile;

/**
 * One device of an imported pool.
 *
 * @param name as opened, for example its path
 * @param guid identifies it in the pool
 * @param group number of the group that it belongs to
 * @param profile how new blocks lie on the devices of that group
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
    int group,
    Profile profile,
    PlacementClass placement,
    Health health,
    long sizeBytes,
    long allocatedBytes,
    long readErrors,
    long writeErrors,
    long checksumErrors,
    long repaired) {}
