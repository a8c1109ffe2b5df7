package io.lcpfs.pool;

import java.util.SortedMap;

/**
 * A dataset as recorded in the pool.
 *
 * @param path below the root; "" for the root
 * @param guid identifies it
 * @param creationTxg the txg that created it
 * @param creationSeconds wall clock, seconds since 1970
 * @param referencedBytes allocated for its own content, all copies, without children
 * @param logicalBytes the same before compression
 * @param snapshotBytes allocated for what only its snapshots refer to
 * @param inheritedBytes those of {@code referencedBytes} that are its origin's, if it is a clone
 * @param originObject the SNAPSHOT object that it began as; 0 when it is no clone
 * @param properties values set here and received, not inherited
 * @param damage what is wrong with it; "" when nothing is known to be. With a guid of 0 nothing
 *     else of it can be read, else some of its children are missing
 */
public record DatasetInfo(
    String path,
    long guid,
    long creationTxg,
    long creationSeconds,
    long referencedBytes,
    long logicalBytes,
    long snapshotBytes,
    long inheritedBytes,
    long originObject,
    StoredProperties properties,
    String damage) {

  static DatasetInfo unreadable(String path, String damage) {
    return new DatasetInfo(path, 0, 0, 0, 0, 0, 0, 0, 0, StoredProperties.NONE, damage);
  }

  DatasetInfo withDamage(String damage) {
    return new DatasetInfo(
        path,
        guid,
        creationTxg,
        creationSeconds,
        referencedBytes,
        logicalBytes,
        snapshotBytes,
        inheritedBytes,
        originObject,
        properties,
        damage);
  }

  /** Values set here. */
  public SortedMap<String, String> localProperties() {
    return properties.local();
  }

  public boolean isReadable() {
    return guid != 0;
  }
}
