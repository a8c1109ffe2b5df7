package io.lcpfs.nio;

import io.lcpfs.posix.SetAttr;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.nio.file.attribute.UserPrincipal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The attribute views of a file. */
final class Views {
  private static final String USER_PREFIX = "user.";

  private Views() {}

  /** The view of a type, or null when there is none such. */
  static <V extends FileAttributeView> @Nullable V view(Class<V> type, FileTarget target) {
    Objects.requireNonNull(type);
    if (type == BasicFileAttributeView.class) {
      return type.cast(new Basic(target));
    }
    if (type == PosixFileAttributeView.class || type == FileOwnerAttributeView.class) {
      return type.cast(new Posix(target, type == PosixFileAttributeView.class));
    }
    if (type == UserDefinedFileAttributeView.class) {
      return type.cast(new User(target));
    }
    return null;
  }

  /** The change of the times that are not null; times of birth cannot be changed. */
  static SetAttr times(@Nullable FileTime modified, @Nullable FileTime accessed) {
    SetAttr change = new SetAttr();
    if (modified != null) {
      Instant at = modified.toInstant();
      change.mtime(at.getEpochSecond(), at.getNano());
    }
    if (accessed != null) {
      Instant at = accessed.toInstant();
      change.atime(at.getEpochSecond(), at.getNano());
    }
    return change;
  }

  /** Times, type and size. */
  private static class Basic implements BasicFileAttributeView {
    final FileTarget target;

    Basic(FileTarget target) {
      this.target = target;
    }

    @Override
    public String name() {
      return "basic";
    }

    @Override
    public LcpfsFileAttributes readAttributes() throws IOException {
      return target.attributes();
    }

    @Override
    public void setTimes(
        @Nullable FileTime lastModifiedTime,
        @Nullable FileTime lastAccessTime,
        @Nullable FileTime createTime)
        throws IOException {
      if (lastModifiedTime != null || lastAccessTime != null) {
        target.change(times(lastModifiedTime, lastAccessTime));
      }
    }
  }

  /** Owner, group and permissions too. */
  private static final class Posix extends Basic implements PosixFileAttributeView {
    private final boolean posix;

    Posix(FileTarget target, boolean posix) {
      super(target);
      this.posix = posix;
    }

    @Override
    public String name() {
      return posix ? "posix" : "owner";
    }

    @Override
    public UserPrincipal getOwner() throws IOException {
      return target.attributes().owner();
    }

    @Override
    public void setOwner(UserPrincipal owner) throws IOException {
      target.change(new SetAttr().uid(Principals.userId(owner)));
    }

    @Override
    public void setGroup(GroupPrincipal group) throws IOException {
      target.change(new SetAttr().gid(Principals.groupId(group)));
    }

    @Override
    public void setPermissions(Set<PosixFilePermission> permissions) throws IOException {
      target.change(new SetAttr().mode(ChannelMode.mode(permissions)));
    }
  }

  /** Attributes that users make up: the extended attributes that begin with "user.". */
  static final class User implements UserDefinedFileAttributeView {
    private final FileTarget target;

    User(FileTarget target) {
      this.target = target;
    }

    @Override
    public String name() {
      return "user";
    }

    private static byte[] xattr(String name) {
      return PathText.encode(USER_PREFIX + name);
    }

    @Override
    public List<String> list() throws IOException {
      List<String> names = new ArrayList<>();
      for (byte[] name : target.xattrs()) {
        String text = PathText.decode(name);
        if (text.startsWith(USER_PREFIX)) {
          names.add(text.substring(USER_PREFIX.length()));
        }
      }
      return names;
    }

    byte[] get(String name) throws IOException {
      return target.xattr(xattr(name));
    }

    @Override
    public int size(String name) throws IOException {
      return get(name).length;
    }

    @Override
    public int read(String name, ByteBuffer target) throws IOException {
      if (target.isReadOnly()) {
        throw new IllegalArgumentException("the buffer is read-only");
      }
      byte[] value = get(name);
      if (value.length > target.remaining()) {
        throw new FileSystemException(
            name, null, "the value has " + value.length + " bytes; the buffer has less room");
      }
      target.put(value);
      return value.length;
    }

    @Override
    public int write(String name, ByteBuffer source) throws IOException {
      byte[] value = new byte[source.remaining()];
      source.get(source.position(), value);
      target.setXattr(xattr(name), value);
      source.position(source.limit());
      return value.length;
    }

    @Override
    public void delete(String name) throws IOException {
      target.removeXattr(xattr(name));
    }
  }
}
