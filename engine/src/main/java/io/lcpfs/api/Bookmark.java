package io.lcpfs.api;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.pool.BookmarkInfo;

/**
 * What is left of a snapshot to send changes since it, named as {@code pool/a#name}; it takes next
 * to no space, and stays when the snapshot goes.
 */
public final class Bookmark {
  private final Pool pool;
  private final String name;
  private final BookmarkInfo info;

  Bookmark(Pool pool, String name, BookmarkInfo info) {
    this.pool = pool;
    this.name = name;
    this.info = info;
  }

  /** Full name, with the pool's. */
  public String name() {
    return name;
  }

  /** The part of the name after the #. */
  public String shortName() {
    return DatasetName.bookmarkOf(name);
  }

  /** The dataset that it is of. */
  public Dataset dataset() {
    return new Dataset(pool, DatasetName.datasetOf(name));
  }

  /** The guid of the snapshot. */
  public long guid() {
    return info.guid();
  }

  /** The transaction group whose end the snapshot showed. */
  public long creationTxg() {
    return info.creationTxg();
  }

  /** Tells snapshots of one dataset and transaction group apart. */
  public int ordinal() {
    return info.ordinal();
  }

  /** When the snapshot was taken: wall clock, seconds since 1970. */
  public long creationSeconds() {
    return info.creationSeconds();
  }

  @Override
  public String toString() {
    return name;
  }
}
