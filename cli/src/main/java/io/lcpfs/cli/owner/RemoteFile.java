package io.lcpfs.cli.owner;

import io.lcpfs.cli.owner.Protocol.Operation;
import io.lcpfs.cli.tree.Applied;
import io.lcpfs.cli.tree.Attributes;
import io.lcpfs.cli.tree.TreeFile;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SortedMap;

/** An open file in a pool of another process, with a connection of its own. For one thread. */
final class RemoteFile implements TreeFile {
  private final RemotePool pool;
  private final OwnerClient client;
  private final int handle;
  private final Attributes attributes;

  /** The file by its number, for what is not asked of a handle. */
  private final RemoteDirectory byNumber;

  private boolean closed;
  private boolean sound = true;

  RemoteFile(
      RemotePool pool,
      OwnerClient client,
      int handle,
      Attributes attributes,
      RemoteDirectory byNumber) {
    this.pool = pool;
    this.client = client;
    this.handle = handle;
    this.attributes = attributes;
    this.byNumber = byNumber;
  }

  @Override
  public String display() {
    return byNumber.display();
  }

  @Override
  public Attributes attributes() {
    return attributes;
  }

  private FrameBuilder request(Operation operation) {
    return RemotePool.request(operation).put(handle);
  }

  private Frame ask(FrameBuilder request) {
    try {
      return RemoteDirectory.named(display(), () -> client.ask(request));
    } catch (PoolException e) {
      sound &= e.errno() != Errno.EIO;
      throw e;
    }
  }

  @Override
  public int read(long offsetBytes, MemorySegment target, int length) {
    int part = Math.min(length, Protocol.MOST_DATA_BYTES);
    byte[] bytes = ask(request(Operation.READ).put(offsetBytes).put(part)).getBytes();
    if (bytes.length > part) {
      throw PoolException.posix(Errno.EIO, display());
    }
    MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, 0, bytes.length);
    return bytes.length;
  }

  @Override
  public void write(long offsetBytes, MemorySegment source, int length) {
    for (int done = 0; done < length; ) {
      byte[] part = new byte[Math.min(length - done, Protocol.MOST_DATA_BYTES)];
      MemorySegment.copy(source, ValueLayout.JAVA_BYTE, done, part, 0, part.length);
      ask(request(Operation.WRITE).put(offsetBytes + done).put(part));
      done += part.length;
    }
  }

  @Override
  public long copyFrom(TreeFile source, long offsetBytes, long length) {
    if (!(source instanceof RemoteFile other) || !other.pool.equals(pool)) {
      return -1;
    }
    FrameBuilder request = request(Operation.COPY).put(offsetBytes);
    other.byNumber.name(request);
    return ask(request.put(Math.min(length, Protocol.MOST_COPIED_BYTES))).getLong();
  }

  @Override
  public long seekData(long offsetBytes) {
    return ask(request(Operation.SEEK_DATA).put(offsetBytes)).getLong();
  }

  @Override
  public long seekHole(long offsetBytes) {
    return ask(request(Operation.SEEK_HOLE).put(offsetBytes)).getLong();
  }

  @Override
  public void setSize(long bytes) {
    ask(request(Operation.SET_SIZE).put(bytes));
  }

  @Override
  public void apply(Applied change) {
    byNumber.apply(change);
  }

  @Override
  public SortedMap<String, byte[]> xattrs() {
    return byNumber.xattrs();
  }

  @Override
  public void setXattr(String name, byte[] value) {
    byNumber.setXattr(name, value);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      ask(request(Operation.CLOSE));
    } catch (PoolException e) {
      sound = false;
      throw e;
    } finally {
      if (sound) {
        pool.giveBack(client);
      } else {
        client.close();
      }
    }
  }
}
