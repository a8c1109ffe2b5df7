package io.lcpfs.api;

import io.lcpfs.posix.PosixFileSystem;

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
}
