/**
 * FORMAT - what the bytes on a device mean: one declaration per structure, asserted size and
 * offsets, encoders and decoders, no I/O. Uses: error, codec (numbers of algorithms). Owner:
 * immutable values. Disk: all of FORMAT.md, which a test holds against the layouts here. Invariant:
 * decode(encode(x)) is x, and decode of any bytes is a value or Corrupt.
 */
@NullMarked
package io.lcpfs.format;

import org.jspecify.annotations.NullMarked;
