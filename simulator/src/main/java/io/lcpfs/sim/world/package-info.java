/**
 * WORLD - a whole machine on one thread: {@link io.lcpfs.sim.world.SimEnv} answers time, randomness
 * and forking from a seed, {@link io.lcpfs.sim.world.SimScheduler} picks which task runs next.
 * Uses: env, error. Owner: the one platform thread inside {@code SimEnv.run}; nothing here is
 * locked, and nothing may be touched from another thread. Invariant: the same seed and body give
 * the same digest in any JVM.
 */
@NullMarked
package io.lcpfs.sim.world;

import org.jspecify.annotations.NullMarked;
