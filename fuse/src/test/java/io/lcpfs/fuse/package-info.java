/** Tests of FUSE: with a channel that stands in for the kernel, and on real mounts. */
@NullMarked
package io.lcpfs.fuse;

import org.jspecify.annotations.NullMarked;
