package io.lcpfs.pool;

/**
 * Names a snapshot.
 *
 * @param path of its dataset, below the root
 * @param name after the @
 */
public record SnapshotName(String path, String name) {
  /** Its full name, in a pool of this name. */
  public String in(String pool) {
    return pool + (path.isEmpty() ? "" : "/") + this;
  }

  @Override
  public String toString() {
    return path + "@" + name;
  }
}
