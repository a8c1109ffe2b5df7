/**
 * MODEL - what a file system promises, as plain maps: {@link io.lcpfs.sim.model.ReferenceFs}
 * applies an {@link io.lcpfs.sim.model.Op} and says what its {@link io.lcpfs.sim.model.Outcome} has
 * to be; a {@link io.lcpfs.sim.model.Tree} is a whole state that can be compared. Uses: error,
 * sim.world (its random numbers and hashes). Owner: whoever made an object; no locks. Invariant: no
 * code of the engine takes part in an answer of the model.
 */
@NullMarked
package io.lcpfs.sim.model;

import org.jspecify.annotations.NullMarked;
