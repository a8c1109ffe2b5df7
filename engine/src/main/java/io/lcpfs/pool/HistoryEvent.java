package io.lcpfs.pool;

/**
 * A remembered command.
 *
 * @param txg that was open then
 * @param wallNanos since 1970
 * @param who user and host, for example "root@alpha"
 * @param command as given
 */
public record HistoryEvent(long txg, long wallNanos, String who, String command) {}
