package io.lcpfs.nio;

import io.lcpfs.posix.OpenFlags;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Set;

/**
 * How a channel is opened.
 *
 * @param flags for the engine, see {@link OpenFlags}
 */
record ChannelMode(boolean read, boolean write, boolean append, boolean deleteOnClose, int flags) {

  static final int FILE_PERMISSIONS = 0666;

  static ChannelMode of(Set<? extends OpenOption> options) {
    boolean read = false;
    boolean write = false;
    boolean append = false;
    boolean truncate = false;
    boolean create = false;
    boolean createNew = false;
    boolean deleteOnClose = false;
    boolean sync = false;
    boolean dataSync = false;
    boolean noFollow = false;
    for (OpenOption option : options) {
      if (option instanceof StandardOpenOption standard) {
        switch (standard) {
          case READ -> read = true;
          case WRITE -> write = true;
          case APPEND -> append = true;
          case TRUNCATE_EXISTING -> truncate = true;
          case CREATE -> create = true;
          case CREATE_NEW -> createNew = true;
          case DELETE_ON_CLOSE -> deleteOnClose = true;
          case SYNC -> sync = true;
          case DSYNC -> dataSync = true;
          case SPARSE -> {
            // Every file here is sparse.
          }
        }
      } else if (option == LinkOption.NOFOLLOW_LINKS) {
        noFollow = true;
      } else {
        Objects.requireNonNull(option);
        throw new UnsupportedOperationException(option + " is not supported");
      }
    }
    if (append && read) {
      throw new IllegalArgumentException("READ and APPEND exclude each other");
    }
    if (append && truncate) {
      throw new IllegalArgumentException("APPEND and TRUNCATE_EXISTING exclude each other");
    }
    write |= append;
    read |= !write;
    int flags = write ? read ? OpenFlags.O_RDWR : OpenFlags.O_WRONLY : OpenFlags.O_RDONLY;
    if (write) {
      flags |= append ? OpenFlags.O_APPEND : 0;
      flags |= truncate ? OpenFlags.O_TRUNC : 0;
      flags |= createNew ? OpenFlags.O_CREAT | OpenFlags.O_EXCL : 0;
      flags |= create ? OpenFlags.O_CREAT : 0;
      flags |= sync ? OpenFlags.O_SYNC : 0;
      flags |= dataSync ? OpenFlags.O_DSYNC : 0;
    }
    // A name that is about to be removed must be the file's own.
    flags |= noFollow || deleteOnClose ? OpenFlags.O_NOFOLLOW : 0;
    return new ChannelMode(read, write, append, deleteOnClose, flags);
  }

  /** Whether it makes a file that is missing. */
  boolean creates() {
    return (flags & OpenFlags.O_CREAT) != 0;
  }

  /** Whether the file must be new. */
  boolean isNew() {
    return (flags & OpenFlags.O_EXCL) != 0;
  }

  /** What it wants of a link at the end of a path. */
  SnapshotWay.End end() {
    return isNew() || (flags & OpenFlags.O_NOFOLLOW) != 0
        ? SnapshotWay.End.ITSELF
        : SnapshotWay.End.FOLLOWED;
  }

  /**
   * The permissions among the attributes of a new file.
   *
   * @throws UnsupportedOperationException for other attributes
   */
  static int permissions(FileAttribute<?>[] attributes, int otherwise) {
    int mode = otherwise;
    for (FileAttribute<?> attribute : attributes) {
      String name = Objects.requireNonNull(attribute).name();
      if (!name.equals("posix:permissions") && !name.equals("unix:permissions")) {
        throw new UnsupportedOperationException(name + " cannot be set on creation");
      }
      mode = mode((Set<?>) Objects.requireNonNull(attribute.value()));
    }
    return mode;
  }

  /** The mode bits of a set of permissions. */
  static int mode(Set<?> permissions) {
    int mode = 0;
    for (Object one : permissions) {
      PosixFilePermission permission = (PosixFilePermission) Objects.requireNonNull(one);
      mode |= bit(permission);
    }
    return mode;
  }

  static int bit(PosixFilePermission permission) {
    return switch (permission) {
      case OWNER_READ -> 0400;
      case OWNER_WRITE -> 0200;
      case OWNER_EXECUTE -> 0100;
      case GROUP_READ -> 040;
      case GROUP_WRITE -> 020;
      case GROUP_EXECUTE -> 010;
      case OTHERS_READ -> 04;
      case OTHERS_WRITE -> 02;
      case OTHERS_EXECUTE -> 01;
    };
  }
}
