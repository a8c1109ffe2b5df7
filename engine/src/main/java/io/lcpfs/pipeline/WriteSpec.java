package io.lcpfs.pipeline;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Compression;
import io.lcpfs.format.ObjectType;

/**
 * How a block is to be written.
 *
 * @param level 0 for data
 * @param copies 1 to 3
 * @param txg the group that writes it
 * @param mayVanish an all-zero block becomes a hole, a tiny one may be embedded in its pointer
 */
public record WriteSpec(
    ObjectType type,
    int level,
    Compression compression,
    ChecksumType checksum,
    int copies,
    long txg,
    boolean mayVanish) {}
