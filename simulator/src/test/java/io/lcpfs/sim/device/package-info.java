/** Tests of the simulated disk. */
@NullMarked
package io.lcpfs.sim.device;

import org.jspecify.annotations.NullMarked;
