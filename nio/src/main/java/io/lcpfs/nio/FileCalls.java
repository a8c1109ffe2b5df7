package io.lcpfs.nio;

import io.lcpfs.error.Errno;
import io.lcpfs.posix.AttrBuffer;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.SetAttr;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The calls on paths. Relative ones begin at the root of the file system, or at the open directory
 * that these calls were made for. {@link ControlCalls} are those on the directories that lead to
 * snapshots.
 */
class FileCalls {
  private static final int DIRECTORY_MODE = 0777;
  private static final int MOST_LINKS = 40;

  private final LcpfsFileSystem fs;
  private final PathCalls calls;

  /** Where relative paths begin. */
  private final long start;

  FileCalls(LcpfsFileSystem fs, PathCalls calls, long start) {
    this.fs = fs;
    this.calls = calls;
    this.start = start;
  }

  /** Whether links are followed; knows no other option. */
  static boolean follows(LinkOption... options) {
    for (LinkOption option : options) {
      if (Objects.requireNonNull(option) == LinkOption.NOFOLLOW_LINKS) {
        return false;
      }
    }
    return true;
  }

  LcpfsFileSystem fs() {
    return fs;
  }

  private IOException failure(RuntimeException e, Path path) {
    return fs.failure(e, path, null);
  }

  // ---- looking

  LcpfsFileAttributes stat(LcpfsPath path, boolean follow) throws IOException {
    fs.checkOpen();
    AttrBuffer attributes = new AttrBuffer();
    try {
      calls.stat(path.forCall(), follow, fs.caller(), attributes);
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
    return new LcpfsFileAttributes(fs, attributes);
  }

  /** As {@link #stat}, but null where nothing is. */
  @Nullable LcpfsFileAttributes find(LcpfsPath path, boolean follow) throws IOException {
    fs.checkOpen();
    AttrBuffer attributes = new AttrBuffer();
    try {
      calls.stat(path.forCall(), follow, fs.caller(), attributes);
    } catch (RuntimeException e) {
      if (Failures.is(e, Errno.ENOENT) && fs.isOpen()) {
        return null;
      }
      throw failure(e, path);
    }
    return new LcpfsFileAttributes(fs, attributes);
  }

  void checkAccess(LcpfsPath path, AccessMode... modes) throws IOException {
    fs.checkOpen();
    int mask = 0;
    for (AccessMode mode : modes) {
      mask |=
          switch (mode) {
            case READ -> OpenFlags.R_OK;
            case WRITE -> OpenFlags.W_OK;
            case EXECUTE -> OpenFlags.X_OK;
          };
    }
    if (mask == 0) {
      LcpfsFileAttributes _ = stat(path, true);
      return;
    }
    try {
      calls.access(path.forCall(), mask, fs.caller());
    } catch (RuntimeException e) {
      if (Failures.is(e, Errno.EROFS)) {
        throw denied(path, "Read-only file system");
      }
      throw failure(e, path);
    }
    if ((mask & OpenFlags.W_OK) != 0 && fs.isReadOnly()) {
      throw denied(path, "Read-only file system");
    }
  }

  private static AccessDeniedException denied(LcpfsPath path, String why) {
    return new AccessDeniedException(path.toString(), null, why);
  }

  LcpfsPath readSymbolicLink(LcpfsPath link) throws IOException {
    fs.checkOpen();
    try {
      byte[] target = calls.readlink(link.forCall(), fs.caller());
      return new LcpfsPath(fs, PathText.normalize(target));
    } catch (RuntimeException e) {
      if (Failures.is(e, Errno.EINVAL) && fs.isOpen()) {
        throw new NotLinkException(link.toString());
      }
      throw failure(e, link);
    }
  }

  /** The path by which a file is reached without links, '.' and '..'. */
  LcpfsPath realPath(LcpfsPath path, boolean follow) throws IOException {
    if (path.isReached()) {
      LcpfsFileAttributes _ = stat(path, follow);
      return path.unreached();
    }
    LcpfsPath at = fs.root();
    Deque<byte[]> left = new ArrayDeque<>();
    push(left, path.toAbsolutePath());
    int links = 0;
    while (!left.isEmpty()) {
      byte[] name = left.pop();
      if (name.length == 1 && name[0] == '.') {
        continue;
      }
      if (name.length == 2 && name[0] == '.' && name[1] == '.') {
        LcpfsPath parent = at.getParent();
        at = parent == null ? at : parent;
        continue;
      }
      LcpfsPath next = at.resolve(name);
      LcpfsFileAttributes found = stat(next, false);
      // Without following, a link in the middle stays, but ".." behind it would lead elsewhere.
      boolean resolves = follow || left.stream().anyMatch(n -> Arrays.equals(n, DOT_DOT));
      if (!found.isSymbolicLink() || !resolves) {
        at = next;
        continue;
      }
      if (++links > MOST_LINKS) {
        throw new FileSystemException(path.toString(), null, "Too many levels of symbolic links");
      }
      LcpfsPath target = readSymbolicLink(next);
      at = target.isAbsolute() ? fs.root() : at;
      push(left, target);
    }
    LcpfsFileAttributes _ = stat(at, follow);
    return at;
  }

  private static final byte[] DOT_DOT = {'.', '.'};

  private static void push(Deque<byte[]> to, LcpfsPath names) {
    for (int i = names.getNameCount() - 1; i >= 0; i--) {
      to.push(names.nameBytes(i));
    }
  }

  long inode(LcpfsPath path, boolean follow) throws IOException {
    fs.checkOpen();
    try {
      return calls.resolve(path.forCall(), follow, fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
  }

  // ---- opening

  LcpfsFileChannel open(
      LcpfsPath path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    ChannelMode mode = ChannelMode.of(options);
    int permissions = ChannelMode.permissions(attributes, ChannelMode.FILE_PERMISSIONS);
    return open(path, mode, permissions);
  }

  LcpfsFileChannel open(LcpfsPath path, ChannelMode mode, int permissions) throws IOException {
    fs.checkOpen();
    if (mode.write()) {
      fs.checkWritable();
    }
    boolean watched = mode.write() && fs.shared().watchers.active();
    boolean existed = watched && find(path, true) != null;
    FileHandle handle;
    try {
      handle = calls.open(path.forCall(), mode.flags(), permissions, fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
    LcpfsFileChannel channel = new LcpfsFileChannel(fs, handle, path, this, mode);
    try {
      fs.opened(channel);
      if (watched && !existed) {
        changed(followed(path), StandardWatchEventKinds.ENTRY_CREATE);
      } else if (watched && (mode.flags() & OpenFlags.O_TRUNC) != 0) {
        modified(path, true);
      }
      if (mode.deleteOnClose()) {
        // The file lives on until its last handle is closed; its name goes now, as on Linux.
        delete(path);
      }
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
    return channel;
  }

  LcpfsDirectoryStream openDirectory(
      LcpfsPath path, LcpfsPath shown, boolean follow, DirectoryStream.Filter<? super Path> filter)
      throws IOException {
    Objects.requireNonNull(filter);
    fs.checkOpen();
    FileHandle handle;
    try {
      int flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | (follow ? 0 : OpenFlags.O_NOFOLLOW);
      handle = calls.open(path.forCall(), flags, 0, fs.caller());
    } catch (RuntimeException e) {
      if (Failures.is(e, Errno.ENOTDIR) && fs.isOpen()) {
        throw new NotDirectoryException(path.toString());
      }
      throw failure(e, path);
    }
    LcpfsDirectoryStream stream = new LcpfsDirectoryStream(fs, handle, shown, filter);
    try {
      fs.opened(stream);
    } catch (RuntimeException e) {
      stream.close();
      throw e;
    }
    return stream;
  }

  /** The entries of a directory that users know as {@code shown}. */
  DirectoryStream<Path> list(
      LcpfsPath path, LcpfsPath shown, DirectoryStream.Filter<? super Path> filter)
      throws IOException {
    LcpfsDirectoryStream stream = openDirectory(path, shown, true, filter);
    return fs.isBehindDataset() ? new Plain(stream) : stream;
  }

  /**
   * A directory of a snapshot: nobody can put another in its place, so that calls by path are as
   * safe as those of the open directory, which would not know the way out of the snapshot.
   */
  private record Plain(LcpfsDirectoryStream stream) implements DirectoryStream<Path> {
    @Override
    public Iterator<Path> iterator() {
      return stream.iterator();
    }

    @Override
    public void close() throws IOException {
      stream.close();
    }
  }

  // ---- names

  void createDirectory(LcpfsPath directory, FileAttribute<?>... attributes) throws IOException {
    int mode = ChannelMode.permissions(attributes, DIRECTORY_MODE);
    // As mkdir(2): what is there is said first, so that createDirectories works read-only too.
    if (fs.isReadOnly() && find(directory, false) != null) {
      throw new FileAlreadyExistsException(directory.toString());
    }
    fs.checkWritable();
    try {
      calls.mkdir(directory.forCall(), mode, fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, directory);
    }
    changed(directory, StandardWatchEventKinds.ENTRY_CREATE);
  }

  void createSymbolicLink(LcpfsPath link, LcpfsPath target, FileAttribute<?>... attributes)
      throws IOException {
    if (attributes.length > 0) {
      Objects.requireNonNull(attributes[0]);
      throw new UnsupportedOperationException("a symbolic link has no initial attributes");
    }
    fs.checkWritable();
    try {
      calls.symlink(target.bytes(), link.forCall(), fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, link);
    }
    changed(link, StandardWatchEventKinds.ENTRY_CREATE);
  }

  void createLink(LcpfsPath link, LcpfsPath existing) throws IOException {
    fs.checkWritable();
    try {
      calls.link(existing.forCall(), link.forCall(), fs.caller());
    } catch (RuntimeException e) {
      throw fs.failure(e, link, existing);
    }
    changed(link, StandardWatchEventKinds.ENTRY_CREATE);
  }

  /** Removes whatever is there: a file, a link or an empty directory. */
  void delete(LcpfsPath path) throws IOException {
    fs.checkWritable();
    try {
      try {
        calls.unlink(path.forCall(), fs.caller());
      } catch (RuntimeException e) {
        if (!Failures.is(e, Errno.EISDIR)) {
          throw e;
        }
        removeDirectory(path);
      }
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
    changed(path, StandardWatchEventKinds.ENTRY_DELETE);
  }

  private void removeDirectory(LcpfsPath path) {
    WatchHub watchers = fs.shared().watchers;
    long inode =
        watchers.active() ? calls.resolve(path.forCall(), false, fs.caller()) : WatchHub.NONE;
    calls.rmdir(path.forCall(), fs.caller());
    watchers.directoryGone(inode);
  }

  /** Removes a file that must not be a directory, or an empty directory. */
  void delete(LcpfsPath path, boolean directory) throws IOException {
    fs.checkWritable();
    try {
      if (directory) {
        removeDirectory(path);
      } else {
        calls.unlink(path.forCall(), fs.caller());
      }
    } catch (RuntimeException e) {
      if (directory && Failures.is(e, Errno.ENOTDIR) && fs.isOpen()) {
        throw new NotDirectoryException(path.toString());
      }
      throw failure(e, path);
    }
    changed(path, StandardWatchEventKinds.ENTRY_DELETE);
  }

  /** Renames to a path below another directory, or the same. */
  void rename(LcpfsPath from, FileCalls toCalls, LcpfsPath to, int flags) throws IOException {
    fs.checkWritable();
    WatchHub watchers = fs.shared().watchers;
    long replaced;
    try {
      replaced = watchers.active() ? toCalls.directoryAt(to) : WatchHub.NONE;
      if (toCalls.start == start) {
        calls.rename(from.forCall(), to.forCall(), flags, fs.caller());
      } else {
        fs.posix()
            .rename(
                parentInode(from),
                lastName(from),
                toCalls.parentInode(to),
                lastName(to),
                flags,
                fs.caller());
      }
    } catch (RuntimeException e) {
      throw fs.failure(e, from, to);
    }
    watchers.directoryGone(replaced);
    changed(from, StandardWatchEventKinds.ENTRY_DELETE);
    toCalls.changed(to, StandardWatchEventKinds.ENTRY_CREATE);
  }

  /** The inode of a directory that a rename would replace, or NONE. */
  private long directoryAt(LcpfsPath path) throws IOException {
    LcpfsFileAttributes there = find(path, false);
    return there != null && there.isDirectory() ? there.raw().inode : WatchHub.NONE;
  }

  private static byte[] lastName(LcpfsPath path) {
    int count = path.getNameCount();
    return count == 0
        ? new byte[] {'.'}
        : path.isEmpty() ? path.forCall() : path.nameBytes(count - 1);
  }

  private long parentInode(LcpfsPath path) {
    LcpfsPath parent = path.getParent();
    if (parent == null) {
      return path.isAbsolute() ? fs.posix().rootInode() : start;
    }
    return calls.resolve(parent.forCall(), true, fs.caller());
  }

  // ---- attributes

  void setAttributes(LcpfsPath path, boolean follow, SetAttr change) throws IOException {
    fs.checkWritable();
    try {
      calls.setattr(path.forCall(), follow, change, fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
    modified(path, follow);
  }

  PathCalls engine() {
    return calls;
  }

  /** Makes something that is neither a file nor a directory nor a link. */
  void createNode(LcpfsPath path, int mode, long rdev) throws IOException {
    fs.checkWritable();
    try {
      calls.mknod(path.forCall(), mode, rdev, fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
  }

  byte[] xattr(LcpfsPath path, boolean follow, byte[] name) throws IOException {
    fs.checkOpen();
    try {
      return calls.getxattr(path.forCall(), follow, name, fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
  }

  void setXattr(LcpfsPath path, boolean follow, byte[] name, byte[] value) throws IOException {
    fs.checkWritable();
    try {
      calls.setxattr(path.forCall(), follow, name, value, 0, fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
  }

  List<byte[]> xattrs(LcpfsPath path, boolean follow) throws IOException {
    fs.checkOpen();
    try {
      return calls.listxattr(path.forCall(), follow, fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
  }

  void removeXattr(LcpfsPath path, boolean follow, byte[] name) throws IOException {
    fs.checkWritable();
    try {
      calls.removexattr(path.forCall(), follow, name, fs.caller());
    } catch (RuntimeException e) {
      throw failure(e, path);
    }
  }

  // ---- watching

  /** Tells the watchers of the directory that has a file whose content or attributes changed. */
  void modified(LcpfsPath path, boolean follow) throws IOException {
    if (fs.shared().watchers.active()) {
      changed(follow ? followed(path) : path, StandardWatchEventKinds.ENTRY_MODIFY);
    }
  }

  /** Where the links at the end of a path lead. */
  private LcpfsPath followed(LcpfsPath path) throws IOException {
    LcpfsPath at = path;
    for (int links = 0; links < MOST_LINKS; links++) {
      LcpfsFileAttributes found = find(at, false);
      if (found == null || !found.isSymbolicLink()) {
        return at;
      }
      LcpfsPath target = readSymbolicLink(at);
      LcpfsPath parent = at.getParent();
      at = parent == null ? target : parent.resolve(target);
    }
    return at;
  }

  /** Tells the watchers of the directory that {@code path} is in, if there are any. */
  void changed(LcpfsPath path, WatchEvent.Kind<Path> kind) {
    WatchHub watchers = fs.shared().watchers;
    if (!watchers.active() || path.isEmpty() || path.getNameCount() == 0) {
      return;
    }
    long directory;
    try {
      directory = parentInode(path);
    } catch (RuntimeException e) {
      if (Failures.is(e, Errno.ENOENT)) {
        return; // The directory went meanwhile, and its watchers were told so.
      }
      throw e;
    }
    watchers.event(directory, lastName(path), kind);
  }
}
