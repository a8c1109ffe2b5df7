package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;

/** Copying between two open files, as copy_file_range(2). */
final class CopyRange {
  private static final int CHUNK_BYTES = 1 << 20;

  private CopyRange() {}

  /**
   * Copies up to {@code length} bytes.
   *
   * @return bytes copied: fewer at the end of the source, or when a later part failed
   */
  static long copy(
      OpenFile in, long inOffset, OpenFile out, long outOffset, long length, Caller caller) {
    if (!in.reads() || !out.writes() || out.appends()) {
      throw posix(Errno.EBADF, "copy_file_range");
    }
    if (in.handle().isDirectory() || out.handle().isDirectory()) {
      throw posix(Errno.EISDIR, "copy_file_range");
    }
    if (inOffset < 0 || outOffset < 0 || length < 0) {
      throw posix(Errno.EINVAL, "copy_file_range");
    }
    long todo = Math.min(length, Math.max(0, in.handle().size() - inOffset));
    if (in.inode == out.inode && inOffset < outOffset + todo && outOffset < inOffset + todo) {
      throw posix(Errno.EINVAL, "overlapping ranges");
    }
    MemorySegment buffer = MemorySegment.ofArray(new byte[(int) Math.min(todo, CHUNK_BYTES)]);
    long done = 0;
    while (done < todo) {
      int part;
      try {
        int want = (int) Math.min(todo - done, CHUNK_BYTES);
        int read = in.handle().read(inOffset + done, buffer, 0, want);
        part = read == 0 ? 0 : out.writeAt(outOffset + done, buffer, read, caller);
      } catch (PoolException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      if (part == 0) {
        return done;
      }
      done += part;
    }
    return done;
  }
}
