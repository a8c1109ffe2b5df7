/**
 * BENCH/CACHE - how well the adaptive cache decides, on traces made from a seed, and what a
 * decision and an allocation cost. Uses: the engine's cache, memory and env. Owner: one thread.
 * Disk: nothing.
 */
@NullMarked
package io.lcpfs.bench.cache;

import org.jspecify.annotations.NullMarked;
