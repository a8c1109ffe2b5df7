package io.lcpfs.nio;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.FileHandle;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An open file. Reads and writes at a position given take no lock here; those at the channel's
 * position take turns. The engine's handle is closed with the channel, or by the last call that was
 * under way when that happened.
 */
final class LcpfsFileChannel extends FileChannel {
  private static final int TRANSFER_BYTES = 256 << 10;
  private static final long CLOSED = 1L << 62;

  private final LcpfsFileSystem fs;
  private final FileHandle handle;
  private final LcpfsPath path;
  private final FileCalls calls;
  private final ChannelMode mode;

  /** Calls that use the handle now, plus CLOSED. */
  private final AtomicLong uses = new AtomicLong();

  private final ReentrantLock positionLock = new ReentrantLock();

  /** Guarded by its lock. */
  private long position;

  private final ReentrantLock lockListLock = new ReentrantLock();

  /** Locks held; guarded by its lock. */
  private final List<LcpfsFileLock> locks = new ArrayList<>();

  LcpfsFileChannel(
      LcpfsFileSystem fs, FileHandle handle, LcpfsPath path, FileCalls calls, ChannelMode mode) {
    this.fs = fs;
    this.handle = handle;
    this.path = path;
    this.calls = calls;
    this.mode = mode;
    this.position = mode.append() ? handle.size() : 0;
  }

  // ---- the frame of every call

  private void checkOpen() throws ClosedChannelException {
    if (!isOpen()) {
      fs.checkOpen();
      throw new ClosedChannelException();
    }
  }

  private void checkReadable() throws ClosedChannelException {
    checkOpen();
    if (!mode.read()) {
      throw new NonReadableChannelException();
    }
  }

  private void checkWritable() throws ClosedChannelException {
    checkOpen();
    if (!mode.write()) {
      throw new NonWritableChannelException();
    }
  }

  /** Holds the handle open; false when the channel was closed before. */
  private boolean enter() throws IOException {
    if (uses.getAndIncrement() >= CLOSED) {
      leave();
      return false;
    }
    return true;
  }

  private void leave() throws IOException {
    if (uses.decrementAndGet() == CLOSED) {
      closeHandle();
    }
  }

  private void closeHandle() throws IOException {
    try {
      handle.close();
    } catch (RuntimeException e) {
      throw failure(e);
    }
  }

  @Override
  protected void implCloseChannel() throws IOException {
    fs.released(this);
    List<LcpfsFileLock> held;
    lockListLock.lock();
    try {
      held = List.copyOf(locks);
    } finally {
      lockListLock.unlock();
    }
    held.forEach(LcpfsFileLock::drop);
    if (uses.getAndAdd(CLOSED) == 0) {
      closeHandle();
    }
  }

  private IOException failure(RuntimeException e) {
    return fs.failure(e, path, null);
  }

  // ---- reading and writing

  private static void checkTarget(ByteBuffer target) {
    if (target.isReadOnly()) {
      throw new IllegalArgumentException("the buffer is read-only");
    }
  }

  /** One read between begin and end; -1 at the end of the file. */
  private int readAt(long offset, ByteBuffer target) throws IOException {
    int wanted = target.remaining();
    boolean done = false;
    int count = 0;
    try {
      begin();
      if (!enter()) {
        return -1; // end() throws, as the channel is closed
      }
      try {
        if (wanted > 0) {
          count = handle.read(offset, MemorySegment.ofBuffer(target), 0, wanted);
        }
        done = true;
      } catch (RuntimeException e) {
        throw failure(e);
      } finally {
        leave();
      }
    } finally {
      end(done);
    }
    target.position(target.position() + count);
    return count == 0 && wanted > 0 ? -1 : count;
  }

  private int writeAt(long offset, ByteBuffer source) throws IOException {
    int wanted = source.remaining();
    boolean done = false;
    int count = 0;
    try {
      begin();
      if (!enter()) {
        return 0;
      }
      try {
        if (wanted > 0) {
          count = handle.write(offset, MemorySegment.ofBuffer(source), 0, wanted);
        }
        done = true;
      } catch (RuntimeException e) {
        throw failure(e);
      } finally {
        leave();
      }
    } finally {
      end(done);
    }
    source.position(source.position() + count);
    if (count > 0) {
      modified();
    }
    return count;
  }

  private void modified() throws IOException {
    if (fs.shared().watchers.active() && !mode.deleteOnClose()) {
      calls.modified(path, true);
    }
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    checkReadable();
    checkTarget(target);
    positionLock.lock();
    try {
      int count = readAt(position, target);
      position += Math.max(count, 0);
      return count;
    } finally {
      positionLock.unlock();
    }
  }

  @Override
  public int read(ByteBuffer target, long offset) throws IOException {
    if (offset < 0) {
      throw new IllegalArgumentException("negative position " + offset);
    }
    checkReadable();
    checkTarget(target);
    return readAt(offset, target);
  }

  @Override
  public long read(ByteBuffer[] targets, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, targets.length);
    checkReadable();
    for (int i = offset; i < offset + length; i++) {
      checkTarget(targets[i]);
    }
    positionLock.lock();
    try {
      long total = 0;
      for (int i = offset; i < offset + length; i++) {
        int wanted = targets[i].remaining();
        if (wanted == 0) {
          continue;
        }
        int count = readAt(position, targets[i]);
        if (count < 0) {
          return total == 0 ? -1 : total;
        }
        position += count;
        total += count;
        if (count < wanted) {
          return total;
        }
      }
      return total;
    } finally {
      positionLock.unlock();
    }
  }

  @Override
  public int write(ByteBuffer source) throws IOException {
    checkWritable();
    Objects.requireNonNull(source);
    positionLock.lock();
    try {
      int count = writeAt(position, source);
      if (count > 0) {
        position = mode.append() ? use(FileHandle::size) : position + count;
      }
      return count;
    } finally {
      positionLock.unlock();
    }
  }

  @Override
  public int write(ByteBuffer source, long offset) throws IOException {
    if (offset < 0) {
      throw new IllegalArgumentException("negative position " + offset);
    }
    checkWritable();
    return writeAt(offset, source);
  }

  @Override
  public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, sources.length);
    checkWritable();
    positionLock.lock();
    try {
      long total = 0;
      for (int i = offset; i < offset + length; i++) {
        int wanted = sources[i].remaining();
        if (wanted == 0) {
          continue;
        }
        int count = write(sources[i]);
        total += count;
        if (count < wanted) {
          return total;
        }
      }
      return total;
    } finally {
      positionLock.unlock();
    }
  }

  // ---- position and size

  @Override
  public long position() throws IOException {
    checkOpen();
    positionLock.lock();
    try {
      return position;
    } finally {
      positionLock.unlock();
    }
  }

  @Override
  public FileChannel position(long newPosition) throws IOException {
    checkOpen();
    if (newPosition < 0) {
      throw new IllegalArgumentException("negative position " + newPosition);
    }
    positionLock.lock();
    try {
      position = newPosition;
    } finally {
      positionLock.unlock();
    }
    return this;
  }

  /** What to do with the handle, between begin and end. */
  private interface Use {
    long with(FileHandle handle);
  }

  private long use(Use what) throws IOException {
    boolean done = false;
    try {
      begin();
      if (!enter()) {
        return -1;
      }
      try {
        long result = what.with(handle);
        done = true;
        return result;
      } catch (RuntimeException e) {
        throw failure(e);
      } finally {
        leave();
      }
    } finally {
      end(done);
    }
  }

  @Override
  public long size() throws IOException {
    checkOpen();
    return use(FileHandle::size);
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    checkOpen();
    if (size < 0) {
      throw new IllegalArgumentException("negative size " + size);
    }
    checkWritable();
    positionLock.lock();
    try {
      long changed =
          use(
              open -> {
                if (size >= open.size()) {
                  return 0;
                }
                open.truncate(size);
                return 1;
              });
      position = Math.min(position, size);
      if (changed > 0) {
        modified();
      }
    } finally {
      positionLock.unlock();
    }
    return this;
  }

  @Override
  public void force(boolean metadata) throws IOException {
    checkOpen();
    long _ =
        use(
            open -> {
              if (metadata) {
                open.fsync();
              } else {
                open.fdatasync();
              }
              return 0;
            });
  }

  // ---- from channel to channel

  @Override
  public long transferTo(long offset, long count, WritableByteChannel target) throws IOException {
    checkOpen();
    if (!target.isOpen()) {
      throw new ClosedChannelException();
    }
    checkReadable();
    if (target instanceof LcpfsFileChannel own && !own.mode.write()) {
      throw new NonWritableChannelException();
    }
    checkRange(offset, count);
    ByteBuffer buffer = transferBuffer(Math.min(count, Math.max(0, size() - offset)));
    long done = 0;
    while (done < count && buffer.capacity() > 0) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), count - done));
      if (readAt(offset + done, buffer) <= 0) {
        break;
      }
      int wanted = buffer.flip().remaining();
      int written = target.write(buffer);
      done += written;
      if (written < wanted) {
        break;
      }
    }
    return done;
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long offset, long count) throws IOException {
    checkOpen();
    if (!source.isOpen()) {
      throw new ClosedChannelException();
    }
    checkWritable();
    if (source instanceof LcpfsFileChannel own && !own.mode.read()) {
      throw new NonReadableChannelException();
    }
    checkRange(offset, count);
    if (offset > size()) {
      return 0;
    }
    ByteBuffer buffer = transferBuffer(count);
    long done = 0;
    while (done < count) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), count - done));
      if (source.read(buffer) <= 0) {
        break;
      }
      buffer.flip();
      while (buffer.hasRemaining()) {
        done += writeAt(offset + done, buffer);
      }
    }
    return done;
  }

  /** Copies everything to an empty file, holes as holes; within a pool by reference. */
  void copyTo(LcpfsFileChannel target) throws IOException {
    long size = size();
    long at = 0;
    while (at < size) {
      long from = at;
      long data = use(open -> dataFrom(open, from, size));
      if (data >= size) {
        break;
      }
      long hole = use(open -> Math.min(size, open.seekHole(data)));
      at = data;
      while (at < hole) {
        long copied = target.copyFrom(this, at, hole - at);
        if (copied <= 0) {
          return; // it became shorter
        }
        at += copied;
      }
    }
    if (target.size() < size) {
      long _ =
          target.use(
              open -> {
                open.truncate(size);
                return 0;
              });
    }
  }

  private long copyFrom(LcpfsFileChannel source, long at, long length) throws IOException {
    if (!source.enter()) {
      throw new ClosedChannelException();
    }
    try {
      return use(open -> open.copyFrom(source.handle, at, at, length));
    } finally {
      source.leave();
    }
  }

  private static long dataFrom(FileHandle open, long from, long size) {
    try {
      return open.seekData(from);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENXIO) {
        return size;
      }
      throw e;
    }
  }

  private static void checkRange(long offset, long count) {
    if (offset < 0 || count < 0) {
      throw new IllegalArgumentException("position " + offset + ", count " + count);
    }
  }

  private static ByteBuffer transferBuffer(long most) {
    return ByteBuffer.allocate((int) Math.min(most, TRANSFER_BYTES));
  }

  // ---- maps

  /**
   * A map is a view that the kernel keeps of a file of its own, which these are not.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MappedByteBuffer map(MapMode mapMode, long offset, long size) throws IOException {
    checkMap(mapMode, offset, size);
    throw new UnsupportedOperationException(
        "the JDK maps files of the host only; use map with an Arena, or read");
  }

  /**
   * The content as of now, copied: what is written later, here or by others, is not seen.
   *
   * @throws UnsupportedOperationException for READ_WRITE
   */
  @Override
  public MemorySegment map(MapMode mapMode, long offset, long size, Arena arena)
      throws IOException {
    Objects.requireNonNull(arena);
    checkMap(mapMode, offset, size);
    if (!mapMode.equals(MapMode.READ_ONLY) && !mapMode.equals(MapMode.PRIVATE)) {
      throw new UnsupportedOperationException("writes to " + mapMode + " would be lost; use write");
    }
    if (size > size() - offset) {
      throw new IOException(path + ": " + size + " bytes at " + offset + " go beyond its end");
    }
    MemorySegment copy = arena.allocate(size, 4096);
    long done = 0;
    while (done < size) {
      long at = done;
      int part = (int) Math.min(size - done, 1 << 30);
      long count = use(open -> open.read(offset + at, copy, at, part));
      if (count <= 0) {
        throw new IOException(path + ": became shorter while it was copied");
      }
      done += count;
    }
    return mapMode.equals(MapMode.READ_ONLY) ? copy.asReadOnly() : copy;
  }

  private void checkMap(MapMode mapMode, long offset, long size) throws IOException {
    checkOpen();
    Objects.requireNonNull(mapMode);
    if (offset < 0 || size < 0 || offset + size < 0) {
      throw new IllegalArgumentException("position " + offset + ", size " + size);
    }
    if (!mapMode.equals(MapMode.READ_ONLY)) {
      checkWritable();
    }
    checkReadable();
  }

  // ---- locks

  @Override
  public FileLock lock(long offset, long size, boolean shared) throws IOException {
    return lock(null, offset, size, shared);
  }

  @Override
  public @Nullable FileLock tryLock(long offset, long size, boolean shared) throws IOException {
    return lock(null, offset, size, shared);
  }

  /** A lock, as of {@code shown} when that is not null. */
  LcpfsFileLock lock(
      @Nullable AsynchronousFileChannel shown, long offset, long size, boolean shared)
      throws IOException {
    checkOpen();
    if (shared) {
      checkReadable();
    } else {
      checkWritable();
    }
    long length = size == 0 ? Long.MAX_VALUE - Math.max(offset, 0) : size;
    LcpfsFileLock lock =
        shown == null
            ? new LcpfsFileLock(this, offset, length, shared)
            : new LcpfsFileLock(shown, this, offset, length, shared);
    lockListLock.lock();
    try {
      checkOpen();
      fs.shared().locks.add(handle.inode(), lock);
      locks.add(lock);
    } finally {
      lockListLock.unlock();
    }
    if (!isOpen()) {
      // Closed between the check and the entry: nobody else will give it back.
      lock.drop();
      throw new AsynchronousCloseException();
    }
    return lock;
  }

  void unlocked(LcpfsFileLock lock) {
    fs.shared().locks.remove(handle.inode(), lock);
    lockListLock.lock();
    try {
      locks.remove(lock);
    } finally {
      lockListLock.unlock();
    }
  }

  Path path() {
    return path;
  }
}
