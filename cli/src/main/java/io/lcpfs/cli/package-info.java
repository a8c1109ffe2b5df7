/**
 * CLI - the command {@code lcpfs}. Uses: the engine's face and the simulator. Owner: the main
 * thread. Disk: nothing of its own. Invariant: exit code 0 only when what was asked was done.
 */
@NullMarked
package io.lcpfs.cli;

import org.jspecify.annotations.NullMarked;
