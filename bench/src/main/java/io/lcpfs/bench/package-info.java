/**
 * BENCH - how fast the kernels are: JMH benchmarks over a corpus made on the machine they run on.
 * Uses: the engine's public types. Figures and how they were taken: docs/BENCH.md.
 */
@NullMarked
package io.lcpfs.bench;

import org.jspecify.annotations.NullMarked;
