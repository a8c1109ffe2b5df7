/**
 * ZAP - named attributes: byte-string names to byte-string values in one object; a directory, a
 * property list, extended attributes. One block while small, then a B+tree keyed by a keyed hash of
 * the name, whose key is also the position that readdir hands out. Uses: object (BlockObject,
 * Block), txg (Tx), format, env, error. Owner: the caller's lock, exclusive for changes and shared
 * for reads; a {@link io.lcpfs.zap.Zap} keeps no state but its object. Disk: FORMAT.md, ZAP.
 * Invariant: Zap.check (order, counts, heap bounds, every block reached once, free list).
 */
@NullMarked
package io.lcpfs.zap;

import org.jspecify.annotations.NullMarked;
