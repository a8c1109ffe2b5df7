/**
 * FUSE - datasets mounted in the host's tree, through the kernel's FUSE protocol on /dev/fuse.
 * {@link io.lcpfs.fuse.FuseMount} is the way in. Uses: posix, error; nothing of the layers below.
 *
 * <p>Owner: each reader thread owns its {@link io.lcpfs.fuse.Request} and {@link
 * io.lcpfs.fuse.Reply} buffers; the tables of nodes and handles have locks of their own, taken
 * under an engine's lock never the other way round with more than a pin. Disk: none of its own.
 * Invariant: what the kernel holds a lookup of is retained in the engine, and is forgotten with the
 * mount. A reader thread never touches the mount that it serves: it would wait for itself.
 */
@NullMarked
package io.lcpfs.fuse;

import org.jspecify.annotations.NullMarked;
