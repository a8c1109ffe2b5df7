package io.lcpfs.dataset;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.error.Errno;
import java.nio.charset.StandardCharsets;

/**
 * The rules for names of pools and datasets: components of letters, digits and {@code _ - . :},
 * separated by '/', at most 255 bytes and 50 components; a pool's name starts with a letter and is
 * not a word that describes a layout.
 */
public final class DatasetName {
  /** Longest name, in bytes. */
  public static final int MAX_BYTES = 255;

  /** Most components of a name, the pool included. */
  public static final int MAX_DEPTH = 50;

  private DatasetName() {}

  /**
   * Checks the name of a pool.
   *
   * @throws io.lcpfs.error.PoolException EINVAL, ENAMETOOLONG
   */
  public static void checkPool(String name) {
    if (name.isEmpty()) {
      throw refused(Errno.EINVAL, "the empty name: is no pool name; give a name such as 'tank'");
    }
    checkLength(name);
    checkComponent(name, name);
    char first = name.charAt(0);
    if (!isLetter(first)) {
      throw refused(
          Errno.EINVAL, name + ": does not begin with a letter; choose another pool name");
    }
    if (name.equals("mirror")
        || name.equals("spare")
        || name.equals("log")
        || name.startsWith("mirror-")
        || name.startsWith("raidz")
        || name.startsWith("draid")) {
      throw refused(
          Errno.EINVAL, name + ": is a word that describes a layout; choose another pool name");
    }
  }

  /**
   * Checks the full name of a dataset, {@code pool} or {@code pool/a/b}.
   *
   * @throws io.lcpfs.error.PoolException EINVAL, ENAMETOOLONG
   */
  public static void check(String name) {
    checkLength(name);
    int slash = name.indexOf('/');
    checkPool(slash < 0 ? name : name.substring(0, slash));
    if (slash < 0) {
      return;
    }
    String[] components = name.split("/", -1);
    if (components.length > MAX_DEPTH) {
      throw refused(
          Errno.ENAMETOOLONG,
          name + ": has " + components.length + " components; use at most " + MAX_DEPTH);
    }
    for (String component : components) {
      checkComponent(component, name);
    }
  }

  /** Whether a name is that of a snapshot, {@code pool/a@name}. */
  public static boolean isSnapshot(String name) {
    return name.indexOf('@') >= 0;
  }

  /** The dataset's part of the full name of a snapshot or a bookmark. */
  public static String datasetOf(String name) {
    int at = name.indexOf('@') >= 0 ? name.indexOf('@') : name.indexOf('#');
    return at < 0 ? name : name.substring(0, at);
  }

  /** The part after the @ of the full name of a snapshot. */
  public static String snapshotOf(String name) {
    return name.substring(name.indexOf('@') + 1);
  }

  /**
   * Checks the full name of a snapshot, {@code pool/a@name}.
   *
   * @throws io.lcpfs.error.PoolException EINVAL, ENAMETOOLONG
   */
  public static void checkSnapshot(String name) {
    checkLength(name);
    if (!isSnapshot(name)) {
      throw refused(Errno.EINVAL, name + ": names no snapshot; write it as pool/dataset@name");
    }
    check(datasetOf(name));
    checkComponent(snapshotOf(name), name);
  }

  /** Whether a name is that of a bookmark, {@code pool/a#name}. */
  public static boolean isBookmark(String name) {
    return name.indexOf('#') >= 0;
  }

  /** The part after the # of the full name of a bookmark. */
  public static String bookmarkOf(String name) {
    return name.substring(name.indexOf('#') + 1);
  }

  /**
   * Checks the full name of a bookmark, {@code pool/a#name}.
   *
   * @throws io.lcpfs.error.PoolException EINVAL, ENAMETOOLONG
   */
  public static void checkBookmark(String name) {
    checkLength(name);
    if (!isBookmark(name)) {
      throw refused(Errno.EINVAL, name + ": names no bookmark; write it as pool/dataset#name");
    }
    check(name.substring(0, name.indexOf('#')));
    checkComponent(bookmarkOf(name), name);
  }

  /** The pool's part of a full name. */
  public static String poolOf(String name) {
    int slash = name.indexOf('/');
    return slash < 0 ? datasetOf(name) : name.substring(0, slash);
  }

  /** The part below the pool: "" for the root dataset. */
  public static String pathOf(String name) {
    int slash = name.indexOf('/');
    return slash < 0 ? "" : name.substring(slash + 1);
  }

  /** The path of the parent of a path below the root; "" for a child of the root. */
  public static String parentPath(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  /** Whether {@code path} is {@code ancestor} or lies below it; both are paths below the root. */
  public static boolean isWithin(String path, String ancestor) {
    return ancestor.isEmpty() || path.equals(ancestor) || path.startsWith(ancestor + "/");
  }

  private static void checkLength(String name) {
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_BYTES) {
      throw refused(
          Errno.ENAMETOOLONG,
          name.substring(0, 32) + "...: a name of " + bytes + " bytes; use at most " + MAX_BYTES);
    }
  }

  private static void checkComponent(String component, String name) {
    if (component.isEmpty()) {
      throw refused(
          Errno.EINVAL,
          name + ": has an empty component; write it as pool/name without extra slashes");
    }
    if (component.equals(".") || component.equals("..")) {
      throw refused(Errno.EINVAL, name + ": '" + component + "' is no dataset name; leave it out");
    }
    for (int i = 0; i < component.length(); i++) {
      char c = component.charAt(i);
      if (!isLetter(c) && !(c >= '0' && c <= '9') && "_-.:".indexOf(c) < 0) {
        throw refused(
            Errno.EINVAL,
            name
                + ": the character '"
                + c
                + "' is not allowed; use letters, digits, '_', '-', '.' and ':'");
      }
    }
  }

  private static boolean isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
}
