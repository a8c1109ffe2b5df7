/** Tests of the simulated world: replay, crash, and what it refuses. */
@NullMarked
package io.lcpfs.sim.world;

import org.jspecify.annotations.NullMarked;
