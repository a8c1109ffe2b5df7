package io.lcpfs.sim.model;

import java.io.Serializable;
import java.util.Arrays;

/**
 * One call into a file system, as data. Paths are absolute, components joined by '/', never '.' or
 * '..', never through a symbolic link; the caller is uid 0, gid 0, umask 0. Errors and their
 * precedence are those of Linux.
 */
public sealed interface Op extends Serializable {

  /** How {@link Rename} treats a name that is taken. */
  enum RenameMode {
    REPLACE,
    NO_REPLACE,
    EXCHANGE
  }

  /** How {@link SetXattr} treats a name that is taken. */
  enum XattrMode {
    SET,
    CREATE,
    REPLACE
  }

  /** mkdir(2). */
  record Mkdir(String path, int mode) implements Op {}

  /** open(2) with O_CREAT | O_EXCL, then close. */
  record Create(String path, int mode) implements Op {}

  /** mknod(2) of a FIFO, socket or device. */
  record Mknod(String path, NodeKind kind, int mode, long rdev) implements Op {}

  /** symlink(2). */
  record Symlink(String path, String target) implements Op {}

  /** link(2), which does not follow {@code existing}. */
  record Link(String existing, String path) implements Op {}

  /** unlink(2). */
  record Unlink(String path) implements Op {}

  /** rmdir(2). */
  record Rmdir(String path) implements Op {}

  /** renameat2(2). */
  record Rename(String from, String to, RenameMode mode) implements Op {}

  /** open(2) with O_RDWR | O_NOFOLLOW under a number of the caller's choice. */
  record Open(int handle, String path) implements Op {}

  /** close(2). */
  record Close(int handle) implements Op {}

  /**
   * pwrite(2) of {@code length} bytes.
   *
   * @param contentSeed which bytes, see {@link Contents#bytes}
   * @param contentStart how many of those bytes come before the first one written
   */
  record Write(FileRef file, long offset, int length, long contentSeed, int contentStart)
      implements Op {

    public Write(FileRef file, long offset, int length, long contentSeed) {
      this(file, offset, length, contentSeed, 0);
    }

    /** The bytes to write. */
    public byte[] content() {
      byte[] all = Contents.bytes(contentSeed, contentStart + length);
      return contentStart == 0 ? all : Arrays.copyOfRange(all, contentStart, all.length);
    }

    /** The piece of {@code pieceLength} bytes that begins {@code from} bytes into this write. */
    public Write piece(int from, int pieceLength) {
      return new Write(file, offset + from, pieceLength, contentSeed, contentStart + from);
    }
  }

  /** pread(2). */
  record Read(FileRef file, long offset, int length) implements Op {}

  /** truncate(2), ftruncate(2). */
  record Truncate(FileRef file, long size) implements Op {}

  /** fallocate(2) with FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE. */
  record PunchHole(FileRef file, long offset, long length) implements Op {}

  /** copy_file_range(2). */
  record CopyRange(FileRef from, long fromOffset, FileRef to, long toOffset, int length)
      implements Op {

    /** The piece of {@code pieceLength} bytes that begins {@code at} bytes into this copy. */
    public CopyRange piece(int at, int pieceLength) {
      return new CopyRange(from, fromOffset + at, to, toOffset + at, pieceLength);
    }
  }

  /** fsync(2). */
  record Fsync(FileRef file) implements Op {}

  /** chmod(2) without following; permission bits only. */
  record Chmod(String path, int mode) implements Op {}

  /** lchown(2). */
  record Chown(String path, int uid, int gid) implements Op {}

  /** utimensat(2) without following; nanoseconds since 1970. */
  record SetTimes(String path, long atimeNanos, long mtimeNanos) implements Op {}

  /** lsetxattr(2). */
  record SetXattr(String path, String name, int length, long contentSeed, XattrMode mode)
      implements Op {}

  /** lgetxattr(2). */
  record GetXattr(String path, String name) implements Op {}

  /** lremovexattr(2). */
  record RemoveXattr(String path, String name) implements Op {}

  /** llistxattr(2); names in the order of String.compareTo. */
  record ListXattr(String path) implements Op {}

  /** lstat(2). */
  record Stat(String path) implements Op {}

  /** readlink(2). */
  record Readlink(String path) implements Op {}

  /** All names of a directory but '.' and '..', in the order of String.compareTo. */
  record Readdir(String path) implements Op {}

  /** Whether the state may be another after this. */
  default boolean changes() {
    return switch (this) {
      case Read r -> false;
      case GetXattr g -> false;
      case ListXattr l -> false;
      case Stat s -> false;
      case Readlink r -> false;
      case Readdir r -> false;
      case Fsync f -> false;
      case Open o -> false;
      default -> true;
    };
  }
}
