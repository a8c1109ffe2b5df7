package io.lcpfs.bench.side;

import io.lcpfs.api.Pool;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.DirectIo;
import io.lcpfs.device.FileDevice;
import io.lcpfs.device.OpenMode;
import io.lcpfs.env.Env;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A pool on a preallocated file, imported; all calls go to the engine in this process. */
final class LcpfsPool implements AutoCloseable {
  static final int DEVICE_BLOCK_BYTES = 4096;
  static final Caller ROOT = Caller.ROOT;

  private final Path file;
  private final Tuning tuning;
  private final Env env;
  private final String name;
  private Pool pool;
  private boolean direct;

  /** Makes the file, which must not exist, and a pool on it. */
  LcpfsPool(
      Path file,
      long sizeBytes,
      String name,
      Tuning tuning,
      Map<String, String> properties,
      Env env) {
    this.file = file;
    this.tuning = tuning;
    this.env = env;
    this.name = name;
    FileDevice.create(file, sizeBytes, true);
    CreateOptions options =
        CreateOptions.named(name).withTuning(tuning).withRootProperties(properties);
    this.pool = owned(device -> Pool.create(List.of(device), options, env));
  }

  private interface Opener {
    Pool open(BlockDevice device);
  }

  private Pool owned(Opener opener) {
    FileDevice device =
        FileDevice.open(file, OpenMode.READ_WRITE, DEVICE_BLOCK_BYTES, DirectIo.AUTO);
    direct = device.direct();
    Pool opened = null;
    try {
      opened = opener.open(device);
      return opened;
    } finally {
      if (opened == null) {
        device.close();
      }
    }
  }

  /** Exports it and imports it again, with an empty cache. */
  void reimport() {
    pool.export();
    OpenOptions options = OpenOptions.standard().withTuning(tuning);
    pool = owned(device -> Pool.open(List.of(device), options, env));
  }

  Pool pool() {
    return pool;
  }

  /** Whether the device bypasses the page cache. */
  boolean direct() {
    return direct;
  }

  Tuning tuning() {
    return tuning;
  }

  PosixFileSystem files() {
    return pool.dataset(name).fileSystem();
  }

  /** The file system of a dataset below the root, made when it is not there. */
  PosixFileSystem files(String below, Map<String, String> properties) {
    return pool.createDataset(name + "/" + below, properties, true).fileSystem();
  }

  long storedBytes(String below) {
    return pool.dataset(name + "/" + below).referencedBytes();
  }

  FileHandle open(String path, int flags) {
    return files().paths().open(PathCalls.path(path), flags, 0x1A4, ROOT);
  }

  FileHandle create(String path) {
    return open(path, OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_TRUNC);
  }

  /** Removes a file or a directory with all in it; content when there is none. */
  void removeTree(String path) {
    PosixFileSystem files = files();
    long directory = files.rootInode();
    byte[] target = PathCalls.path(path);
    for (byte[] entry : files.paths().names(PathCalls.path("/"), ROOT)) {
      if (java.util.Arrays.equals(entry, target)) {
        removeEntry(files, directory, entry);
      }
    }
  }

  private static void removeEntry(PosixFileSystem files, long directory, byte[] name) {
    var attr = files.lookup(directory, name, ROOT);
    if (attr.isDirectory()) {
      for (byte[] entry : files.pathsAt(attr.inode()).names(PathCalls.path("."), ROOT)) {
        removeEntry(files, attr.inode(), entry);
      }
      files.rmdir(directory, name, ROOT);
    } else {
      files.unlink(directory, name, ROOT);
    }
  }

  /** What the pool's check finds wrong; empty for nothing. */
  List<String> verify() {
    return pool.verify(progress -> {}).findings().stream().map(String::valueOf).toList();
  }

  @Override
  public void close() {
    pool.close();
  }
}
