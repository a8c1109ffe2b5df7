/** Tests of the search of crash states. */
@NullMarked
package io.lcpfs.sim.crash;

import org.jspecify.annotations.NullMarked;
