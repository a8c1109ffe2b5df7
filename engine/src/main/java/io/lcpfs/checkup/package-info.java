/**
 * CHECKUP - whether this machine, this device and this host of the library can carry a pool, as a
 * list that a person reads: {@link io.lcpfs.checkup.IntegrationChecklist}. Uses: device, memory,
 * env, error. Owner: nothing outlives a run. Disk: a device under test is overwritten. Invariant:
 * every item that is not ok says what to do.
 */
@NullMarked
package io.lcpfs.checkup;

import org.jspecify.annotations.NullMarked;
