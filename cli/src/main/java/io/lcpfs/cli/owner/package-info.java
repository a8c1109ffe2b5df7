/**
 * OWNER - how other processes reach a pool that one process has open: a unix socket, on which
 * commands and requests about files in the pool travel. Uses: tree, api, posix, error. Owner: a
 * connection belongs to one thread at a time on either side; the server's list of connections has a
 * lock. Disk: nothing. Invariant: the owner opens nothing that a client names outside of the pool,
 * and a frame that is not understood ends its connection. The bytes: docs/OWNER.md.
 */
@NullMarked
package io.lcpfs.cli.owner;

import org.jspecify.annotations.NullMarked;
