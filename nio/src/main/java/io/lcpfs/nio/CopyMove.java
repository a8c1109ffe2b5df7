package io.lcpfs.nio;

import io.lcpfs.error.Errno;
import io.lcpfs.nio.SnapshotWay.End;
import io.lcpfs.posix.AttrBuffer;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Copies and moves between paths of this provider, also of different datasets and pools. */
final class CopyMove {
  private static final int PERMISSIONS = 0777;
  private static final int SPECIAL_BITS = 07777;

  private final boolean replace;
  private final boolean attributes;
  private final boolean atomic;
  private final boolean follow;

  private CopyMove(boolean move, CopyOption... options) {
    boolean replaces = false;
    boolean copiesAttributes = move;
    boolean isAtomic = false;
    boolean follows = !move;
    for (CopyOption option : options) {
      if (option == StandardCopyOption.REPLACE_EXISTING) {
        replaces = true;
      } else if (option == StandardCopyOption.COPY_ATTRIBUTES && !move) {
        copiesAttributes = true;
      } else if (option == StandardCopyOption.ATOMIC_MOVE && move) {
        isAtomic = true;
      } else if (option == LinkOption.NOFOLLOW_LINKS) {
        follows = false;
      } else {
        Objects.requireNonNull(option);
        throw new UnsupportedOperationException(option + " is not supported here");
      }
    }
    replace = replaces;
    attributes = copiesAttributes;
    atomic = isAtomic;
    follow = follows;
  }

  static void copy(LcpfsPath source, LcpfsPath target, CopyOption... options) throws IOException {
    CopyMove copy = new CopyMove(false, options);
    End end = copy.follow ? End.FOLLOWED : End.ITSELF;
    boolean _ = both(source, end, target, End.ITSELF, copy::copy);
  }

  static void move(LcpfsPath source, LcpfsPath target, CopyOption... options) throws IOException {
    CopyMove move = new CopyMove(true, options);
    boolean _ = both(source, End.NAME, target, End.NAME, move::move);
  }

  /** What is done with two paths. */
  interface Both {
    void on(LcpfsPath source, LcpfsPath target) throws IOException;
  }

  /** Does something where two paths lead. */
  static boolean both(LcpfsPath source, End from, LcpfsPath target, End to, Both call)
      throws IOException {
    return SnapshotWay.reach(
        source,
        from,
        first ->
            SnapshotWay.reach(
                target,
                to,
                second -> {
                  call.on(first, second);
                  return true;
                }));
  }

  static void requireSameStore(LcpfsFileSystem from, LcpfsFileSystem to, Path source, Path target)
      throws IOException {
    if (!from.posix().equals(to.posix())) {
      throw new AtomicMoveNotSupportedException(
          source.toString(), target.toString(), "they are in different datasets");
    }
  }

  private static boolean same(
      LcpfsPath a, LcpfsFileAttributes first, LcpfsPath b, @Nullable LcpfsFileAttributes second) {
    return second != null
        && a.getFileSystem().posix().equals(b.getFileSystem().posix())
        && first.raw().inode == second.raw().inode;
  }

  // ---- copying

  private void copy(LcpfsPath source, LcpfsPath target) throws IOException {
    LcpfsFileAttributes from = calls(source).stat(source, follow);
    LcpfsFileAttributes there = calls(target).find(target, false);
    if (same(source, from, target, there)) {
      return;
    }
    calls(target).fs().checkWritable();
    if (there != null) {
      if (!replace) {
        throw new FileAlreadyExistsException(target.toString());
      }
      calls(target).delete(target);
    }
    copy(source, from, target);
  }

  private static FileCalls calls(LcpfsPath path) {
    return path.calls();
  }

  private void copy(LcpfsPath source, LcpfsFileAttributes from, LcpfsPath target)
      throws IOException {
    if (from.isSymbolicLink()) {
      byte[] link = calls(source).readSymbolicLink(source).bytes();
      calls(target).createSymbolicLink(target, new LcpfsPath(target.getFileSystem(), link));
    } else if (from.isDirectory()) {
      calls(target).createDirectory(target);
    } else if (from.isRegularFile()) {
      copyContent(source, from, target);
    } else {
      calls(target).createNode(target, from.raw().mode, from.raw().rdev);
    }
    if (attributes) {
      try {
        copyAttributes(source, from.raw(), target, from.isSymbolicLink());
      } catch (IOException | RuntimeException e) {
        calls(target).delete(target);
        throw e;
      }
    }
  }

  private void copyContent(LcpfsPath source, LcpfsFileAttributes from, LcpfsPath target)
      throws IOException {
    ChannelMode write =
        ChannelMode.of(Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW));
    ChannelMode read = ChannelMode.of(Set.of(StandardOpenOption.READ));
    int permissions = from.raw().mode & PERMISSIONS;
    try (LcpfsFileChannel in = calls(source).open(source, read, 0);
        LcpfsFileChannel out = calls(target).open(target, write, permissions)) {
      try {
        in.copyTo(out);
      } catch (IOException | RuntimeException e) {
        calls(target).delete(target);
        throw e;
      }
    }
  }

  private void copyAttributes(LcpfsPath source, AttrBuffer from, LcpfsPath target, boolean link)
      throws IOException {
    FileCalls to = calls(target);
    FileTarget copy = new FileTarget.OfPath(to, target, false);
    if (!link) {
      FileTarget original = new FileTarget.OfPath(calls(source), source, follow);
      for (byte[] name : copy.xattrs()) {
        copy.removeXattr(name); // inherited from the directory
      }
      for (byte[] name : original.xattrs()) {
        if (isCopied(name)) {
          copy.setXattr(name, original.xattr(name));
        }
      }
    }
    AttrBuffer now = to.stat(target, false).raw();
    if (now.uid != from.uid || now.gid != from.gid) {
      try {
        to.setAttributes(target, false, new SetAttr().uid(from.uid).gid(from.gid));
      } catch (FileSystemException e) {
        // Only the privileged may give a file away: then the copy is the caller's own.
        if (!(e.getCause() instanceof RuntimeException cause) || !Failures.is(cause, Errno.EPERM)) {
          throw e;
        }
      }
    }
    SetAttr last =
        new SetAttr()
            .atime(from.atimeSeconds, from.atimeNanos)
            .mtime(from.mtimeSeconds, from.mtimeNanos);
    to.setAttributes(target, false, link ? last : last.mode(from.mode & SPECIAL_BITS));
  }

  private static boolean isCopied(byte[] name) {
    String text = PathText.decode(name);
    return text.startsWith("user.")
        || text.equals(PosixFileSystem.XATTR_ACCESS_LIST)
        || text.equals(PosixFileSystem.XATTR_DEFAULT_LIST);
  }

  // ---- moving

  private void move(LcpfsPath source, LcpfsPath target) throws IOException {
    FileCalls from = calls(source);
    FileCalls to = calls(target);
    if (ControlCalls.isSnapshot(source)) {
      from.rename(source, to, target, 0);
      return;
    }
    boolean sameStore = source.getFileSystem().posix().equals(target.getFileSystem().posix());
    if (atomic) {
      requireSameStore(source.getFileSystem(), target.getFileSystem(), source, target);
      from.rename(source, to, target, 0);
      return;
    }
    LcpfsFileAttributes moved = from.stat(source, false);
    LcpfsFileAttributes there = to.find(target, false);
    if (same(source, moved, target, there)) {
      return;
    }
    from.fs().checkWritable();
    to.fs().checkWritable();
    if (there != null && !replace) {
      throw new FileAlreadyExistsException(target.toString());
    }
    if (!sameStore) {
      moveAcross(source, moved, target, there != null);
      return;
    }
    // Both of a kind are replaced in one step; otherwise the one in the way goes first.
    if (there != null && there.isDirectory() != moved.isDirectory()) {
      to.delete(target);
    }
    from.rename(source, to, target, replace ? 0 : OpenFlags.RENAME_NOREPLACE);
  }

  private void moveAcross(
      LcpfsPath source, LcpfsFileAttributes moved, LcpfsPath target, boolean occupied)
      throws IOException {
    if (moved.isDirectory()) {
      try (LcpfsDirectoryStream entries =
          calls(source).openDirectory(source, source, false, entry -> true)) {
        if (entries.iterator().hasNext()) {
          throw new DirectoryNotEmptyException(source.toString());
        }
      }
    }
    if (occupied) {
      calls(target).delete(target);
    }
    copy(source, moved, target);
    try {
      calls(source).delete(source);
    } catch (NoSuchFileException e) {
      throw e; // somebody else removed it meanwhile: what was moved must stay
    } catch (IOException | RuntimeException e) {
      calls(target).delete(target);
      throw e;
    }
  }
}
