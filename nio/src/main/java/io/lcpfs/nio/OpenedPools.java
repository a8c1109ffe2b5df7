package io.lcpfs.nio;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.FileTree;
import io.lcpfs.api.Pool;
import io.lcpfs.api.PoolDevices;
import io.lcpfs.api.SnapshotDirectory;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.device.FileDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Host;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.SetAttr;
import java.io.IOException;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The pools that were opened by their files, each until its last file system is closed, and the
 * file systems that URIs name.
 */
final class OpenedPools {
  private static final ReentrantLock LOCK = new ReentrantLock();

  /** By the real path of the file; guarded by the lock, as everything static here is. */
  private static final Map<Path, OpenedPool> POOLS = new HashMap<>();

  /** By the prefix of their URIs, the first one opened first. */
  private static final Map<String, List<LcpfsFileSystem>> BY_URI = new HashMap<>();

  private static final Map<LcpfsFileSystem, OpenedPool> OWNERS = new HashMap<>();

  private OpenedPools() {}

  /** A pool that is open for the file systems in it. */
  private static final class OpenedPool {
    final Path file;
    final Pool pool;
    final RealEnv env;
    int users;

    OpenedPool(Path file, Pool pool, RealEnv env) {
      this.file = file;
      this.pool = pool;
      this.env = env;
    }

    void close() {
      try (env) {
        if (pool.readOnly()) {
          pool.close();
        } else {
          pool.export();
        }
      }
    }
  }

  // ---- opening

  /**
   * @param byUri whether a file system that is open already is in the way
   * @throws UnsupportedOperationException when the file is no pool
   */
  static LcpfsFileSystem open(
      LcpfsFileSystemProvider provider,
      Path file,
      Map<String, ?> env,
      String dataset,
      boolean byUri)
      throws IOException {
    if (!file.getFileSystem().equals(FileSystems.getDefault())) {
      throw new UnsupportedOperationException(file + ": pools are on files of the host");
    }
    LOCK.lock();
    try {
      Path key = realPath(file);
      OpenedPool opened = POOLS.get(key);
      if (opened == null) {
        checkKind(key, env);
      }
      FileSystemOptions options = FileSystemOptions.of(env);
      String below = options.dataset() == null ? dataset : options.dataset();
      String prefix = filePrefix(key, below);
      if (byUri && BY_URI.containsKey(prefix)) {
        throw new FileSystemAlreadyExistsException(prefix);
      }
      if (opened == null) {
        opened = openPool(key, options);
        POOLS.put(key, opened);
      }
      opened.users++;
      try {
        return openIn(provider, opened, below, prefix, options);
      } catch (IOException | RuntimeException e) {
        release(opened, e);
        throw e;
      }
    } catch (PoolException e) {
      throw Failures.of(e, file.toString(), null);
    } finally {
      LOCK.unlock();
    }
  }

  private static void release(OpenedPool opened, Exception cause) {
    try {
      release(opened);
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  private static void release(OpenedPool opened) {
    if (--opened.users == 0) {
      POOLS.remove(opened.file);
      opened.close();
    }
  }

  private static LcpfsFileSystem openIn(
      LcpfsFileSystemProvider provider,
      OpenedPool opened,
      String below,
      String prefix,
      FileSystemOptions options)
      throws IOException {
    Pool pool = opened.pool;
    if (pool.readOnly() && !options.readOnly()) {
      throw new FileSystemException(
          opened.file.toString(), null, "the pool is open read-only; close that first");
    }
    // "@name" is a snapshot of the root dataset.
    String slash = below.isEmpty() || below.startsWith("@") ? "" : "/";
    String name = pool.name() + slash + below;
    FileTree tree;
    try {
      tree = pool.tree(name);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOENT || !options.create() || DatasetName.isSnapshot(name)) {
        throw e;
      }
      Dataset made = pool.createDataset(name, options.properties(), true);
      giveRoot(made, options);
      tree = made;
    }
    LcpfsFileSystem fs = new LcpfsFileSystem(provider, mounted(tree, prefix), options);
    OWNERS.put(fs, opened);
    BY_URI.computeIfAbsent(prefix, key -> new ArrayList<>()).add(fs);
    return fs;
  }

  private static LcpfsFileSystem.Mounted mounted(FileTree tree, String prefix) {
    SnapshotDirectory snapshots = tree instanceof Dataset own ? SnapshotDirectory.of(own) : null;
    return new LcpfsFileSystem.Mounted(
        tree.fileSystem(), tree.name(), tree.guid(), prefix, snapshots);
  }

  /** Makes a new dataset the named caller's own. */
  private static void giveRoot(Dataset dataset, FileSystemOptions options) {
    if (options.owned()) {
      var files = dataset.fileSystem();
      Caller caller = options.caller();
      files.setattr(
          files.rootInode(), new SetAttr().uid(caller.uid()).gid(caller.gid()), Caller.ROOT);
    }
  }

  /** Refuses what is no pool, and shall and can not become one. */
  private static void checkKind(Path file, Map<String, ?> env) throws IOException {
    boolean create = "true".equalsIgnoreCase(String.valueOf(env.get("create")));
    if (!Files.exists(file)) {
      String name = file.toString();
      if (name.endsWith(".zip") || name.endsWith(".jar")) {
        throw new UnsupportedOperationException(name + ": a pool is not named as an archive");
      }
      if (!create) {
        throw new NoSuchFileException(name);
      }
    } else if (Files.isDirectory(file) || (!isEmpty(file) && !isPool(file))) {
      throw new UnsupportedOperationException(file + ": is no pool");
    } else if (isEmpty(file) && !create) {
      throw new UnsupportedOperationException(file + ": is empty");
    }
  }

  private static boolean isEmpty(Path file) throws IOException {
    return Files.isRegularFile(file) && Files.size(file) == 0;
  }

  private static boolean isPool(Path file) {
    return !PoolDevices.scan(List.of(file)).isEmpty();
  }

  private static OpenedPool openPool(Path file, FileSystemOptions options) throws IOException {
    RealEnv env = new RealEnv();
    try {
      boolean missing = !Files.exists(file);
      Tuning tuning = Tuning.standard();
      if (options.cacheBytes() > 0) {
        tuning = tuning.withCacheBytes(options.cacheBytes());
      }
      if (!missing && !isEmpty(file)) {
        OpenOptions open =
            OpenOptions.standard()
                .withReadOnly(options.readOnly())
                .withForce(options.force())
                .withHost(Host.current())
                .withTuning(tuning);
        return new OpenedPool(file, PoolDevices.open(List.of(file), open, env), env);
      }
      if (!missing) {
        Files.delete(file); // an empty file that stood for the pool to be
      }
      FileDevice.create(file, options.sizeBytes(), false);
      try {
        return new OpenedPool(file, createPool(file, options, tuning, env), env);
      } catch (RuntimeException e) {
        Files.delete(file);
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      env.close();
      throw e;
    }
  }

  private static Pool createPool(Path file, FileSystemOptions options, Tuning tuning, RealEnv env) {
    String name = options.poolName().isEmpty() ? poolName(file) : options.poolName();
    boolean forRoot = options.dataset() == null || options.dataset().isEmpty();
    CreateOptions create = CreateOptions.named(name).withHost(Host.current()).withTuning(tuning);
    if (forRoot) {
      create = create.withRootProperties(options.properties());
    }
    Pool pool = PoolDevices.create(List.of(file), create, env);
    if (forRoot) {
      giveRoot(pool.dataset(name), options);
    }
    return pool;
  }

  /** The file's name up to the first dot, as far as it can name a pool. */
  private static String poolName(Path file) {
    String name = String.valueOf(file.getFileName()).replaceFirst("(?<=.)\\..*", "");
    String allowed = name.replaceAll("[^A-Za-z0-9_.:-]", "_");
    try {
      DatasetName.checkPool(allowed);
      return allowed;
    } catch (PoolException e) {
      return "pool"; // any name will do where the file's is none
    }
  }

  /** An attached dataset or snapshot, whose pool is somebody else's. */
  static LcpfsFileSystem attach(
      LcpfsFileSystemProvider provider, FileTree tree, FileSystemOptions options) {
    Pool pool = tree.pool();
    String below = tree.name().substring(pool.name().length());
    String prefix = attachedPrefix(pool.guid(), below.startsWith("/") ? below.substring(1) : below);
    LOCK.lock();
    try {
      LcpfsFileSystem fs = new LcpfsFileSystem(provider, mounted(tree, prefix), options);
      BY_URI.computeIfAbsent(prefix, key -> new ArrayList<>()).add(fs);
      return fs;
    } finally {
      LOCK.unlock();
    }
  }

  // ---- finding and closing

  /**
   * @throws FileSystemNotFoundException when none is open
   */
  static LcpfsFileSystem find(PathUris.Parts parts) {
    String prefix;
    byte[] file = parts.poolFile();
    if (file == null) {
      prefix = "lcpfs://" + parts.authority() + "/" + parts.dataset() + "!";
    } else {
      prefix = filePrefix(realPath(hostPath(file)), parts.dataset());
    }
    LOCK.lock();
    try {
      List<LcpfsFileSystem> found = BY_URI.get(prefix);
      if (found == null) {
        throw new FileSystemNotFoundException(prefix);
      }
      return found.getFirst();
    } finally {
      LOCK.unlock();
    }
  }

  static Path hostPath(byte[] file) {
    return FileSystems.getDefault().getPath(PathText.decode(file));
  }

  private static Path realPath(Path file) {
    Path absolute = file.toAbsolutePath().normalize();
    try {
      return absolute.toRealPath();
    } catch (IOException e) {
      // It is not there yet: then its directory decides.
      Path parent = absolute.getParent();
      Path name = absolute.getFileName();
      return parent == null || name == null || !Files.exists(parent)
          ? absolute
          : realPath(parent).resolve(name);
    }
  }

  private static String filePrefix(Path file, String dataset) {
    return "lcpfs:" + PathUris.quote(PathText.encode(file.toString())) + "!" + marked(dataset);
  }

  private static String marked(String dataset) {
    return dataset.isEmpty() ? "" : dataset + "!";
  }

  private static String attachedPrefix(long guid, String dataset) {
    return "lcpfs://" + Long.toHexString(guid) + "/" + dataset + "!";
  }

  /** Takes a closed file system off, and closes its pool with the last one. */
  static void closed(LcpfsFileSystem fs) throws IOException {
    LOCK.lock();
    try {
      String prefix = fs.mounted().uriPrefix();
      List<LcpfsFileSystem> same = BY_URI.get(prefix);
      if (same != null && same.remove(fs) && same.isEmpty()) {
        BY_URI.remove(prefix);
      }
      OpenedPool owner = OWNERS.remove(fs);
      if (owner != null) {
        release(owner);
      }
    } catch (PoolException e) {
      throw Failures.of(e, fs.toString(), null);
    } finally {
      LOCK.unlock();
    }
  }
}
