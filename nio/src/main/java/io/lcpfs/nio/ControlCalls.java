package io.lcpfs.nio;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.SnapshotDirectory;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.AttrBuffer;
import io.lcpfs.posix.Mode;
import io.lcpfs.posix.SetAttr;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.attribute.FileAttribute;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The calls on {@code /.lcpfs}, {@code /.lcpfs/snapshot}, and on names in them. Making, removing
 * and renaming a directory in the second takes, destroys and renames a snapshot; user 0 may.
 */
final class ControlCalls extends FileCalls {
  private static final int MODE = Mode.DIRECTORY | 0555;
  private static final int CHANGEABLE_MODE = Mode.DIRECTORY | 0755;
  private static final int BLOCK_BYTES = 4096;

  /** No file has such a number. */
  private static final long FIRST_INODE = 0xffffL << 48;

  private final LcpfsFileSystem fs;
  private final SnapshotDirectory snapshots;

  /** The directory of snapshots, or the one that it is in. */
  private final boolean ofSnapshots;

  /** A name in the directory, or null for the directory itself. */
  private final byte @Nullable [] name;

  private final Instant since;

  ControlCalls(
      LcpfsFileSystem fs,
      SnapshotWay way,
      boolean ofSnapshots,
      byte @Nullable [] name,
      Instant since) {
    super(fs, fs.posix().paths(), fs.posix().rootInode());
    this.fs = fs;
    this.snapshots = way.snapshots();
    this.ofSnapshots = ofSnapshots;
    this.name = name;
    this.since = since;
  }

  // ---- looking

  private boolean exists() {
    byte[] wanted = name;
    if (wanted == null) {
      return true;
    }
    return ofSnapshots
        ? SnapshotWay.named(snapshots, wanted) != null
        : Arrays.equals(wanted, SnapshotWay.SNAPSHOTS);
  }

  @Override
  LcpfsFileAttributes stat(LcpfsPath path, boolean follow) throws IOException {
    LcpfsFileAttributes found = find(path, follow);
    if (found == null) {
      throw new NoSuchFileException(path.toString());
    }
    return found;
  }

  @Override
  @Nullable LcpfsFileAttributes find(LcpfsPath path, boolean follow) throws IOException {
    fs.checkOpen();
    try {
      if (!exists()) {
        return null;
      }
    } catch (RuntimeException e) {
      throw fs.failure(e, path, null);
    }
    AttrBuffer attributes = new AttrBuffer();
    attributes.inode = FIRST_INODE + (ofSnapshots ? 1 : 0);
    attributes.generation = 1;
    attributes.mode = ofSnapshots && name == null ? CHANGEABLE_MODE : MODE;
    attributes.nlink = 2;
    attributes.blockBytes = BLOCK_BYTES;
    attributes.atimeSeconds = since.getEpochSecond();
    attributes.mtimeSeconds = since.getEpochSecond();
    attributes.ctimeSeconds = since.getEpochSecond();
    attributes.btimeSeconds = since.getEpochSecond();
    return new LcpfsFileAttributes(fs, attributes);
  }

  @Override
  void checkAccess(LcpfsPath path, AccessMode... modes) throws IOException {
    LcpfsFileAttributes _ = stat(path, true);
    boolean changeable = ofSnapshots && name == null && !fs.isReadOnly() && fs.caller().uid() == 0;
    if (Arrays.asList(modes).contains(AccessMode.WRITE) && !changeable) {
      throw new AccessDeniedException(path.toString(), null, "Read-only file system");
    }
  }

  @Override
  LcpfsPath readSymbolicLink(LcpfsPath link) throws IOException {
    LcpfsFileAttributes _ = stat(link, false);
    throw new NotLinkException(link.toString());
  }

  @Override
  long inode(LcpfsPath path, boolean follow) throws IOException {
    return stat(path, follow).raw().inode;
  }

  @Override
  LcpfsFileChannel open(LcpfsPath path, ChannelMode mode, int permissions) throws IOException {
    boolean there = find(path, true) != null;
    if (there && mode.isNew()) {
      throw new FileAlreadyExistsException(path.toString());
    }
    if (there) {
      throw new FileSystemException(path.toString(), null, "Is a directory");
    }
    if (mode.creates()) {
      throw new ReadOnlyFileSystemException();
    }
    throw new NoSuchFileException(path.toString());
  }

  @Override
  DirectoryStream<Path> list(
      LcpfsPath path, LcpfsPath shown, DirectoryStream.Filter<? super Path> filter)
      throws IOException {
    LcpfsFileAttributes _ = stat(path, true);
    List<Path> entries = new ArrayList<>();
    try {
      if (ofSnapshots) {
        snapshots.list().forEach(one -> entries.add(shown.resolve(one.name().getBytes(UTF_8))));
      } else {
        entries.add(shown.resolve(SnapshotWay.SNAPSHOTS));
      }
    } catch (RuntimeException e) {
      throw fs.failure(e, path, null);
    }
    return new Listed(entries, filter);
  }

  /** Names that are known, each shown once. */
  private static final class Listed implements DirectoryStream<Path> {
    private final Iterator<Path> entries;
    private final DirectoryStream.Filter<? super Path> filter;
    private volatile boolean closed;
    private boolean given;

    Listed(List<Path> entries, DirectoryStream.Filter<? super Path> filter) {
      this.entries = entries.iterator();
      this.filter = filter;
    }

    @Override
    public Iterator<Path> iterator() {
      if (closed || given) {
        throw new IllegalStateException(
            closed ? "the directory stream is closed" : "there was an iterator already");
      }
      given = true;
      List<Path> accepted = new ArrayList<>();
      entries.forEachRemaining(
          entry -> {
            try {
              if (filter.accept(entry)) {
                accepted.add(entry);
              }
            } catch (IOException e) {
              throw new DirectoryIteratorException(e);
            }
          });
      return List.copyOf(accepted).iterator();
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  // ---- changing

  /** The name of a snapshot that may be changed. */
  private String changed() {
    fs.checkWritable();
    byte[] wanted = name;
    if (!ofSnapshots || wanted == null) {
      throw new ReadOnlyFileSystemException();
    }
    if (fs.caller().uid() != 0) {
      throw PoolException.posix(Errno.EPERM, "snapshots are user 0's to take and destroy");
    }
    String text = new String(wanted, UTF_8);
    if (!Arrays.equals(text.getBytes(UTF_8), wanted)) {
      throw PoolException.posix(Errno.EINVAL, "a name of a snapshot that is no text");
    }
    return text;
  }

  @Override
  void createDirectory(LcpfsPath directory, FileAttribute<?>... attributes) throws IOException {
    int _ = ChannelMode.permissions(attributes, CHANGEABLE_MODE);
    if (find(directory, false) != null) {
      throw new FileAlreadyExistsException(directory.toString());
    }
    try {
      snapshots.take(changed());
    } catch (PoolException e) {
      throw fs.failure(e, directory, null);
    }
  }

  @Override
  void delete(LcpfsPath path) throws IOException {
    LcpfsFileAttributes _ = stat(path, false);
    try {
      snapshots.destroy(changed());
    } catch (PoolException e) {
      throw fs.failure(e, path, null);
    }
  }

  @Override
  void delete(LcpfsPath path, boolean directory) throws IOException {
    delete(path);
  }

  /** Whether a path is the name of a snapshot, or one that a snapshot could have. */
  static boolean isSnapshot(LcpfsPath path) {
    return path.calls() instanceof ControlCalls calls && calls.ofSnapshots && calls.name != null;
  }

  @Override
  void rename(LcpfsPath from, FileCalls toCalls, LcpfsPath to, int flags) throws IOException {
    LcpfsFileAttributes _ = stat(from, false);
    String old = changed();
    if (!(toCalls instanceof ControlCalls target) || !isSnapshot(to)) {
      throw new FileSystemException(
          from.toString(),
          to.toString(),
          "a snapshot stays with its dataset; give it another name in the same directory");
    }
    try {
      String wanted = target.changed();
      if (!wanted.equals(old)) {
        snapshots.rename(old, wanted);
      }
    } catch (PoolException e) {
      throw fs.failure(e, from, to);
    }
  }

  @Override
  void createSymbolicLink(LcpfsPath link, LcpfsPath target, FileAttribute<?>... attributes)
      throws IOException {
    refuse(link);
  }

  @Override
  void createLink(LcpfsPath link, LcpfsPath existing) throws IOException {
    refuse(link);
  }

  @Override
  void createNode(LcpfsPath path, int mode, long rdev) throws IOException {
    refuse(path);
  }

  private void refuse(LcpfsPath path) throws IOException {
    if (find(path, false) != null) {
      throw new FileAlreadyExistsException(path.toString());
    }
    throw new ReadOnlyFileSystemException();
  }

  @Override
  void setAttributes(LcpfsPath path, boolean follow, SetAttr change) throws IOException {
    LcpfsFileAttributes _ = stat(path, follow);
    throw new ReadOnlyFileSystemException();
  }

  // ---- extended attributes: there are none

  @Override
  byte[] xattr(LcpfsPath path, boolean follow, byte[] attribute) throws IOException {
    LcpfsFileAttributes _ = stat(path, follow);
    throw fs.failure(PoolException.posix(Errno.ENODATA, "no such attribute"), path, null);
  }

  @Override
  List<byte[]> xattrs(LcpfsPath path, boolean follow) throws IOException {
    LcpfsFileAttributes _ = stat(path, follow);
    return List.of();
  }

  @Override
  void setXattr(LcpfsPath path, boolean follow, byte[] attribute, byte[] value) throws IOException {
    setAttributes(path, follow, new SetAttr());
  }

  @Override
  void removeXattr(LcpfsPath path, boolean follow, byte[] attribute) throws IOException {
    setAttributes(path, follow, new SetAttr());
  }
}
