package io.lcpfs.pool;

/**
 * A snapshot as recorded in the pool.
 *
 * @param path of its dataset, below the root
 * @param name after the @
 * @param guid identifies it
 * @param creationTxg the group whose end it shows
 * @param creationSeconds wall clock, seconds since 1970
 * @param usedBytes allocated, all copies, and referred to by nothing else: what destroying it alone
 *     would free
 * @param referencedBytes allocated for all that is in it
 * @param logicalBytes the same before compression
 * @param userRefs how many users hold it
 * @param destroyDeferred whether it is destroyed when nothing keeps it any more
 */
public record SnapshotInfo(
    String path,
    String name,
    long guid,
    long creationTxg,
    long creationSeconds,
    long usedBytes,
    long referencedBytes,
    long logicalBytes,
    int userRefs,
    boolean destroyDeferred) {}
