package io.lcpfs.api;

import io.lcpfs.posix.FileChange;
import io.lcpfs.posix.PosixFileSystem;
import java.util.function.Consumer;

/** What has files in it: a dataset, or a snapshot of one. */
public interface FileTree {
  /** Full name, with the pool's. */
  String name();

  /** The pool that it is in. */
  Pool pool();

  /** Tells it apart from all others. */
  long guid();

  /**
   * The files in it; of a snapshot, to read only. Belongs to the pool: it is closed with the pool
   * or when this is destroyed.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EIO when nothing intact is left of its root
   */
  PosixFileSystem fileSystem();

  /**
   * Tells {@code to} what is different in {@code other}, in the order of inode numbers: costs what
   * is, not what there is. Of a dataset that can be written a snapshot is taken for that, and
   * destroyed again.
   *
   * @param other of the same dataset, or of one that has a common origin with it; newer or older
   * @throws io.lcpfs.error.PoolException EINVAL when it is neither; ENOENT; EIO; ENOMEM
   */
  default void diff(FileTree other, Consumer<FileChange> to) {
    pool().snapshots().diff(this, other, to);
  }
}
