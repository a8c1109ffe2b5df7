/**
 * TREE - directory trees on the host and in pools behind one interface, and the copy between any
 * two of them. Uses: posix, error; Linux calls through the foreign function interface. Owner: a
 * directory or file object belongs to the thread that opened it, except that a directory may be
 * used by the workers of the copy. Disk: nothing of its own. Invariant: nothing outside the
 * destination directory is touched, whatever symbolic links the trees hold: every step is relative
 * to an open directory and follows none.
 */
@NullMarked
package io.lcpfs.cli.tree;

import org.jspecify.annotations.NullMarked;
