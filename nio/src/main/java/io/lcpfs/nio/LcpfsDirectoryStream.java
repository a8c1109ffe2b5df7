package io.lcpfs.nio;

import io.lcpfs.posix.FileHandle;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.ClosedDirectoryStreamException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * An open directory: its names, and calls on what lies in it, wherever it is moved meanwhile. The
 * calls hold the lock shared, close alone.
 */
final class LcpfsDirectoryStream implements SecureDirectoryStream<Path>, Closeable {
  private static final int NAMES_AT_ONCE = 256;

  /** The cookie of '..': names proper come behind it. */
  private static final long LAST_DOTS = 2;

  private final LcpfsFileSystem fs;
  private final FileHandle handle;
  private final LcpfsPath directory;
  private final DirectoryStream.Filter<? super Path> filter;
  private final FileCalls inside;

  /**
   * Where the directory that leads to snapshots belongs to the names; null in other directories.
   */
  private final @Nullable SnapshotWay way;

  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

  /** Set under the lock. */
  private volatile boolean closed;

  /** Guarded by the lock. */
  private @Nullable Entries entries;

  /**
   * @param directory as its entries' paths begin
   */
  LcpfsDirectoryStream(
      LcpfsFileSystem fs,
      FileHandle handle,
      LcpfsPath directory,
      DirectoryStream.Filter<? super Path> filter) {
    this.fs = fs;
    this.handle = handle;
    this.directory = directory;
    this.filter = filter;
    this.inside = new FileCalls(fs, fs.posix().pathsAt(handle.inode()), handle.inode());
    this.way = handle.inode() == fs.posix().rootInode() ? fs.way() : null;
  }

  LcpfsFileSystem fs() {
    return fs;
  }

  LcpfsPath directory() {
    return directory;
  }

  boolean isOpen() {
    return !closed;
  }

  @Override
  public void close() throws IOException {
    lock.writeLock().lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      fs.released(this);
      handle.close();
    } catch (RuntimeException e) {
      throw fs.failure(e, directory, null);
    } finally {
      lock.writeLock().unlock();
    }
  }

  // ---- the names

  @Override
  public Iterator<Path> iterator() {
    lock.writeLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException("the directory stream is closed");
      }
      if (entries != null) {
        throw new IllegalStateException("there was an iterator already");
      }
      Entries first = new Entries();
      entries = first;
      return first;
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** Reads ahead by a batch; used by one thread at a time, as iterators are. */
  private final class Entries implements Iterator<Path> {
    private final Deque<byte[]> batch = new ArrayDeque<>(NAMES_AT_ONCE);
    private long cookie;
    private boolean atEnd;
    private @Nullable Path next;

    @Override
    public boolean hasNext() {
      if (next == null) {
        next = findNext();
      }
      return next != null;
    }

    @Override
    public Path next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Path found = Objects.requireNonNull(next);
      next = null;
      return found;
    }

    private @Nullable Path findNext() {
      try {
        while (!closed) {
          byte[] name = batch.poll();
          if (name == null) {
            if (atEnd) {
              return null;
            }
            fill();
            continue;
          }
          Path entry = directory.resolve(name);
          if (filter.accept(entry)) {
            return entry;
          }
        }
        return null;
      } catch (IOException e) {
        throw new DirectoryIteratorException(e);
      }
    }

    private void fill() throws IOException {
      atEnd = true;
      lock.readLock().lock();
      try {
        if (closed) {
          return;
        }
        fs.posix()
            .readdir(
                handle,
                cookie,
                (at, name, inode, type) -> {
                  if (batch.size() == NAMES_AT_ONCE) {
                    atEnd = false;
                    return false;
                  }
                  cookie = at;
                  if (at > LAST_DOTS && !isCovered(name)) {
                    batch.add(name);
                  }
                  return true;
                });
        if (atEnd && way != null && way.snapshots().isVisible()) {
          batch.add(SnapshotWay.NAME);
        }
      } catch (RuntimeException e) {
        throw fs.failure(e, directory, null);
      } finally {
        lock.readLock().unlock();
      }
    }
  }

  /** Whether a name leads to snapshots, so that no file of that name is seen. */
  private boolean isCovered(byte[] name) {
    return way != null && Arrays.equals(name, SnapshotWay.NAME);
  }

  private void refuseCovered(LcpfsPath path) throws IOException {
    if (!path.isAbsolute() && isCovered(path.nameBytes(0))) {
      throw new FileSystemException(
          path.toString(), null, "it leads to snapshots; name it by a path from the root");
    }
  }

  // ---- calls on what lies in the directory

  /** A call that may fail with an IOException. */
  private interface Call<T> {
    T run() throws IOException;
  }

  private <T> T open(Call<T> call) throws IOException {
    lock.readLock().lock();
    try {
      if (closed) {
        throw new ClosedDirectoryStreamException();
      }
      return call.run();
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public SecureDirectoryStream<Path> newDirectoryStream(Path path, LinkOption... options)
      throws IOException {
    LcpfsPath below = LcpfsPath.of(path);
    boolean follow = FileCalls.follows(options);
    refuseCovered(below);
    return open(() -> inside.openDirectory(below, directory.resolve(path), follow, entry -> true));
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    LcpfsPath below = LcpfsPath.of(path);
    refuseCovered(below);
    return open(() -> inside.open(below, options, attributes));
  }

  @Override
  public void deleteFile(Path path) throws IOException {
    delete(LcpfsPath.of(path), false);
  }

  @Override
  public void deleteDirectory(Path path) throws IOException {
    delete(LcpfsPath.of(path), true);
  }

  private void delete(LcpfsPath path, boolean wantsDirectory) throws IOException {
    refuseCovered(path);
    boolean _ =
        open(
            () -> {
              inside.delete(path, wantsDirectory);
              return true;
            });
  }

  @Override
  public void move(Path source, SecureDirectoryStream<Path> targetDirectory, Path target)
      throws IOException {
    LcpfsPath from = LcpfsPath.of(source);
    LcpfsPath to = LcpfsPath.of(target);
    if (!(Objects.requireNonNull(targetDirectory) instanceof LcpfsDirectoryStream there)) {
      throw new ProviderMismatchException();
    }
    refuseCovered(from);
    there.refuseCovered(to);
    boolean _ =
        open(
            () ->
                there.open(
                    () -> {
                      CopyMove.requireSameStore(fs, there.fs, from, to);
                      inside.rename(from, there.inside, to, 0);
                      return true;
                    }));
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(Class<V> type) {
    return Views.view(type, new FileTarget.OfDirectory(this, handle));
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return Views.view(
        type, new FileTarget.OfPath(inside, LcpfsPath.of(path), FileCalls.follows(options)));
  }
}
