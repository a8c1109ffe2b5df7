package io.lcpfs.posix;

/**
 * An entry of a directory.
 *
 * @param cookie where a listing goes on after it
 * @param name not to be changed
 * @param type as d_type: {@code st_mode >> 12}
 */
@SuppressWarnings("ArrayRecordComponent")
public record NamedEntry(long cookie, byte[] name, long inode, int type) {}
