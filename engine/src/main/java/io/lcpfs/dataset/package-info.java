/**
 * DATASET - what a dataset may be called and which properties it has: names, the property
 * catalogue, inheritance. Uses: pool, codec, error. Owner: immutable values. Disk: FORMAT.md,
 * Datasets (names and values as UTF-8). Invariant: a value that was accepted prints as itself and
 * is accepted again.
 */
@NullMarked
package io.lcpfs.dataset;

import org.jspecify.annotations.NullMarked;
