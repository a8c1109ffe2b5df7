package io.lcpfs.nio;

import io.lcpfs.posix.SetAttr;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.UserPrincipal;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Attributes by name, as "size", "posix:permissions" or "unix:*". */
final class AttributeNames {
  private static final Map<String, Function<LcpfsFileAttributes, Object>> BASIC =
      new LinkedHashMap<>();
  private static final Map<String, Function<LcpfsFileAttributes, Object>> POSIX;
  private static final Map<String, Function<LcpfsFileAttributes, Object>> UNIX;
  private static final Map<String, Function<LcpfsFileAttributes, Object>> OWNER =
      Map.of("owner", LcpfsFileAttributes::owner);

  static {
    BASIC.put("lastModifiedTime", LcpfsFileAttributes::lastModifiedTime);
    BASIC.put("lastAccessTime", LcpfsFileAttributes::lastAccessTime);
    BASIC.put("creationTime", LcpfsFileAttributes::creationTime);
    BASIC.put("size", LcpfsFileAttributes::size);
    BASIC.put("isRegularFile", LcpfsFileAttributes::isRegularFile);
    BASIC.put("isDirectory", LcpfsFileAttributes::isDirectory);
    BASIC.put("isSymbolicLink", LcpfsFileAttributes::isSymbolicLink);
    BASIC.put("isOther", LcpfsFileAttributes::isOther);
    BASIC.put("fileKey", LcpfsFileAttributes::fileKey);
    POSIX = new LinkedHashMap<>(BASIC);
    POSIX.put("permissions", LcpfsFileAttributes::permissions);
    POSIX.put("owner", LcpfsFileAttributes::owner);
    POSIX.put("group", LcpfsFileAttributes::group);
    UNIX = new LinkedHashMap<>(POSIX);
    UNIX.put("mode", file -> file.raw().mode);
    UNIX.put("ino", file -> file.raw().inode);
    UNIX.put("dev", file -> file.dataset());
    UNIX.put("rdev", file -> file.raw().rdev);
    UNIX.put("nlink", file -> (int) file.raw().nlink);
    UNIX.put("uid", file -> file.raw().uid);
    UNIX.put("gid", file -> file.raw().gid);
    UNIX.put("ctime", LcpfsFileAttributes::changeTime);
  }

  private AttributeNames() {}

  private record Named(String view, String name) {
    static Named of(String text) {
      int colon = text.indexOf(':');
      return colon < 0
          ? new Named("basic", text)
          : new Named(text.substring(0, colon), text.substring(colon + 1));
    }
  }

  /** The readers of a view; null for that of the users' attributes. */
  private static @Nullable Map<String, Function<LcpfsFileAttributes, Object>> readers(String view) {
    return switch (view) {
      case "basic" -> BASIC;
      case "posix" -> POSIX;
      case "unix" -> UNIX;
      case "owner" -> OWNER;
      case "user" -> null;
      default -> throw new UnsupportedOperationException("view '" + view + "'");
    };
  }

  static Map<String, Object> read(FileTarget target, String attributes) throws IOException {
    Named asked = Named.of(attributes);
    String[] names = asked.name.split(",", -1);
    if (asked.name.isEmpty()) {
      throw new IllegalArgumentException("no attributes in '" + attributes + "'");
    }
    if (asked.view.equals("lcpfs")) {
      return AccessLists.read(target, names);
    }
    Map<String, Function<LcpfsFileAttributes, Object>> readers = readers(asked.view);
    if (readers == null) {
      return readUser(new Views.User(target), names);
    }
    Map<String, Function<LcpfsFileAttributes, Object>> chosen = new LinkedHashMap<>();
    for (String name : names) {
      if (name.equals("*")) {
        chosen.putAll(readers);
        continue;
      }
      Function<LcpfsFileAttributes, Object> reader = readers.get(name);
      if (reader == null) {
        throw unknown(asked.view, name);
      }
      chosen.put(name, reader);
    }
    LcpfsFileAttributes file = target.attributes();
    Map<String, Object> values = new HashMap<>();
    chosen.forEach((name, reader) -> values.put(name, reader.apply(file)));
    return values;
  }

  private static Map<String, Object> readUser(Views.User view, String[] names) throws IOException {
    Map<String, Object> values = new HashMap<>();
    for (String name : names) {
      for (String one : name.equals("*") ? view.list() : List.of(name)) {
        values.put(one, view.get(one));
      }
    }
    return values;
  }

  private static IllegalArgumentException unknown(String view, String name) {
    return new IllegalArgumentException("'" + view + ":" + name + "' is no attribute to use here");
  }

  static void set(FileTarget target, String attribute, @Nullable Object value) throws IOException {
    Named asked = Named.of(attribute);
    if (asked.view.equals("lcpfs")) {
      AccessLists.set(target, asked.name, Objects.requireNonNull(value));
      return;
    }
    Map<String, Function<LcpfsFileAttributes, Object>> readers = readers(asked.view);
    if (readers == null) {
      setUser(target, asked.name, Objects.requireNonNull(value));
      return;
    }
    if (!readers.containsKey(asked.name)) {
      throw unknown(asked.view, asked.name);
    }
    if (asked.name.equals("creationTime")) {
      FileTime _ = (FileTime) Objects.requireNonNull(value); // cannot be changed, as on Linux
      return;
    }
    Object given = Objects.requireNonNull(value);
    target.change(
        switch (asked.name) {
          case "lastModifiedTime" -> Views.times((FileTime) given, null);
          case "lastAccessTime" -> Views.times(null, (FileTime) given);
          case "permissions" -> new SetAttr().mode(ChannelMode.mode((Set<?>) given));
          case "owner" -> new SetAttr().uid(Principals.userId((UserPrincipal) given));
          case "group" -> new SetAttr().gid(Principals.groupId((GroupPrincipal) given));
          case "mode" -> new SetAttr().mode((Integer) given);
          case "uid" -> new SetAttr().uid((Integer) given);
          case "gid" -> new SetAttr().gid((Integer) given);
          default -> throw unknown(asked.view, asked.name);
        });
  }

  private static void setUser(FileTarget target, String name, Object value) throws IOException {
    ByteBuffer bytes = value instanceof byte[] array ? ByteBuffer.wrap(array) : (ByteBuffer) value;
    int _ = new Views.User(target).write(name, bytes);
  }
}
