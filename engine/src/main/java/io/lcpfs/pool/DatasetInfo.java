package io.lcpfs.pool;

import java.util.SortedMap;

/**
 * A dataset as recorded in the pool.
 *
 * @param path below the root; "" for the root
 * @param guid identifies it
 * @param creationTxg the txg that created it
 * @param creationSeconds wall clock, seconds since 1970
 * @param referencedBytes allocated for its own content, all copies, without children
 * @param logicalBytes the same before compression
 * @param localProperties values set here, not inherited
 */
public record DatasetInfo(String path, long guid, long creationTxg, long creationSeconds,
    long referencedBytes, long logicalBytes, SortedMap<String, String> localProperties) {}
