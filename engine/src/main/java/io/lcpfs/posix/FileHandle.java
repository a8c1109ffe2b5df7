package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An open file or directory. Safe from many threads, but {@link #close} must not run beside other
 * calls on the same handle. The file stays as long as it has handles, with or without a name.
 */
public final class FileHandle implements AutoCloseable {

  /** The answer of {@link #readTo} when it leaves the range to {@link #read}. */
  public static final int COPY_INSTEAD = -1;

  private final OpenOps opens;
  private final FileData data;
  private final FsCore core;
  private final Znode file;
  private final int flags;
  private final Caller caller;
  private final AtomicBoolean closed = new AtomicBoolean();

  FileHandle(OpenOps opens, Znode file, int flags, Caller caller) {
    this.opens = opens;
    this.data = opens.data;
    this.core = opens.core;
    this.file = file;
    this.flags = flags;
    this.caller = caller;
  }

  Znode file() {
    if (closed.get() || core.closed) {
      throw posix(Errno.EBADF, "closed handle");
    }
    return file;
  }

  /** The inode number. */
  public long inode() {
    return file.inode;
  }

  /** The flags it was opened with, see {@link OpenFlags}. */
  public int flags() {
    return flags;
  }

  /** Who opened it. */
  public Caller caller() {
    return caller;
  }

  public boolean isDirectory() {
    return file.isDirectory();
  }

  /** The file's attributes, also when it has lost its name. */
  public Attr getattr() {
    return core.attr(file());
  }

  /** As {@link #getattr()}, into a buffer. */
  public void getattr(AttrBuffer to) {
    file().fill(to, core.options.recordBytes());
  }

  /** Size in bytes. */
  public long size() {
    return file().attrs().size;
  }

  private Znode readable() {
    Znode open = file();
    if (open.isDirectory()) {
      throw posix(Errno.EISDIR, "inode " + open.inode);
    }
    if (!OpenFlags.reads(flags)) {
      throw posix(Errno.EBADF, "handle is not open for reading");
    }
    return open;
  }

  private Znode writable() {
    Znode open = file();
    if (!OpenFlags.writes(flags)) {
      throw posix(Errno.EBADF, "handle is not open for writing");
    }
    return open;
  }

  private static void checkRange(long offsetBytes, int length) {
    if (offsetBytes < 0 || length < 0) {
      throw posix(Errno.EINVAL, "offset " + offsetBytes + ", length " + length);
    }
  }

  private static void checkRange(long offsetBytes, MemorySegment segment, long at, int length) {
    checkRange(offsetBytes, length);
    Objects.checkFromIndexSize(at, length, segment.byteSize());
  }

  /**
   * Reads up to {@code length} bytes at {@code offsetBytes} of the file to {@code targetOffset} of
   * {@code target}; never a mix of before and after a concurrent write.
   *
   * @return bytes read, 0 at or behind the end
   * @throws io.lcpfs.error.PoolException EBADF, EISDIR, EINVAL; EIO when no intact copy is left;
   *     ENOMEM
   */
  public int read(long offsetBytes, MemorySegment target, long targetOffset, int length) {
    checkRange(offsetBytes, target, targetOffset, length);
    return data.read(
        readable(), offsetBytes, target, targetOffset, length, (flags & OpenFlags.O_NOATIME) == 0);
  }

  /**
   * Reads as {@link #read} does, but copies nothing: {@code sink} is shown the bytes where they lie
   * in the cache. It is called at most once, and only when all of them are there. No write to the
   * file happens while it runs, so what it sees is never a mix of before and after one.
   *
   * @param slices what the sink gets; not in use
   * @return bytes that the sink was given; 0 without a call of it at or behind the end, or for a
   *     {@code length} of 0; {@link #COPY_INSTEAD} without a call of it when {@link #read} must
   *     serve, as there are too many slices or too little memory to keep them
   * @throws io.lcpfs.error.PoolException EBADF, EISDIR, EINVAL; EIO when no intact copy is left:
   *     the sink was not called then
   */
  public int readTo(long offsetBytes, int length, ReadSlices slices, ReadSink sink) {
    checkRange(offsetBytes, length);
    return data.readTo(
        readable(), offsetBytes, length, slices, sink, (flags & OpenFlags.O_NOATIME) == 0);
  }

  /**
   * Writes {@code length} bytes of {@code source} from {@code sourceOffset} at {@code offsetBytes},
   * or at the end when opened with O_APPEND.
   *
   * @return bytes written; fewer than asked when space or memory ran out on the way
   * @throws io.lcpfs.error.PoolException EBADF, EINVAL, EFBIG, EROFS, ENOSPC, ENOMEM, EIO
   */
  public int write(long offsetBytes, MemorySegment source, long sourceOffset, int length) {
    return write(offsetBytes, source, sourceOffset, length, !caller.privileged());
  }

  /**
   * As above.
   *
   * @param killSetId whether the set-id bits and security.capability go, as the writer of the
   *     moment lacks the privilege to keep them
   */
  public int write(
      long offsetBytes, MemorySegment source, long sourceOffset, int length, boolean killSetId) {
    checkRange(offsetBytes, source, sourceOffset, length);
    int written =
        data.write(
            writable(),
            (flags & OpenFlags.O_APPEND) != 0,
            offsetBytes,
            source,
            sourceOffset,
            length,
            killSetId);
    changed();
    return written;
  }

  /** As {@link #write}, of which nobody is told yet. */
  int writeQuietly(long offsetBytes, MemorySegment source, int length, boolean killSetId) {
    return data.write(writable(), false, offsetBytes, source, 0, length, killSetId);
  }

  /**
   * Copies up to {@code length} bytes of another open file, as copy_file_range(2): within one pool
   * whole records by reference, which takes no space and next to no time, all else by reading and
   * writing.
   *
   * @param source open for reading; a handle of this file system or of any other
   * @return bytes copied: fewer at the end of the source, or when a later part failed
   * @throws io.lcpfs.error.PoolException EBADF; EISDIR; EINVAL, also for ranges of one file that
   *     overlap; EFBIG; EROFS, ENOSPC, ENOMEM, EIO
   */
  public long copyFrom(
      FileHandle source, long sourceOffset, long offsetBytes, long length, boolean killSetId) {
    return copyFrom(source, sourceOffset, offsetBytes, length, Long.MAX_VALUE, killSetId);
  }

  /**
   * As the one above, for callers who do not want to wait long.
   *
   * @param mostRead ends once so many bytes were not taken by reference, but read and written
   */
  public long copyFrom(
      FileHandle source,
      long sourceOffset,
      long offsetBytes,
      long length,
      long mostRead,
      boolean killSetId) {
    if (source.isDirectory() || isDirectory()) {
      throw posix(Errno.EISDIR, "copy_file_range");
    }
    Znode from = source.readable();
    Znode to = writable();
    if ((flags & OpenFlags.O_APPEND) != 0) {
      throw posix(Errno.EBADF, "copy_file_range to the end of a file");
    }
    if (sourceOffset < 0 || offsetBytes < 0 || length < 0) {
      throw posix(Errno.EINVAL, "copy_file_range");
    }
    long todo = Math.min(length, Math.max(0, from.attrs().size - sourceOffset));
    if (from == to && sourceOffset < offsetBytes + todo && offsetBytes < sourceOffset + todo) {
      throw posix(Errno.EINVAL, "overlapping ranges");
    }
    if (todo == 0) {
      return 0;
    }
    CloneRange clone = CloneRange.between(source.core, from, core, to);
    long copied =
        CopyRange.copy(source, sourceOffset, this, offsetBytes, todo, mostRead, killSetId, clone);
    if ((source.flags & OpenFlags.O_NOATIME) == 0) {
      source.core.accessed(from);
    }
    changed();
    return copied;
  }

  /** As {@link #copyFrom(FileHandle, long, long, long, boolean)}, by whoever opened this handle. */
  public long copyFrom(FileHandle source, long sourceOffset, long offsetBytes, long length) {
    return copyFrom(source, sourceOffset, offsetBytes, length, !caller.privileged());
  }

  /**
   * Whether {@link #copyFrom} of that file can take records by reference at all: both are regular
   * files of one pool.
   */
  public boolean isBesides(FileHandle source) {
    return CloneRange.between(source.core, source.file(), core, file()) != null;
  }

  /**
   * Writes records of the file anew, with the content that they have, so that they get what the
   * dataset's properties say now: compression, checksum, copies. Nothing else changes, no time
   * either; records keep their size. What snapshots have of the old ones stays allocated.
   *
   * @param length in bytes; records that the range touches are written whole, holes stay
   * @param sharedToo also records that other files have too by reference, which then take space
   * @throws io.lcpfs.error.PoolException EBADF; EISDIR; EINVAL; EROFS, ENOSPC, ENOMEM, EIO: some
   *     may be written then, which does no harm
   */
  public Rewritten rewrite(long offsetBytes, long length, boolean sharedToo) {
    if (offsetBytes < 0 || length < 0) {
      throw posix(Errno.EINVAL, "offset " + offsetBytes + ", length " + length);
    }
    if (isDirectory()) {
      throw posix(Errno.EISDIR, "inode " + file.inode);
    }
    return new RewriteRange(core, data, writable(), sharedToo).rewrite(offsetBytes, length);
  }

  private void changed() {
    core.changed(file.inode);
    if ((flags & OpenFlags.O_DSYNC) != 0) {
      core.fsync();
    }
  }

  /**
   * Sets the size; what is added reads as zeros.
   *
   * @throws io.lcpfs.error.PoolException EINVAL when negative or not open for writing; EFBIG
   */
  public void truncate(long sizeBytes) {
    Znode open = file();
    if (!OpenFlags.writes(flags)) {
      throw posix(Errno.EINVAL, "handle is not open for writing");
    }
    opens.attrs.setattr(open, new SetAttr().size(sizeBytes), caller, true);
    changed();
  }

  /**
   * Allocates (which only moves the end: space is not set aside), punches a hole, or zeroes, by
   * {@code mode} of FALLOC_ flags.
   *
   * @throws io.lcpfs.error.PoolException EBADF, EINVAL, EFBIG, EOPNOTSUPP, ENOSPC
   */
  public void fallocate(int mode, long offsetBytes, long length) {
    data.fallocate(writable(), mode, offsetBytes, length, !caller.privileged());
    changed();
  }

  /** Offset of the first data at or after {@code offsetBytes}; ENXIO when there is none. */
  public long seekData(long offsetBytes) {
    return FileData.seekData(file(), offsetBytes);
  }

  /**
   * Offset of the first hole at or after {@code offsetBytes}, the end being one; ENXIO behind it.
   */
  public long seekHole(long offsetBytes) {
    return FileData.seekHole(file(), offsetBytes);
  }

  /**
   * Returns when all that happened to the file before is durable: what the file system did before
   * is, in order, too. With sync=disabled it does not wait.
   *
   * @throws io.lcpfs.error.PoolException EIO when it cannot be made so
   */
  public void fsync() {
    file();
    core.fsync();
  }

  /** As {@link #fsync}; attributes come along, as they are in the same record as the data. */
  public void fdatasync() {
    fsync();
  }

  /**
   * Ends the use; a file without a name is freed with its last handle. Idempotent.
   *
   * @throws io.lcpfs.error.PoolException EIO when it could not be freed now; the handle is closed
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      opens.released(file);
    }
  }
}
