package io.lcpfs.nio;

import java.io.IOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.util.concurrent.atomic.AtomicBoolean;

/** A region of a file that this JVM has locked. */
final class LcpfsFileLock extends FileLock {
  private final LcpfsFileChannel owner;
  private final AtomicBoolean valid = new AtomicBoolean(true);

  LcpfsFileLock(LcpfsFileChannel owner, long position, long size, boolean shared) {
    super((FileChannel) owner, position, size, shared);
    this.owner = owner;
  }

  LcpfsFileLock(
      AsynchronousFileChannel shown,
      LcpfsFileChannel owner,
      long position,
      long size,
      boolean shared) {
    super(shown, position, size, shared);
    this.owner = owner;
  }

  @Override
  public boolean isValid() {
    return valid.get() && acquiredBy().isOpen();
  }

  @Override
  public void release() throws IOException {
    if (!acquiredBy().isOpen()) {
      throw new ClosedChannelException();
    }
    drop();
  }

  /** Gives the region back, also for a channel that is closed. */
  void drop() {
    if (valid.compareAndSet(true, false)) {
      owner.unlocked(this);
    }
  }
}
