/**
 * ENV - the world, injected: time, sleep, randomness, forking, and the executors that may block on
 * devices or burn CPU. Uses: error. Owner: {@link io.lcpfs.env.RealEnv} here; the simulator has a
 * seeded twin that runs everything on one thread in virtual time. Nothing else in the engine may
 * touch a clock, a random source or a thread factory (ArchUnit holds this).
 */
@NullMarked
package io.lcpfs.env;

import org.jspecify.annotations.NullMarked;
