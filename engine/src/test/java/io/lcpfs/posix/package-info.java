/** Tests of the POSIX room. */
@NullMarked
package io.lcpfs.posix;

import org.jspecify.annotations.NullMarked;
