/**
 * CACHE - which blocks stay in memory: {@link io.lcpfs.cache.Arc}, clock with adaptive replacement
 * over entries that belong to other rooms. Uses: memory, env, error. Owner: Arc's one lock for
 * lists and ghosts; pins and reference marks are atomics of the entry, so a hit takes no lock.
 * Disk: nothing. Invariant: bytes in the lists are the sum of their entries' charges ({@code
 * Arc.verify}), and memory never exceeds the slab allocator's budget.
 */
@NullMarked
package io.lcpfs.cache;

import org.jspecify.annotations.NullMarked;
