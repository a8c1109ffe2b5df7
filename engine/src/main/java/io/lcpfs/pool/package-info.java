/**
 * POOL - import, export and sync: the only room that wires others together. The face sees it
 * through {@link io.lcpfs.pool.PoolEngine}. Uses: everything below (object, zap, txg, cache,
 * pipeline, alloc, vdev, device, codec, format, memory, env, error). Owner: one lock per pool for
 * the dataset tree; the sync task alone writes labels and uberblocks. Disk: FORMAT.md, Labels;
 * Uberblocks; Layout record; Meta object set. Invariant: PoolCheck (what the uberblock reaches is
 * what the space maps call allocated).
 */
@NullMarked
package io.lcpfs.pool;

import org.jspecify.annotations.NullMarked;
