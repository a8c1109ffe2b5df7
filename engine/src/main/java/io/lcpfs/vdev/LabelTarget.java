package io.lcpfs.vdev;

import io.lcpfs.format.Geometry;

/**
 * A device whose labels are written.
 *
 * @param guid what the pool calls it
 * @param queue the way to it
 * @param geometry where its labels are: from the capacity that the configuration records
 */
public record LabelTarget(long guid, DeviceQueue queue, Geometry geometry) {}
