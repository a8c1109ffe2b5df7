package io.lcpfs.pool;

/**
 * Names a snapshot.
 *
 * @param path of its dataset, below the root
 * @param name after the @
 */
public record SnapshotName(String path, String name) {
  @Override
  public String toString() {
    return path + "@" + name;
  }
}
