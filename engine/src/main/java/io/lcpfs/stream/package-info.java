/**
 * STREAM - snapshots as streams of bytes: written from a snapshot at rest, received into a dataset
 * that nobody sees until all of it was verified. Uses: dataset, pool, object, codec, format, error.
 * Owner: a stream belongs to one thread. Disk: FORMAT.md, Receive; the stream itself: STREAM.md.
 * Invariant: what is received is what was sent, or nothing.
 */
@NullMarked
package io.lcpfs.stream;

import org.jspecify.annotations.NullMarked;
