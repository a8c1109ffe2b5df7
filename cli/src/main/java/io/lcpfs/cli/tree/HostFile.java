package io.lcpfs.cli.tree;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.util.SortedMap;

/** An open regular file of the host. */
final class HostFile implements TreeFile {
  private final int fd;
  private final String display;
  private final Attributes attributes;
  private boolean closed;

  HostFile(int fd, String display) {
    this.fd = fd;
    this.display = display;
    try {
      attributes = HostDirectory.attributesOf(fd, display);
      if (!attributes.isRegular()) {
        throw PoolException.posix(attributes.isDirectory() ? Errno.EISDIR : Errno.EINVAL, display);
      }
    } catch (RuntimeException e) {
      HostCalls.close(fd);
      throw e;
    }
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
    return (int) Native.check(HostCalls.pread(fd, target, length, offsetBytes), display);
  }

  @Override
  public void write(long offsetBytes, MemorySegment source, int length) {
    long done = 0;
    while (done < length) {
      long written =
          Native.check(
              HostCalls.pwrite(fd, source.asSlice(done), length - done, offsetBytes + done),
              display);
      if (written == 0) {
        throw PoolException.posix(Errno.EIO, display);
      }
      done += written;
    }
  }

  @Override
  public long seekData(long offsetBytes) {
    long answer = HostCalls.lseek(fd, offsetBytes, HostCalls.SEEK_DATA);
    if (answer == HostCalls.ENXIO) {
      return -1;
    }
    // A file system that knows no holes.
    return answer == HostCalls.EINVAL ? offsetBytes : Native.check(answer, display);
  }

  @Override
  public long seekHole(long offsetBytes) {
    long answer = HostCalls.lseek(fd, offsetBytes, HostCalls.SEEK_HOLE);
    return answer == HostCalls.EINVAL || answer == HostCalls.ENXIO
        ? attributes.size()
        : Native.check(answer, display);
  }

  @Override
  public void setSize(long bytes) {
    Native.check(HostCalls.ftruncate(fd, bytes), display);
  }

  @Override
  public void apply(Applied change) {
    HostDirectory.apply(fd, change, display);
  }

  @Override
  public SortedMap<String, byte[]> xattrs() {
    return HostXattrs.all(fd, display);
  }

  @Override
  public void setXattr(String name, byte[] value) {
    HostXattrs.set(fd, name, value, display);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Native.check(HostCalls.close(fd), display);
    }
  }
}
