/** Tests of the harness against a toy store, in which bugs can be planted. */
@NullMarked
package io.lcpfs.sim;

import org.jspecify.annotations.NullMarked;
