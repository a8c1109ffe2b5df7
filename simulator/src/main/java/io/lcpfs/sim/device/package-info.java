/**
 * SIM DEVICE - disks that lie, lose and tear as real ones do, by seed: {@link
 * io.lcpfs.sim.device.SimMedium} is what survives a crash, {@link io.lcpfs.sim.device.SimDevice}
 * what an engine sees of it. Uses: device, error, sim.world. Owner: the one thread of the simulated
 * world. Invariant: after a crash the medium holds every write that a flush covered and, of the
 * others, any subset, each 512-byte sector old or new; which one is decided when it is first read.
 */
@NullMarked
package io.lcpfs.sim.device;

import org.jspecify.annotations.NullMarked;
