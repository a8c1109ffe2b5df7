/**
 * BENCH/SIDE - LCPFS beside the JDK's default file system on the same disk, in one run. Uses: the
 * engine's face. Owner: one thread runs all rows; a row that measures several threads starts and
 * joins them itself. Figures and how they were taken: docs/BENCH.md. Invariant: what a row reads is
 * compared with what was written, and both systems make the same promise of durability.
 */
@NullMarked
package io.lcpfs.bench.side;

import org.jspecify.annotations.NullMarked;
