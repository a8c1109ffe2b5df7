/**
 * SIMULATOR - runs a file system through years of bad luck in minutes: seeds that mix concurrent
 * operations, crashes and faults ({@link io.lcpfs.sim.SeedRun}), and complete searches of all crash
 * states of short scripts ({@link io.lcpfs.sim.ScriptSearch}). What is tested stands behind {@link
 * io.lcpfs.sim.SimTarget}. Uses: env, device, error and the sim rooms. Owner: each run belongs to
 * one platform thread. Invariant: what a seed does and finds depends on nothing but the seed.
 */
@NullMarked
package io.lcpfs.sim;

import org.jspecify.annotations.NullMarked;
