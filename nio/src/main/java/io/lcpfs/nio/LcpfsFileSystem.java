package io.lcpfs.nio;

import io.lcpfs.api.SnapshotDirectory;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.PosixFileSystem;
import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A dataset as a file system of java.nio.file, seen by one caller. */
final class LcpfsFileSystem extends FileSystem {
  /** Views that every file system here has. */
  static final Set<String> VIEWS = Set.of("basic", "lcpfs", "owner", "posix", "unix", "user");

  private static final byte[] ROOT = {'/'};

  private final LcpfsFileSystemProvider provider;
  private final SharedState shared;
  private final Mounted mounted;
  private final Caller caller;
  private final boolean readOnly;
  private final LcpfsPath root = new LcpfsPath(this, ROOT);
  private final FileCalls calls;
  private final FileSystemOptions options;
  private final @Nullable SnapshotWay way;

  /** The dataset's, when this is behind its directory of snapshots, and which directory there. */
  private final @Nullable LcpfsFileSystem dataset;

  private final byte[] place;
  private final Set<Closeable> open = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean closing = new AtomicBoolean();
  private volatile boolean closed;

  /**
   * What a file system is a view of.
   *
   * @param name the dataset's full name
   * @param guid the dataset's
   * @param uriPrefix of all its URIs, up to and with the '!'
   * @param snapshots of a dataset
   */
  record Mounted(
      PosixFileSystem posix,
      String name,
      long guid,
      String uriPrefix,
      @Nullable SnapshotDirectory snapshots) {}

  LcpfsFileSystem(LcpfsFileSystemProvider provider, Mounted mounted, FileSystemOptions options) {
    this(provider, mounted, options, null, new byte[0]);
  }

  private LcpfsFileSystem(
      LcpfsFileSystemProvider provider,
      Mounted mounted,
      FileSystemOptions options,
      @Nullable LcpfsFileSystem dataset,
      byte[] place) {
    this.options = options;
    this.dataset = dataset;
    this.place = place;
    this.provider = provider;
    this.mounted = mounted;
    this.shared = SharedState.acquire(mounted.posix());
    this.caller = options.caller().withUmask(options.umask());
    this.readOnly = options.readOnly();
    this.calls = new FileCalls(this, mounted.posix().paths(), mounted.posix().rootInode());
    SnapshotDirectory snapshots = mounted.snapshots();
    this.way = snapshots == null ? null : new SnapshotWay(this, snapshots);
  }

  /** The files of a snapshot, for those whose paths lead there. */
  LcpfsFileSystem ofSnapshot(PosixFileSystem files, SnapshotDirectory.Entry entry) {
    String name = mounted.name() + "@" + entry.name();
    byte[] root = PathText.encode("/" + SnapshotDirectory.NAME + "/" + SnapshotDirectory.SNAPSHOTS);
    return new LcpfsFileSystem(
        provider,
        new Mounted(files, name, entry.guid(), mounted.uriPrefix(), null),
        options.toRead(),
        this,
        new LcpfsPath(this, root).resolve(entry.name().getBytes(StandardCharsets.UTF_8)).bytes());
  }

  /** Where paths lead into snapshots; null for those of a snapshot. */
  @Nullable SnapshotWay way() {
    return way;
  }

  /** A path as the users of a dataset name it who come by its directory of snapshots. */
  LcpfsPath asShown(LcpfsPath path) {
    LcpfsFileSystem above = dataset;
    if (above == null) {
      return path;
    }
    LcpfsPath top = new LcpfsPath(above, place);
    return path.getNameCount() == 0
        ? top
        : top.resolve(Arrays.copyOfRange(path.bytes(), 1, path.bytes().length));
  }

  /** Whether it serves those whose paths lead into a snapshot. */
  boolean isBehindDataset() {
    return dataset != null;
  }

  /** Whether something is open in it. */
  boolean isInUse() {
    return !open.isEmpty();
  }

  PosixFileSystem posix() {
    return mounted.posix();
  }

  Mounted mounted() {
    return mounted;
  }

  SharedState shared() {
    return shared;
  }

  Caller caller() {
    return caller;
  }

  LcpfsPath root() {
    return root;
  }

  /** Calls whose relative paths begin at the root. */
  FileCalls calls() {
    return calls;
  }

  URI uri(byte[] absolutePath) {
    return PathUris.uri(mounted.uriPrefix(), absolutePath);
  }

  /** Whether it is closed for its users; those of a snapshot know the dataset's only. */
  private boolean isClosed() {
    return dataset == null ? closed : dataset.closed;
  }

  void checkOpen() {
    if (isClosed()) {
      throw new ClosedFileSystemException();
    }
  }

  void checkWritable() {
    checkOpen();
    if (readOnly) {
      throw new ReadOnlyFileSystemException();
    }
  }

  /** What to throw for a failed call of the engine on {@code path}. */
  IOException failure(RuntimeException e, @Nullable Path path, @Nullable Path other) {
    LcpfsFileSystem above = dataset;
    if (above != null && !above.closed && (closed || Failures.is(e, Errno.EBADF))) {
      FileSystemException gone =
          new FileSystemException(
              path == null ? null : path.toString(),
              null,
              "the snapshot is gone: it was destroyed; list its directory for those there are");
      gone.initCause(e);
      return gone;
    }
    // Memory that is gone is an IllegalStateException: the pool was closed meanwhile.
    if (closed || Failures.is(e, Errno.EBADF) || e instanceof IllegalStateException) {
      ClosedFileSystemException failure = new ClosedFileSystemException();
      failure.initCause(e);
      throw failure;
    }
    if (e instanceof PoolException known) {
      return Failures.of(
          known, path == null ? null : path.toString(), other == null ? null : other.toString());
    }
    throw e;
  }

  /** Notes what has to be closed with the file system. */
  void opened(Closeable resource) {
    open.add(resource);
    if (isClosed()) {
      open.remove(resource);
      throw new ClosedFileSystemException();
    }
  }

  void released(Closeable resource) {
    open.remove(resource);
  }

  @Override
  public LcpfsFileSystemProvider provider() {
    return provider;
  }

  @Override
  public boolean isOpen() {
    return !closed;
  }

  @Override
  public boolean isReadOnly() {
    return readOnly || mounted.posix().options().readOnly();
  }

  @Override
  public void close() throws IOException {
    if (!closing.compareAndSet(false, true)) {
      return;
    }
    closed = true;
    IOException failure = null;
    for (Closeable resource : List.copyOf(open)) {
      try {
        resource.close();
      } catch (IOException e) {
        failure = e;
      }
    }
    shared.release();
    OpenedPools.closed(this);
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  public String getSeparator() {
    return "/";
  }

  @Override
  public Iterable<Path> getRootDirectories() {
    return List.of(root);
  }

  @Override
  public Iterable<FileStore> getFileStores() {
    return List.of(new LcpfsFileStore(this));
  }

  @Override
  public Set<String> supportedFileAttributeViews() {
    return VIEWS;
  }

  @Override
  public LcpfsPath getPath(String first, String... more) {
    if (more.length == 0) {
      return new LcpfsPath(this, PathText.normalize(PathText.encode(first)));
    }
    StringBuilder all = new StringBuilder(first);
    for (String part : more) {
      if (!part.isEmpty()) {
        if (!all.isEmpty()) {
          all.append('/');
        }
        all.append(part);
      }
    }
    return new LcpfsPath(this, PathText.normalize(PathText.encode(all.toString())));
  }

  @Override
  public PathMatcher getPathMatcher(String syntaxAndPattern) {
    int colon = syntaxAndPattern.indexOf(':');
    if (colon <= 0) {
      throw new IllegalArgumentException(syntaxAndPattern + ": write glob:... or regex:...");
    }
    String syntax = syntaxAndPattern.substring(0, colon);
    String input = syntaxAndPattern.substring(colon + 1);
    Pattern pattern;
    if (syntax.equalsIgnoreCase("glob")) {
      pattern = Pattern.compile(Globs.toRegex(input), Pattern.DOTALL);
    } else if (syntax.equalsIgnoreCase("regex")) {
      pattern = Pattern.compile(input);
    } else {
      throw new UnsupportedOperationException("syntax " + syntax);
    }
    return path -> pattern.matcher(path.toString()).matches();
  }

  @Override
  public UserPrincipalLookupService getUserPrincipalLookupService() {
    return Principals.LOOKUP;
  }

  @Override
  public WatchService newWatchService() {
    checkOpen();
    LcpfsWatchService service = new LcpfsWatchService(this);
    opened(service);
    return service;
  }

  @Override
  public String toString() {
    return mounted.uriPrefix();
  }
}
