package io.lcpfs.posix;

/**
 * A lock by range as fcntl tells it.
 *
 * @param type F_RDLCK or F_WRLCK of {@link VfsFlags}
 * @param start offset of the first byte
 * @param length in bytes; 0 reaches to the end of the file, wherever that is
 * @param process that holds it; -1 when an open file description does
 */
public record FileLock(int type, long start, long length, int process) {
  static FileLock of(RangeLocks.Held held) {
    return new FileLock(
        held.kind() == RangeLocks.Kind.SHARED ? VfsFlags.F_RDLCK : VfsFlags.F_WRLCK,
        held.first(),
        held.last() == RangeLocks.TO_THE_END ? 0 : held.last() - held.first() + 1,
        held.owner().process());
  }
}
