/**
 * POSIX - files, directories, links, permissions, times and extended attributes over one object
 * set. {@link io.lcpfs.posix.PosixFileSystem} is the way in, by inode number and open handle, with
 * calls by path on top, and {@link io.lcpfs.posix.VfsOperations} with descriptors over both. Uses:
 * object, zap, txg, format, env, error.
 *
 * <p>Owner: each Znode's lock owns its attributes, content and directory entries; several are taken
 * in order of inode number, the rename lock before them, then a Tx, then the unlinked set's lock. A
 * sink of {@code readTo} runs with its file locked for reading and keeps the file system from
 * closing. The lock of an open file description comes before all of them; a descriptor table's and
 * that of the advisory locks are held for no other's sake. Every change of the name space is one
 * transaction. Disk: FORMAT.md, Znode; Directory entries; Extended attributes. Invariant:
 * PosixCheck (link counts, parents, orphans, entry counts, names).
 */
@NullMarked
package io.lcpfs.posix;

import org.jspecify.annotations.NullMarked;
