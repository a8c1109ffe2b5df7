/**
 * API - the face of the engine for programs and the command: Pool and Dataset. Uses: posix,
 * dataset, pool, device, env, error. Owner: the pool engine's locks; a lock per Pool for the open
 * file systems. Disk: nothing of its own. Invariant: a failed call has changed nothing.
 */
@NullMarked
package io.lcpfs.api;

import org.jspecify.annotations.NullMarked;
