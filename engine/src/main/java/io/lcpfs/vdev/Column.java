package io.lcpfs.vdev;

/**
 * Where a column of a metaslab lies.
 *
 * @param device index of the device in the configuration
 * @param offsetBytes start of its tile on the device
 * @param bytes length of the tile
 */
public record Column(int device, long offsetBytes, long bytes) {}
