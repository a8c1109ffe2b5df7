package io.lcpfs.cli;

import io.lcpfs.api.FileTree;
import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.RemotePool;
import io.lcpfs.cli.tree.PoolDirectory;
import io.lcpfs.cli.tree.TreeDirectory;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The pools that a command on files has open, each once. */
final class OpenPools implements AutoCloseable {
  private static final int MOST_LINKS = 40;

  private final Cli cli;
  private final Map<String, Pool> open = new LinkedHashMap<>();

  /** Pools that other processes have open; looked for once. */
  private final Map<String, Optional<RemotePool>> remote = new LinkedHashMap<>();

  OpenPools(Cli cli) {
    this.cli = cli;
  }

  /** Opens a pool to change it; to be called before it is opened to read. */
  Pool toWrite(String name) {
    Pool known = open.get(name);
    if (known == null) {
      known = cli.openToWrite(name);
      open.put(name, known);
    }
    return known;
  }

  /** Opens a pool to change it, here or where another process has it open. */
  void toChange(String name) {
    if (remote(name).isEmpty()) {
      toWrite(name);
    } else if (cli.known(name).readOnly()) {
      throw Failure.failed(
          name, "is imported read-only", "export it and import it again without -o readonly=on");
    }
  }

  /** A pool that another process has open and serves. */
  private Optional<RemotePool> remote(String name) {
    Optional<RemotePool> known = remote.get(name);
    if (known == null) {
      known =
          open.containsKey(name) || cli.isForOthers()
              ? Optional.empty()
              : RemotePool.connect(cli.environment(), cli.known(name).guid());
      remote.put(name, known);
    }
    return known;
  }

  /** Opens a pool to look at it, unless it is open. */
  Pool toRead(String name) {
    Pool known = open.get(name);
    if (known == null) {
      known = cli.openToRead(name);
      open.put(name, known);
    }
    return known;
  }

  /** The dataset of {@code spec}, whose pool is opened to be read unless it is open. */
  FileTree tree(PathSpec spec) {
    Pool pool = toRead(spec.pool());
    try {
      return pool.tree(spec.dataset());
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT && !DatasetName.isSnapshot(spec.dataset())) {
        throw Failure.failed(
            spec.dataset(),
            "no such dataset",
            "see 'lcpfs fs list', or make it with 'lcpfs fs create " + spec.dataset() + "'");
      }
      throw e;
    }
  }

  PosixFileSystem files(PathSpec spec) {
    return tree(spec).fileSystem();
  }

  /** What a path names; a symbolic link at its end is followed when {@code follow}. */
  Attr attributes(PathSpec spec, boolean follow) {
    byte[] path = PathCalls.path(spec.path());
    Optional<RemotePool> elsewhere = remote(spec.pool());
    try {
      if (elsewhere.isPresent()) {
        return elsewhere.get().stat(spec.dataset(), path, follow);
      }
      PathCalls calls = files(spec).paths();
      return follow ? calls.stat(path, Caller.ROOT) : calls.lstat(path, Caller.ROOT);
    } catch (PoolException e) {
      throw explained(e, spec);
    }
  }

  /** As {@link #attributes}, but empty when there is nothing. */
  Optional<Attr> find(PathSpec spec, boolean follow) {
    try {
      return Optional.of(attributes(spec, follow));
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** {@code spec} with the symbolic links at its end followed. */
  PathSpec realPath(PathSpec spec) {
    PathSpec at = spec;
    for (int links = 0; links < MOST_LINKS; links++) {
      if (!attributes(at, false).isSymlink()) {
        return at;
      }
      byte[] path = PathCalls.path(at.path());
      String target = NameText.decode(readLink(at, path));
      at = target.startsWith("/") ? new PathSpec(at.dataset(), target) : at.parent().child(target);
    }
    throw named(PoolException.posix(Errno.ELOOP, spec.path()), spec);
  }

  private byte[] readLink(PathSpec spec, byte[] path) {
    Optional<RemotePool> elsewhere = remote(spec.pool());
    return elsewhere.isPresent()
        ? elsewhere.get().readLink(spec.dataset(), path)
        : files(spec).paths().readlink(path, Caller.ROOT);
  }

  /** A directory to walk. */
  TreeDirectory directory(PathSpec spec) {
    Optional<RemotePool> elsewhere = remote(spec.pool());
    if (elsewhere.isPresent()) {
      byte[] path = PathCalls.path(spec.path());
      return elsewhere.get().directory(spec.dataset(), path, spec.toString());
    }
    Attr attr = attributes(spec, true);
    if (!attr.isDirectory()) {
      throw named(PoolException.posix(Errno.ENOTDIR, spec.path()), spec);
    }
    FileTree tree = tree(spec);
    return new PoolDirectory(tree.fileSystem(), tree.guid(), attr.inode(), spec.toString());
  }

  /** A failure with the path as the user wrote it. */
  static PoolException named(PoolException e, PathSpec spec) {
    return e.error() instanceof PoolError.Posix posix
        ? new PoolException(new PoolError.Posix(posix.errno(), spec.toString()), e)
        : e;
  }

  /**
   * As {@link #named}; where there is nothing because the path leads into a dataset below, as it
   * does in a mount, it says how that is written.
   */
  PoolException explained(PoolException e, PathSpec spec) {
    if (e.errno() != Errno.ENOENT || DatasetName.isSnapshot(spec.dataset())) {
      return named(e, spec);
    }
    String dataset = spec.dataset();
    String rest = spec.path().replaceFirst("^/+", "");
    while (!rest.isEmpty()) {
      int slash = rest.indexOf('/');
      String below = dataset + "/" + (slash < 0 ? rest : rest.substring(0, slash));
      if (!exists(below)) {
        break;
      }
      dataset = below;
      rest = slash < 0 ? "" : rest.substring(slash).replaceFirst("^/+", "");
    }
    if (dataset.equals(spec.dataset())) {
      return named(e, spec);
    }
    return PoolException.refused(
        Errno.ENOENT,
        spec
            + (rest.isEmpty() ? ": is the dataset " : ": lies in the dataset ")
            + dataset
            + "; write "
            + new PathSpec(dataset, "/" + rest));
  }

  private boolean exists(String dataset) {
    Optional<RemotePool> elsewhere = remote(DatasetName.poolOf(dataset));
    if (elsewhere.isEmpty()) {
      return toRead(DatasetName.poolOf(dataset)).datasets().stream()
          .anyMatch(one -> one.name().equals(dataset));
    }
    try {
      return elsewhere.get().stat(dataset, PathCalls.path("/"), true).isDirectory();
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.EINVAL) {
        return false; // no such dataset, or no name of one
      }
      throw e;
    }
  }

  /** Syncs and closes all of them, the last opened first. */
  @Override
  public void close() {
    RuntimeException failure = null;
    for (Pool pool : new ArrayList<>(open.values()).reversed()) {
      try {
        pool.close();
      } catch (RuntimeException e) {
        failure = e;
      }
    }
    open.clear();
    for (Optional<RemotePool> pool : remote.values()) {
      try {
        if (pool.isPresent()) {
          pool.get().sync();
          pool.get().close();
        }
      } catch (PoolException e) {
        failure = e;
      }
    }
    remote.clear();
    if (failure != null) {
      throw failure;
    }
  }
}
