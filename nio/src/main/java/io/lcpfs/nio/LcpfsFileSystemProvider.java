package io.lcpfs.nio;

import io.lcpfs.nio.SnapshotWay.End;
import io.lcpfs.posix.PosixFileSystem;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.spi.FileSystemProvider;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * The provider of {@code lcpfs:} URIs. Programs get it through {@link java.nio.file.FileSystems}
 * and {@link LcpfsFileSystems}; see docs/NIO.md.
 */
public final class LcpfsFileSystemProvider extends FileSystemProvider {

  /** For the service loader: the JDK makes one when it first looks for providers. */
  public LcpfsFileSystemProvider() {}

  private static final class Fallback {
    static final LcpfsFileSystemProvider INSTANCE = new LcpfsFileSystemProvider();
  }

  /** The one that the JDK knows, so that all paths have the same; else one of our own. */
  static LcpfsFileSystemProvider installed() {
    for (FileSystemProvider provider : FileSystemProvider.installedProviders()) {
      if (provider instanceof LcpfsFileSystemProvider own) {
        return own;
      }
    }
    return Fallback.INSTANCE;
  }

  /** A call that answers nothing. */
  private interface Change {
    void on(LcpfsPath path) throws IOException;
  }

  private static void change(LcpfsPath path, End end, Change change) throws IOException {
    boolean _ =
        SnapshotWay.reach(
            path,
            end,
            at -> {
              change.on(at);
              return true;
            });
  }

  private static End end(LinkOption... options) {
    return FileCalls.follows(options) ? End.FOLLOWED : End.ITSELF;
  }

  private static LcpfsFileChannel open(Path path, ChannelMode mode, FileAttribute<?>... attributes)
      throws IOException {
    int permissions = ChannelMode.permissions(attributes, ChannelMode.FILE_PERMISSIONS);
    return SnapshotWay.reach(
        LcpfsPath.of(path), mode.end(), at -> at.calls().open(at, mode, permissions));
  }

  // ---- file systems

  @Override
  public String getScheme() {
    return PathUris.SCHEME;
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> env) throws IOException {
    PathUris.Parts parts = PathUris.parse(uri);
    byte[] file = parts.poolFile();
    if (file == null) {
      throw new IllegalArgumentException(
          uri + ": a dataset is attached with LcpfsFileSystems.of; name a pool by its file");
    }
    try {
      return OpenedPools.open(installed(), OpenedPools.hostPath(file), env, parts.dataset(), true);
    } catch (UnsupportedOperationException e) {
      // Only lookups by path go on to other providers; a URI named this one.
      IOException failure = new IOException(e.getMessage());
      failure.initCause(e);
      throw failure;
    }
  }

  @Override
  public FileSystem newFileSystem(Path path, Map<String, ?> env) throws IOException {
    return OpenedPools.open(installed(), path, env, "", false);
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    return OpenedPools.find(PathUris.parse(uri));
  }

  @Override
  public Path getPath(URI uri) {
    PathUris.Parts parts = PathUris.parse(uri);
    LcpfsFileSystem fs = OpenedPools.find(parts);
    return new LcpfsPath(fs, PathText.normalize(parts.inside()));
  }

  @Override
  public FileStore getFileStore(Path path) throws IOException {
    LcpfsPath own = LcpfsPath.of(path);
    return SnapshotWay.reach(
        own,
        End.FOLLOWED,
        at -> {
          at.calls().checkAccess(at);
          LcpfsFileSystem.Mounted tree = at.getFileSystem().mounted();
          return new LcpfsFileStore(
              own.getFileSystem(), tree.name(), tree.guid(), at.getFileSystem().isReadOnly());
        });
  }

  // ---- opening

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return open(path, ChannelMode.of(options), attributes);
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return open(path, ChannelMode.of(options), attributes);
  }

  @Override
  public AsynchronousFileChannel newAsynchronousFileChannel(
      Path path,
      Set<? extends OpenOption> options,
      @Nullable ExecutorService executor,
      FileAttribute<?>... attributes)
      throws IOException {
    ChannelMode mode = ChannelMode.of(options);
    if (mode.append()) {
      throw new UnsupportedOperationException("APPEND is not for asynchronous channels");
    }
    return new LcpfsAsyncChannel(open(path, mode, attributes), mode, executor);
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path directory, DirectoryStream.Filter<? super Path> filter) throws IOException {
    LcpfsPath own = LcpfsPath.of(directory);
    return SnapshotWay.reach(own, End.FOLLOWED, at -> at.calls().list(at, own, filter));
  }

  // ---- names

  @Override
  public void createDirectory(Path directory, FileAttribute<?>... attributes) throws IOException {
    LcpfsPath own = LcpfsPath.of(directory);
    change(own, End.NAME, at -> at.calls().createDirectory(at, attributes));
  }

  @Override
  public void createSymbolicLink(Path link, Path target, FileAttribute<?>... attributes)
      throws IOException {
    LcpfsPath own = LcpfsPath.of(link);
    LcpfsPath text = LcpfsPath.of(target);
    change(own, End.ITSELF, at -> at.calls().createSymbolicLink(at, text, attributes));
  }

  @Override
  public void createLink(Path link, Path existing) throws IOException {
    LcpfsPath own = LcpfsPath.of(link);
    LcpfsPath from = LcpfsPath.of(existing);
    CopyMove.requireSameStore(from.getFileSystem(), own.getFileSystem(), existing, link);
    boolean _ =
        CopyMove.both(
            from,
            End.ITSELF,
            own,
            End.ITSELF,
            (file, name) -> {
              if (name.calls() instanceof ControlCalls control) {
                control.createLink(name, file);
              }
              CopyMove.requireSameStore(file.getFileSystem(), name.getFileSystem(), existing, link);
              name.calls().createLink(name, file);
            });
  }

  @Override
  public Path readSymbolicLink(Path link) throws IOException {
    LcpfsPath own = LcpfsPath.of(link);
    byte[] target =
        SnapshotWay.reach(own, End.ITSELF, at -> at.calls().readSymbolicLink(at).bytes());
    return new LcpfsPath(own.getFileSystem(), target);
  }

  @Override
  public void delete(Path path) throws IOException {
    LcpfsPath own = LcpfsPath.of(path);
    change(own, End.NAME, at -> at.calls().delete(at));
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) throws IOException {
    CopyMove.copy(LcpfsPath.of(source), LcpfsPath.of(target), options);
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) throws IOException {
    CopyMove.move(LcpfsPath.of(source), LcpfsPath.of(target), options);
  }

  // ---- looking

  @Override
  public boolean isSameFile(Path path, Path other) throws IOException {
    LcpfsPath first = LcpfsPath.of(path);
    if (first.equals(Objects.requireNonNull(other))) {
      return true;
    }
    Identity one = SnapshotWay.reach(first, End.FOLLOWED, Identity::of);
    return other instanceof LcpfsPath second
        && one.equals(SnapshotWay.reach(second, End.FOLLOWED, Identity::of));
  }

  /** Which file it is. */
  private record Identity(PosixFileSystem files, long inode) {
    static Identity of(LcpfsPath path) throws IOException {
      return new Identity(path.getFileSystem().posix(), path.calls().inode(path, true));
    }
  }

  @Override
  public boolean isHidden(Path path) {
    LcpfsPath name = LcpfsPath.of(path).getFileName();
    return name != null && !name.isEmpty() && name.bytes()[0] == '.';
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    LcpfsPath own = LcpfsPath.of(path);
    change(own, End.FOLLOWED, at -> at.calls().checkAccess(at, modes));
  }

  @Override
  public boolean exists(Path path, LinkOption... options) {
    LcpfsPath own = LcpfsPath.of(path);
    try {
      return find(own, options) != null;
    } catch (IOException e) {
      return false; // what cannot be looked at is not known to exist: so Files.exists wants it
    }
  }

  private static @Nullable LcpfsFileAttributes find(LcpfsPath path, LinkOption... options)
      throws IOException {
    boolean follow = FileCalls.follows(options);
    return SnapshotWay.find(path, end(options), at -> at.calls().find(at, follow));
  }

  // ---- attributes

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    LcpfsPath own = LcpfsPath.of(path);
    if (type == BasicFileAttributes.class || type == PosixFileAttributes.class) {
      boolean follow = FileCalls.follows(options);
      return type.cast(SnapshotWay.reach(own, end(options), at -> at.calls().stat(at, follow)));
    }
    Objects.requireNonNull(type);
    throw new UnsupportedOperationException("attributes of type " + type.getName());
  }

  @Override
  public <A extends BasicFileAttributes> @Nullable A readAttributesIfExists(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    LcpfsPath own = LcpfsPath.of(path);
    if (type == BasicFileAttributes.class || type == PosixFileAttributes.class) {
      LcpfsFileAttributes found = find(own, options);
      return found == null ? null : type.cast(found);
    }
    Objects.requireNonNull(type);
    throw new UnsupportedOperationException("attributes of type " + type.getName());
  }

  private static FileTarget target(Path path, LinkOption... options) {
    LcpfsPath own = LcpfsPath.of(path);
    return new FileTarget.OfWay(own, FileCalls.follows(options));
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return Views.view(type, target(path, options));
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options)
      throws IOException {
    return AttributeNames.read(target(path, options), attributes);
  }

  @Override
  public void setAttribute(
      Path path, String attribute, @Nullable Object value, LinkOption... options)
      throws IOException {
    AttributeNames.set(target(path, options), attribute, value);
  }
}
