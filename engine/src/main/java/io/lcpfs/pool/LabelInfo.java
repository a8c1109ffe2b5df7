package io.lcpfs.pool;

import io.lcpfs.format.PoolState;
import java.util.List;

/**
 * What a device's labels say about the pool it belongs to.
 *
 * @param poolName name at the last write of the label
 * @param poolGuid identifies the pool
 * @param deviceGuid identifies this device in it
 * @param state what was last done with the pool
 * @param txg the newest uberblock on this device
 * @param version format version
 * @param sectorBytes the pool's allocation unit: the device is opened with blocks of at most this
 * @param hostId who had it imported last; 0 when unknown
 * @param hostName the same for a person
 * @param devices guids of all devices of the pool
 * @param deviceNames what they were called, in the order of {@code devices}
 * @param intactLabels how many of the four labels decode, 1 to 4
 */
public record LabelInfo(
    String poolName,
    long poolGuid,
    long deviceGuid,
    PoolState state,
    long txg,
    long version,
    int sectorBytes,
    long hostId,
    String hostName,
    List<Long> devices,
    List<String> deviceNames,
    int intactLabels) {}
