package io.lcpfs.pool;

/**
 * A bookmark as recorded in the pool.
 *
 * @param path of its dataset, below the root
 * @param name after the #
 * @param guid of the snapshot that it was made of
 * @param creationTxg the group whose end that showed
 * @param ordinal tells snapshots of one dataset and group apart
 * @param creationSeconds when that was taken: wall clock, seconds since 1970
 */
public record BookmarkInfo(
    String path, String name, long guid, long creationTxg, int ordinal, long creationSeconds) {}
