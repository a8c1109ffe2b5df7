/** Tests of the owner's socket. */
@NullMarked
package io.lcpfs.cli.owner;

import org.jspecify.annotations.NullMarked;
