package io.lcpfs.nio;

import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.Sizes;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The map that a file system is opened with; docs/NIO.md lists the keys.
 *
 * @param create make the pool, or the dataset, when it is missing
 * @param sizeBytes of a pool file that is made
 * @param poolName of a pool that is made; "" for one after its file
 * @param dataset path below the pool's root, "" for the root; null when none was named
 * @param readOnly refuse changes
 * @param force open a pool that another host seems to hold
 * @param caller on whose behalf all calls are made
 * @param owned whether the caller was named, so that what is made shall be its own
 * @param umask permission bits that new files do not get
 * @param cacheBytes the pool's memory for blocks; 0 for the usual
 * @param properties of the dataset, where one is made
 */
record FileSystemOptions(
    boolean create,
    long sizeBytes,
    String poolName,
    @Nullable String dataset,
    boolean readOnly,
    boolean force,
    Caller caller,
    boolean owned,
    int umask,
    long cacheBytes,
    SortedMap<String, String> properties) {

  private static final Set<String> OF_VIEWS = Set.of("readOnly", "uid", "gid", "groups", "umask");
  private static final long USUAL_BYTES = 1L << 30;
  private static final int USUAL_UMASK = 022;
  private static final int MOST_UMASK = 0777;

  /**
   * @throws IllegalArgumentException for a key that is not known, or a value that is not allowed
   */
  static FileSystemOptions of(Map<String, ?> env) {
    boolean create = false;
    long size = USUAL_BYTES;
    String name = "";
    String dataset = null;
    boolean readOnly = false;
    boolean force = false;
    int uid = 0;
    int gid = 0;
    int[] groups = {};
    boolean owned = false;
    int umask = USUAL_UMASK;
    long cache = 0;
    SortedMap<String, String> properties = new TreeMap<>();
    for (Map.Entry<String, ?> entry : env.entrySet()) {
      String key = entry.getKey();
      Object value = entry.getValue();
      switch (key) {
        case "create" -> create = bool(key, value);
        case "size" -> size = bytes(key, value);
        case "name" -> name = text(key, value);
        case "dataset" -> dataset = text(key, value);
        case "readOnly" -> readOnly = bool(key, value);
        case "force" -> force = bool(key, value);
        case "uid" -> {
          uid = id(key, value, 10);
          owned = true;
        }
        case "gid" -> {
          gid = id(key, value, 10);
          owned = true;
        }
        case "groups" -> {
          if (!(value instanceof int[] given)) {
            throw bad(key, value);
          }
          groups = given.clone();
        }
        case "umask" -> umask = id(key, value, 8) & MOST_UMASK;
        case "cacheSize" -> cache = bytes(key, value);
        default -> properties.put(key, property(key, value));
      }
    }
    return new FileSystemOptions(
        create,
        size,
        name,
        dataset,
        readOnly,
        force,
        new Caller(uid, gid, groups),
        owned,
        umask,
        cache,
        Collections.unmodifiableSortedMap(properties));
  }

  /** The same, refusing changes. */
  FileSystemOptions toRead() {
    return new FileSystemOptions(
        create,
        sizeBytes,
        poolName,
        dataset,
        true,
        force,
        caller,
        owned,
        umask,
        cacheBytes,
        properties);
  }

  /** As {@link #of}, with the keys that make sense for a dataset that is open. */
  static FileSystemOptions ofView(Map<String, ?> env) {
    for (String key : env.keySet()) {
      if (!OF_VIEWS.contains(key)) {
        throw new IllegalArgumentException(key + ": is for opening pools, not for a view of one");
      }
    }
    return of(env);
  }

  private static IllegalArgumentException bad(String key, @Nullable Object value) {
    return new IllegalArgumentException(key + ": the value " + value + " is not allowed");
  }

  private static boolean bool(String key, @Nullable Object value) {
    if (value instanceof Boolean given) {
      return given;
    }
    String given = text(key, value);
    if (!given.equalsIgnoreCase("true") && !given.equalsIgnoreCase("false")) {
      throw bad(key, value);
    }
    return Boolean.parseBoolean(given);
  }

  private static String text(String key, @Nullable Object value) {
    if (value instanceof String given) {
      return given;
    }
    throw bad(key, value);
  }

  private static long bytes(String key, @Nullable Object value) {
    try {
      long given =
          value instanceof Number number ? number.longValue() : Sizes.parse(text(key, value));
      if (given > 0) {
        return given;
      }
      throw bad(key, value);
    } catch (PoolException e) {
      throw new IllegalArgumentException(key + ": " + e.getMessage(), e);
    }
  }

  private static int id(String key, @Nullable Object value, int radix) {
    if (value instanceof Number number) {
      return number.intValue();
    }
    try {
      return Integer.parseUnsignedInt(text(key, value), radix);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(key + ": " + value + " is no number", e);
    }
  }

  private static String property(String key, @Nullable Object value) {
    try {
      PropertyCatalog.Property row = PropertyCatalog.dataset(key);
      if (!row.settable()) {
        throw new IllegalArgumentException(key + ": is computed and cannot be set");
      }
      return PropertyCatalog.parse(row, String.valueOf(value));
    } catch (PoolException e) {
      throw new IllegalArgumentException(key + ": " + e.getMessage(), e);
    }
  }
}
