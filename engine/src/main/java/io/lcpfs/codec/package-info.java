/**
 * CODEC - checksums, compression and parity: pure functions on MemorySegment, no state but scratch
 * that the caller's thread owns, and which parity kernel is plugged in. Uses: error, env. Disk:
 * FORMAT.md, Checksums; Compression (the numbers in a block pointer); Parity. Invariant: a Vector
 * kernel and its scalar twin agree bit for bit, and so does a kernel that is plugged in; a
 * decompressor never writes outside its target and answers hostile input with Corrupt.
 */
@NullMarked
package io.lcpfs.codec;

import org.jspecify.annotations.NullMarked;
