/** Tests of the engine under the simulator: some seeds, some scripts, each planted mistake. */
@NullMarked
package io.lcpfs.sim.engine;

import org.jspecify.annotations.NullMarked;
