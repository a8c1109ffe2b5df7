/**
 * ENGINE - the real engine as a target of the simulator: a pool on simulated devices, one machine's
 * life at a time. Uses: api, pool, posix, memory, device, env of the engine; sim, world, model.
 * Owner: the task that opened a session; writers share it. Invariant: all that a session decides is
 * drawn from the seed of its world, and its memory goes back when its machine ends or crashes.
 */
@NullMarked
package io.lcpfs.sim.engine;

import org.jspecify.annotations.NullMarked;
