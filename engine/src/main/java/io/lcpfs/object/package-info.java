/**
 * OBJECT - numbered objects in object sets: dnodes, cached blocks with one version per transaction
 * group, the block tree on disk, small contents in tail blocks. Uses: txg, cache, pipeline, format,
 * memory, env, error. Owner: a Dnode's lock guards its block table; the sync task alone changes
 * indirect blocks, dnode blocks and tail blocks. Disk: FORMAT.md, Object sets; Dnodes; Tail blocks.
 * Invariant: ObjectCheck (fill counts, stored bytes, levels).
 */
@NullMarked
package io.lcpfs.object;

import org.jspecify.annotations.NullMarked;
