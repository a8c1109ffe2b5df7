package io.lcpfs.pool;

/**
 * The checkpoint of a pool.
 *
 * @param txg the group whose end it shows
 * @param timestampNanos wall clock of that group's commit, nanoseconds since 1970
 * @param usedBytes allocated for what nothing but the checkpoint has any more
 */
public record CheckpointInfo(long txg, long timestampNanos, long usedBytes) {}
