/**
 * INTENT - makes transactions durable before their group is: each is written, in words that make
 * the same changes again, to a ring of extents of its dataset; after a crash those that the last
 * group lacks are done again, in order, up to the first that is not there. Uses: object, zap.
 * Owner: the log's own lock, a leaf. Disk: FORMAT.md, Intent log. Invariant: what is done again is
 * a prefix of what was done since the group that is on disk, and holds all that a commit has
 * returned for.
 */
@NullMarked
package io.lcpfs.intent;

import org.jspecify.annotations.NullMarked;
