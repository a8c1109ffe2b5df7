/**
 * CLI - the command {@code lcpfs}: what its arguments mean, what it prints, which pools it knows.
 * Uses: the engine's face (api, dataset, pool's values, posix), cli.tree for copying. Owner: one
 * command per process on the main thread; the registry file is guarded by a lock file. Disk:
 * nothing in pools. Invariant: a command that fails says so in one line, exits non-zero, and has
 * changed nothing that it does not name.
 */
@NullMarked
package io.lcpfs.cli;

import org.jspecify.annotations.NullMarked;
