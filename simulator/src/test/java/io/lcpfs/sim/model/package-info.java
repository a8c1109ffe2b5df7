/** Tests of the reference model against what Linux does. */
@NullMarked
package io.lcpfs.sim.model;

import org.jspecify.annotations.NullMarked;
