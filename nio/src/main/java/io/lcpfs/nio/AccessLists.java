package io.lcpfs.nio;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.AclText;
import io.lcpfs.posix.PosixFileSystem;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The attributes "lcpfs:acl" and "lcpfs:defaultAcl": POSIX access control lists as text. (The view
 * "acl" of the JDK is of lists that know order, denial and fourteen permissions, which these are
 * not.)
 */
final class AccessLists {
  private static final String ACCESS = "acl";
  private static final String DEFAULT = "defaultAcl";

  private AccessLists() {}

  static Map<String, Object> read(FileTarget target, String[] names) throws IOException {
    Map<String, Object> values = new LinkedHashMap<>();
    for (String name : names) {
      for (String one : name.equals("*") ? List.of(ACCESS, DEFAULT) : List.of(name)) {
        values.put(one, read(target, one));
      }
    }
    return values;
  }

  private static String read(FileTarget target, String name) throws IOException {
    byte[] xattr = xattr(name);
    try {
      return AclText.of(target.xattr(xattr));
    } catch (IOException e) {
      // Nothing is stored where the permissions say all of it; links have permissions only.
      if (!(e.getCause() instanceof PoolException cause)
          || (cause.errno() != Errno.ENODATA && cause.errno() != Errno.EOPNOTSUPP)) {
        throw e;
      }
    }
    return name.equals(ACCESS) ? AclText.ofMode(target.attributes().raw().mode) : "";
  }

  /** Sets a list; that of an empty text is removed. */
  static void set(FileTarget target, String name, Object value) throws IOException {
    String text = (String) value;
    target.setXattr(xattr(name), text.isBlank() ? new byte[0] : AclText.parse(text));
  }

  private static byte[] xattr(String name) {
    return PathText.encode(
        switch (name) {
          case ACCESS -> PosixFileSystem.XATTR_ACCESS_LIST;
          case DEFAULT -> PosixFileSystem.XATTR_DEFAULT_LIST;
          default ->
              throw new IllegalArgumentException(
                  "'lcpfs:" + name + "' is no attribute; use " + ACCESS + " or " + DEFAULT);
        });
  }
}
