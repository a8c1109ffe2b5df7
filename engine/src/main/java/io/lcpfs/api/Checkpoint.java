package io.lcpfs.api;

import java.time.Instant;

/**
 * The whole pool as it was at one moment: all datasets with their snapshots, properties and what is
 * being received. Taken with {@link PoolCheckpoints#take}; gone back to with {@link
 * io.lcpfs.pool.OpenOptions#withRewind}.
 *
 * @param txg the transaction group whose end it shows
 * @param creation when that was
 * @param usedBytes allocated for what only it has any more
 */
public record Checkpoint(long txg, Instant creation, long usedBytes) {}
