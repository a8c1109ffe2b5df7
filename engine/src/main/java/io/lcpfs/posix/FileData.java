package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.Dnode;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;

/** The content of regular files. */
final class FileData {
  /** The largest size of a file. */
  static final long MAX_FILE_BYTES = 1L << 62;

  /** A longer write is several transactions, cut at multiples of this. */
  private static final int CHUNK_BYTES = 1 << 20;

  /** Longer reads take the lock at once, as reading twice would cost more than waiting. */
  private static final int OPTIMISTIC_BYTES = 128 << 10;

  /** How often a call that lacks memory is tried, each time after a group got to disk. */
  private static final int MEMORY_ATTEMPTS = 3;

  private final FsCore core;
  private final Xattrs xattrs;

  FileData(FsCore core, Xattrs xattrs) {
    this.core = core;
    this.xattrs = xattrs;
  }

  /** Reads up to {@code length} bytes, whole before or after any write. Returns 0 at the end. */
  int read(
      Znode file,
      long offsetBytes,
      MemorySegment target,
      long targetOffset,
      int length,
      boolean noteAccess) {
    int done = -1;
    if (length <= OPTIMISTIC_BYTES) {
      long stamp = file.lock.tryOptimisticRead();
      if (stamp != 0) {
        try {
          int count = copyOut(file, offsetBytes, target, targetOffset, length);
          done = file.lock.validate(stamp) ? count : -1;
        } catch (RuntimeException e) {
          // A write that overlaps may have taken away the very memory: the locked read decides.
          if (file.lock.validate(stamp)) {
            throw e;
          }
        }
      }
    }
    for (int attempt = 1; done < 0; attempt++) {
      long stamp = file.lock.readLock();
      try {
        done = copyOut(file, offsetBytes, target, targetOffset, length);
      } catch (PoolException e) {
        refuseUnlessMemoryComes(e, attempt);
      } finally {
        file.lock.unlockRead(stamp);
      }
    }
    if (noteAccess && length > 0) {
      core.accessed(file);
    }
    return done;
  }

  /**
   * Shows {@code sink} up to {@code length} bytes where they lie in the cache, and keeps writers
   * away until it returns: they change blocks in place. Returns the bytes, 0 at the end, or {@link
   * FileHandle#COPY_INSTEAD}.
   */
  int readTo(
      Znode file,
      long offsetBytes,
      int length,
      ReadSlices slices,
      ReadSink sink,
      boolean noteAccess) {
    int count;
    long stamp = file.lock.readLock();
    try {
      count = Math.clamp(file.attrs().size - offsetBytes, 0, length);
      if (count > 0) {
        if (!slices.blocks.fill(file.dnode, offsetBytes, count)) {
          return FileHandle.COPY_INSTEAD;
        }
        try {
          core.lend(slices, sink);
        } finally {
          slices.blocks.close();
        }
      }
    } finally {
      file.lock.unlockRead(stamp);
    }
    if (noteAccess && length > 0) {
      core.accessed(file);
    }
    return count;
  }

  /**
   * Where dirty blocks hold the memory that a call lacks, it comes back with their group. Call it
   * without a transaction.
   */
  void refuseUnlessMemoryComes(PoolException e, int attempt) {
    if (e.errno() != Errno.ENOMEM || attempt == MEMORY_ATTEMPTS) {
      throw e;
    }
    try {
      core.objects.sync();
    } catch (PoolException stopped) {
      e.addSuppressed(stopped);
      throw e;
    }
  }

  private static int copyOut(
      Znode file, long offsetBytes, MemorySegment target, long targetOffset, int length) {
    long size = file.attrs().size;
    if (offsetBytes >= size) {
      return 0;
    }
    int count = (int) Math.min(length, size - offsetBytes);
    file.dnode.read(offsetBytes, target, targetOffset, count);
    return count;
  }

  /**
   * Writes; the file's readers see all of it or nothing. On disk each chunk is whole or absent.
   *
   * @param append whether the offset is the end of the file
   * @param killSetId whether set-id bits and capabilities go
   * @return bytes written: fewer than asked when a later block could not be written
   */
  int write(
      Znode file,
      boolean append,
      long offsetBytes,
      MemorySegment source,
      long sourceOffset,
      int length,
      boolean killSetId) {
    if (length == 0) {
      return 0;
    }
    core.checkWritable();
    long stamp = file.lock.writeLock();
    try {
      long start = append ? file.attrs().size : offsetBytes;
      if (start >= MAX_FILE_BYTES) {
        throw posix(Errno.EFBIG, "inode " + file.inode);
      }
      int todo = (int) Math.min(length, MAX_FILE_BYTES - start);
      if (killSetId && file.attrs().hasFlag(ZnodeRecord.FLAG_CAPABILITY)) {
        xattrs.dropCapability(file);
      }
      OwnerQuotas.refuseWrite(core.objects, file.attrs());
      int done = 0;
      int attempt = 0;
      while (done < todo) {
        long at = start + done;
        int chunk = Math.min(todo - done, CHUNK_BYTES - (int) (at % CHUNK_BYTES));
        int written;
        try {
          written = writeChunk(file, at, source, sourceOffset + done, chunk, killSetId);
        } catch (PoolException e) {
          if (done > 0) {
            return done;
          }
          refuseUnlessMemoryComes(e, ++attempt);
          continue;
        }
        done += written;
        if (written < chunk) {
          return done;
        }
      }
      return done;
    } finally {
      file.lock.unlockWrite(stamp);
    }
  }

  private int writeChunk(
      Znode file, long at, MemorySegment source, long sourceOffset, int length, boolean killSetId) {
    int recordBytes = core.options.recordBytes();
    long dirty = file.dnode.memoryForWrite(at, length, recordBytes) + FsCore.WRITE_OVERHEAD_BYTES;
    long stored = file.dnode.spaceForWrite(at, length, recordBytes) + FsCore.WRITE_OVERHEAD_BYTES;
    try (Tx tx = beginWrite(file, at, length, dirty, stored).wholeOnly()) {
      ZnodeRecord before = file.attrs();
      if (at > before.size) {
        clearBeyondEnd(tx, file);
      }
      int written;
      try {
        written = (int) file.dnode.writeSome(tx, at, source, sourceOffset, length, recordBytes);
      } catch (PoolException e) {
        if (at + length > before.size) {
          file.bytesBeyondEnd = true;
          try {
            clearBeyondEnd(tx, file);
          } catch (PoolException alsoFailed) {
            e.addSuppressed(alsoFailed);
          }
        }
        tx.complete();
        throw e;
      }
      file.bytesBeyondEnd |= written < length && at + length > before.size;
      ZnodeRecord next = before.copy();
      next.size = Math.max(before.size, at + written);
      if (killSetId) {
        next.mode = Permissions.withoutSetId(next.mode);
      }
      long now = core.env.wallNanos();
      next.setMtime(now);
      next.setCtime(now);
      file.publish(tx, next);
      tx.complete();
      return written;
    }
  }

  /** Where a quota is reached, what is there may be written over with no more than that. */
  private Tx beginWrite(Znode file, long at, int length, long dirty, long stored) {
    try {
      return core.objects.begin(dirty, stored);
    } catch (PoolException e) {
      if (e.errno() == Errno.EDQUOT
          && at + length <= file.attrs().size
          && file.dnode.replacesAsMuch(at, length, core.options.recordBytes())) {
        return core.objects.beginReplacing(dirty, stored);
      }
      throw e;
    }
  }

  /** Removes what a failed write may have left beyond the end, before the end moves past it. */
  static void clearBeyondEnd(Tx tx, Znode file) {
    if (file.bytesBeyondEnd) {
      long size = file.attrs().size;
      file.dnode.freeRange(tx, size, Long.MAX_VALUE - size);
      file.bytesBeyondEnd = false;
    }
  }

  /**
   * Frees so much of what lies beyond {@code newSize} that the rest fits one transaction. Under the
   * write lock. Of a file with more than 65,536 blocks to free, a crash before the size itself
   * changes may leave zeros there.
   */
  void shrinkBefore(Znode file, long newSize) {
    Dnode dnode = file.dnode;
    while (newSize < file.attrs().size && dnode.blockCount() > core.blocksFreedAtOnce) {
      long end = boundedEnd(dnode, newSize, core.blocksFreedAtOnce);
      if (end == Long.MAX_VALUE) {
        return;
      }
      try (Tx tx = core.beginFreeing(FsCore.NAME_CHANGE_BYTES)) {
        dnode.freeRange(tx, newSize, end - newSize);
        tx.complete();
      }
    }
  }

  /** Changes the content for the new size, which the caller publishes with {@code next}. */
  static void resize(Tx tx, Znode file, ZnodeRecord next, long newSize) {
    long oldSize = file.attrs().size;
    if (newSize < oldSize) {
      file.dnode.freeRange(tx, newSize, Long.MAX_VALUE - newSize);
      file.bytesBeyondEnd = false;
    } else if (newSize > oldSize) {
      clearBeyondEnd(tx, file);
    }
    next.size = newSize;
  }

  /**
   * The end of the longest range from {@code fromBytes} that holds at most {@code limitBlocks}
   * blocks of data, Long.MAX_VALUE when that is all.
   */
  static long boundedEnd(Dnode dnode, long fromBytes, long limitBlocks) {
    return dnode.endOfBlocks(fromBytes, limitBlocks);
  }

  void fallocate(Znode file, int mode, long offsetBytes, long length, boolean killSetId) {
    boolean keepSize = (mode & OpenFlags.FALLOC_KEEP_SIZE) != 0;
    boolean punch = (mode & OpenFlags.FALLOC_PUNCH_HOLE) != 0;
    boolean zero = (mode & OpenFlags.FALLOC_ZERO_RANGE) != 0;
    if ((mode
                & ~(OpenFlags.FALLOC_KEEP_SIZE
                    | OpenFlags.FALLOC_PUNCH_HOLE
                    | OpenFlags.FALLOC_ZERO_RANGE))
            != 0
        || (punch && (zero || !keepSize))) {
      throw posix(Errno.EOPNOTSUPP, "fallocate mode " + mode);
    }
    if (offsetBytes < 0 || length <= 0) {
      throw posix(Errno.EINVAL, "fallocate range");
    }
    if (length > MAX_FILE_BYTES - offsetBytes) {
      throw posix(Errno.EFBIG, "inode " + file.inode);
    }
    core.checkWritable();
    long stamp = file.lock.writeLock();
    try {
      long end = offsetBytes + length;
      boolean frees = punch || zero;
      // Old data is freed in steps; each reads as zeros once it is gone, so no order shows.
      long from = offsetBytes;
      while (frees && file.dnode.blockCount() > core.blocksFreedAtOnce) {
        long stepEnd = boundedEnd(file.dnode, from, core.blocksFreedAtOnce);
        if (stepEnd >= end) {
          break;
        }
        try (Tx tx = core.beginFreeing(FsCore.NAME_CHANGE_BYTES)) {
          file.dnode.freeRange(tx, from, stepEnd - from);
          tx.complete();
        }
        from = stepEnd;
      }
      try (Tx tx =
          frees
              ? core.beginFreeing(FsCore.NAME_CHANGE_BYTES)
              : core.begin(FsCore.WRITE_OVERHEAD_BYTES)) {
        ZnodeRecord next = file.attrs().copy();
        if (frees) {
          file.dnode.freeRange(tx, from, end - from);
          tx.complete(); // zeros may be there before the time of change says so
        }
        if (!keepSize && end > next.size) {
          resize(tx, file, next, end);
        }
        if (killSetId) {
          next.mode = Permissions.withoutSetId(next.mode);
        }
        long now = core.env.wallNanos();
        next.setMtime(now);
        next.setCtime(now);
        file.publish(tx, next);
        tx.complete();
      }
    } finally {
      file.lock.unlockWrite(stamp);
    }
  }

  /** Offset of the first data at or after {@code offsetBytes}; ENXIO when there is none. */
  static long seekData(Znode file, long offsetBytes) {
    long stamp = file.lock.readLock();
    try {
      long size = checkSeek(file, offsetBytes);
      long data = file.dnode.nextData(offsetBytes);
      if (data < 0 || data >= size) {
        throw posix(Errno.ENXIO, "no data after " + offsetBytes);
      }
      return Math.max(data, offsetBytes);
    } finally {
      file.lock.unlockRead(stamp);
    }
  }

  /** Offset of the first hole at or after {@code offsetBytes}; the end of the file is one. */
  static long seekHole(Znode file, long offsetBytes) {
    long stamp = file.lock.readLock();
    try {
      long size = checkSeek(file, offsetBytes);
      return Math.min(Math.max(file.dnode.nextHole(offsetBytes), offsetBytes), size);
    } finally {
      file.lock.unlockRead(stamp);
    }
  }

  private static long checkSeek(Znode file, long offsetBytes) {
    long size = file.attrs().size;
    if (offsetBytes < 0 || offsetBytes >= size) {
      throw posix(Errno.ENXIO, "offset " + offsetBytes);
    }
    return size;
  }
}
