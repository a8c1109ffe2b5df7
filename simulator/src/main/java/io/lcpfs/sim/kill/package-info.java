/**
 * KILL - real processes killed with SIGKILL at random moments, on real files: the page cache
 * survives that, so a second mode puts a device between that keeps unflushed writes in the process.
 * Uses: api, posix, device, env. Owner: the trial's process. Invariant: after every kill the pool
 * imports, verifies clean, and holds what was synced before.
 */
@NullMarked
package io.lcpfs.sim.kill;

import org.jspecify.annotations.NullMarked;
