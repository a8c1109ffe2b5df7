/**
 * PIPELINE - the way of a block to disk and back: hole detection, compression, checksum, allocation
 * of copies, gang blocks; reading with verification, in all ways to have a copy (the columns of a
 * mirror), other copies and repair. Uses: alloc, vdev,
 * cache, codec, memory, format, env, error. Owner: no state but counters; safe from every thread.
 * Disk: FORMAT.md, Block pointers; Gang blocks. Invariant: a block that is given out matched its
 * checksum.
 */
@NullMarked
package io.lcpfs.pipeline;

import org.jspecify.annotations.NullMarked;
