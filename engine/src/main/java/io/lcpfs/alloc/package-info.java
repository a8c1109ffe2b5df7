/**
 * ALLOC - chooses free space: {@link io.lcpfs.alloc.Metaslab} keeps the free extents of one
 * metaslab and what changed in each txg, {@link io.lcpfs.alloc.Allocator} spreads blocks over
 * metaslabs, {@link io.lcpfs.alloc.SpaceMapState} is what a stored space map says. Uses: format,
 * env, error. Owner: one lock per Metaslab and one per lane of an Allocator (lane first). Disk:
 * FORMAT.md, Space maps. Invariant: allocated, free and deferred never overlap and fill the
 * metaslab; nothing freed in txg T is handed out before T+2 is durable ({@link
 * io.lcpfs.alloc.SpaceCheck} holds maps against all blocks).
 */
@NullMarked
package io.lcpfs.alloc;

import org.jspecify.annotations.NullMarked;
