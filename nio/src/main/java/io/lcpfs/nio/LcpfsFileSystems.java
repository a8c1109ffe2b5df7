package io.lcpfs.nio;

import io.lcpfs.api.FileTree;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Where file systems come from when there is no URI. docs/NIO.md lists the keys of the maps. */
public final class LcpfsFileSystems {
  private LcpfsFileSystems() {}

  /** {@link #of(FileTree, Map)} without options: for user 0, a dataset writable. */
  public static FileSystem of(FileTree tree) {
    return of(tree, Map.of());
  }

  /**
   * The files of a dataset, or of a snapshot, whose pool is open. Closing it leaves the pool open;
   * the pool must not be closed before.
   *
   * @throws IllegalArgumentException for an option that is not known
   * @throws io.lcpfs.error.PoolException ENOENT; EIO
   */
  public static FileSystem of(FileTree tree, Map<String, ?> env) {
    return OpenedPools.attach(
        LcpfsFileSystemProvider.installed(), tree, FileSystemOptions.ofView(env));
  }

  /**
   * Opens the pool on a file of the host; it is exported when its last file system is closed.
   *
   * @throws UnsupportedOperationException when the file is no pool
   * @throws IOException when there is none, it is in use, or cannot be opened
   */
  public static FileSystem open(Path poolFile, Map<String, ?> env) throws IOException {
    return OpenedPools.open(LcpfsFileSystemProvider.installed(), poolFile, env, "", false);
  }

  /** {@link #open}, making the file and the pool when they are missing. */
  public static FileSystem openOrCreate(Path poolFile, Map<String, ?> env) throws IOException {
    Map<String, Object> all = new HashMap<>(env);
    all.put("create", true);
    return open(poolFile, all);
  }
}
