package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Copying between two open files, as copy_file_range(2): by reference where that can be. */
final class CopyRange {
  private static final int CHUNK_BYTES = 1 << 20;

  private CopyRange() {}

  /**
   * Copies up to {@code length} bytes between descriptors.
   *
   * @return bytes copied: fewer at the end of the source, or when a later part failed
   */
  static long copy(
      OpenFile in, long inOffset, OpenFile out, long outOffset, long length, Caller caller) {
    if (!in.reads() || !out.writes() || out.appends()) {
      throw posix(Errno.EBADF, "copy_file_range");
    }
    FileHandle to = out.handle();
    long copied = to.copyFrom(in.handle(), inOffset, outOffset, length, !caller.privileged());
    if (copied > 0 && (out.flags() & VfsFlags.O_DSYNC) != 0) {
      to.fsync();
    }
    return copied;
  }

  /**
   * As {@link FileHandle#copyFrom}, within the source.
   *
   * @param mostRead bytes after which reading and writing ends
   */
  static long copy(
      FileHandle in,
      long inOffset,
      FileHandle out,
      long outOffset,
      long todo,
      long mostRead,
      boolean killSetId,
      @Nullable CloneRange clone) {
    if (clone != null) {
      clone.prepare(inOffset, todo);
    }
    MemorySegment buffer = MemorySegment.NULL;
    long done = 0;
    long read = 0;
    while (done < todo) {
      long part;
      try {
        long from = inOffset + done;
        long to = outOffset + done;
        part = clone == null ? 0 : clone.give(from, to, todo - done, killSetId);
        if (part == 0 && read >= mostRead) {
          return done;
        }
        if (part == 0) {
          int want = (int) Math.min(todo - done, CHUNK_BYTES);
          want = clone == null ? want : clone.notGiven(from, want);
          if (buffer.byteSize() < want) {
            buffer = MemorySegment.ofArray(new byte[(int) Math.min(todo - done, CHUNK_BYTES)]);
          }
          int got = in.read(from, buffer, 0, want);
          part = got == 0 ? 0 : out.writeQuietly(to, buffer, got, killSetId);
          read += part;
        }
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
