/**
 * CODEC - checksums and compression: pure functions on MemorySegment, no state but scratch that the
 * caller's thread owns. Uses: error, env. Disk: FORMAT.md, Checksums; Compression (the numbers in a
 * block pointer). Invariant: a Vector kernel and its scalar twin agree bit for bit; a decompressor
 * never writes outside its target and answers hostile input with Corrupt.
 */
@NullMarked
package io.lcpfs.codec;

import org.jspecify.annotations.NullMarked;
