package io.lcpfs.nio;

import io.lcpfs.posix.AttrBuffer;
import io.lcpfs.posix.Mode;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** What stat told, at one moment. Values are made when they are asked for. */
final class LcpfsFileAttributes implements PosixFileAttributes {
  private static final PosixFilePermission[] PERMISSIONS = PosixFilePermission.values();
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final long MOST_SECONDS = Long.MAX_VALUE / NANOS_PER_SECOND - 1;

  private final LcpfsFileSystem fs;

  /** Filled before, never after. */
  private final AttrBuffer attributes;

  LcpfsFileAttributes(LcpfsFileSystem fs, AttrBuffer attributes) {
    this.fs = fs;
    this.attributes = attributes;
  }

  /** Identifies a file for as long as it lives, with or without a name. */
  private record FileKey(long dataset, long inode, long generation) {
    @Override
    public String toString() {
      return "(dataset=" + Long.toHexString(dataset) + ",ino=" + inode + "," + generation + ")";
    }
  }

  static FileTime time(long seconds, int nanos) {
    return Math.abs(seconds) <= MOST_SECONDS
        ? FileTime.from(seconds * NANOS_PER_SECOND + nanos, TimeUnit.NANOSECONDS)
        : FileTime.from(Instant.ofEpochSecond(seconds, nanos));
  }

  AttrBuffer raw() {
    return attributes;
  }

  /** What stat calls the device: one number per dataset. */
  long dataset() {
    return fs.mounted().guid();
  }

  private int type() {
    return attributes.mode & Mode.TYPE_MASK;
  }

  @Override
  public FileTime lastModifiedTime() {
    return time(attributes.mtimeSeconds, attributes.mtimeNanos);
  }

  @Override
  public FileTime lastAccessTime() {
    return time(attributes.atimeSeconds, attributes.atimeNanos);
  }

  @Override
  public FileTime creationTime() {
    return time(attributes.btimeSeconds, attributes.btimeNanos);
  }

  FileTime changeTime() {
    return time(attributes.ctimeSeconds, attributes.ctimeNanos);
  }

  @Override
  public boolean isRegularFile() {
    return type() == Mode.REGULAR;
  }

  @Override
  public boolean isDirectory() {
    return type() == Mode.DIRECTORY;
  }

  @Override
  public boolean isSymbolicLink() {
    return type() == Mode.SYMLINK;
  }

  @Override
  public boolean isOther() {
    int type = type();
    return type != Mode.REGULAR && type != Mode.DIRECTORY && type != Mode.SYMLINK;
  }

  @Override
  public long size() {
    return attributes.size;
  }

  @Override
  public Object fileKey() {
    return new FileKey(fs.mounted().guid(), attributes.inode, attributes.generation);
  }

  @Override
  public UserPrincipal owner() {
    return Principals.user(attributes.uid);
  }

  @Override
  public GroupPrincipal group() {
    return Principals.group(attributes.gid);
  }

  @Override
  public Set<PosixFilePermission> permissions() {
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    for (PosixFilePermission one : PERMISSIONS) {
      if ((attributes.mode & ChannelMode.bit(one)) != 0) {
        permissions.add(one);
      }
    }
    return permissions;
  }
}
