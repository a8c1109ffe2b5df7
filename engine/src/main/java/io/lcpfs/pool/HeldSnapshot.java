package io.lcpfs.pool;

import io.lcpfs.format.BlockPointer;
import io.lcpfs.object.ObjectContext;
import java.util.concurrent.atomic.AtomicBoolean;

/** A snapshot that is not destroyed as long as this is not closed. */
public final class HeldSnapshot implements AutoCloseable {
  private final SnapshotInfo info;
  private final ObjectContext context;
  private final BlockPointer root;
  private final Runnable release;
  private final AtomicBoolean closed = new AtomicBoolean();

  HeldSnapshot(SnapshotInfo info, ObjectContext context, BlockPointer root, Runnable release) {
    this.info = info;
    this.context = context;
    this.root = root;
    this.release = release;
  }

  public SnapshotInfo info() {
    return info;
  }

  /** What reads its blocks. */
  public ObjectContext context() {
    return context;
  }

  /** The root of its objects; a hole when it has none. */
  public BlockPointer root() {
    return root;
  }

  /** Lets it go; does nothing the second time. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release.run();
    }
  }
}
