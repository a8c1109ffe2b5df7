package io.lcpfs.cli.tree;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.SortedMap;

/** An open regular file in a pool. */
final class PoolFile implements TreeFile {
  private final PosixFileSystem fs;
  private final FileHandle handle;
  private final Attributes attributes;
  private final String display;

  PoolFile(PosixFileSystem fs, FileHandle handle, Attr attr, long space, String display) {
    this.fs = fs;
    this.handle = handle;
    this.attributes = PoolDirectory.attributes(attr, space);
    this.display = display;
  }

  @Override
  public String display() {
    return display;
  }

  @Override
  public Attributes attributes() {
    return attributes;
  }

  @Override
  public int read(long offsetBytes, MemorySegment target, int length) {
    return handle.read(offsetBytes, target, 0, length);
  }

  @Override
  public void write(long offsetBytes, MemorySegment source, int length) {
    int done = 0;
    while (done < length) {
      int written = handle.write(offsetBytes + done, source, done, length - done);
      if (written == 0) {
        throw PoolException.posix(Errno.EIO, display);
      }
      done += written;
    }
  }

  @Override
  public long copyFrom(TreeFile source, long offsetBytes, long length) {
    return source instanceof PoolFile other && handle.isBesides(other.handle)
        ? handle.copyFrom(other.handle, offsetBytes, offsetBytes, length)
        : -1;
  }

  @Override
  public long seekData(long offsetBytes) {
    try {
      return handle.seekData(offsetBytes);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENXIO) {
        return -1;
      }
      throw e;
    }
  }

  @Override
  public long seekHole(long offsetBytes) {
    return handle.seekHole(offsetBytes);
  }

  @Override
  public void setSize(long bytes) {
    handle.truncate(bytes);
  }

  @Override
  public void apply(Applied change) {
    fs.setattr(handle.inode(), PoolDirectory.change(change, true), Caller.ROOT);
  }

  @Override
  public SortedMap<String, byte[]> xattrs() {
    return PoolDirectory.xattrs(fs, handle.inode(), display);
  }

  @Override
  public void setXattr(String name, byte[] value) {
    PoolDirectory.setXattr(fs, handle.inode(), name, value, display);
  }

  @Override
  public void close() {
    handle.close();
  }
}
