/**
 * VDEV - what lies between blocks and devices: {@link io.lcpfs.vdev.DeviceQueue} orders and joins
 * the writes of a device, {@link io.lcpfs.vdev.TileMap} says on which devices a metaslab lies,
 * {@link io.lcpfs.vdev.LabelIo} reads and writes labels and commits a txg. Uses: format, device,
 * memory, env, error. Owner: one lock per DeviceQueue; TileMap is immutable; LabelIo is called by
 * one task at a time. Disk: FORMAT.md, Device geometry, Labels, Layout. Invariant: at every moment
 * the labels name an uberblock whose configuration, layout and blocks are durable.
 */
@NullMarked
package io.lcpfs.vdev;

import org.jspecify.annotations.NullMarked;
