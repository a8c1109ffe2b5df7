/**
 * CRASH - tries every state that a crash can leave: recovery is run again and again, each time with
 * another answer to one of the questions "what became of this write?" that it raises by reading.
 * Uses: sim.device, sim.world. Owner: the calling thread. Invariant: a search that says it is
 * complete has tried every answer to every question that any of its runs asked.
 */
@NullMarked
package io.lcpfs.sim.crash;

import org.jspecify.annotations.NullMarked;
