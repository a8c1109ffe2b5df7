package io.lcpfs.api;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyValue;
import io.lcpfs.pool.SnapshotInfo;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.stream.SendOptions;
import java.io.OutputStream;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * A dataset as it was at one moment, named as {@code pool/a@name}. It is a name, not a hold: after
 * a rename or destroy its methods give ENOENT. Its sizes are as of when it was asked for.
 */
public final class Snapshot implements FileTree {
  private final Pool pool;
  private final String name;
  private final SnapshotInfo info;
  private final WrittenSizes written;

  Snapshot(Pool pool, String name, SnapshotInfo info, WrittenSizes written) {
    this.pool = pool;
    this.name = name;
    this.info = info;
    this.written = written;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Pool pool() {
    return pool;
  }

  /** The part of the name after the @. */
  public String shortName() {
    return DatasetName.snapshotOf(name);
  }

  /** The dataset that it shows. */
  public Dataset dataset() {
    return new Dataset(pool, DatasetName.datasetOf(name));
  }

  @Override
  public long guid() {
    return info.guid();
  }

  /** The transaction group whose end it shows. */
  public long creationTxg() {
    return info.creationTxg();
  }

  /** When it was taken: wall clock, seconds since 1970. */
  public long creationSeconds() {
    return info.creationSeconds();
  }

  /** Bytes allocated that nothing else refers to: what destroying it alone would free. */
  public long usedBytes() {
    return info.usedBytes();
  }

  /** Bytes allocated for all that is in it, all copies. */
  public long referencedBytes() {
    return info.referencedBytes();
  }

  /** {@link #referencedBytes} before compression, of data. */
  public long logicalBytes() {
    return info.logicalBytes();
  }

  /** Bytes allocated for what it has and the snapshot before it has not. */
  public long writtenBytes() {
    return written.of(shortName());
  }

  /**
   * A property's value in exact form, {@code -} with source NONE where a snapshot has none. Users'
   * properties are the dataset's.
   *
   * @throws io.lcpfs.error.PoolException EINVAL when there is no such property; ENOENT
   */
  public PropertyValue property(String property) {
    return new SnapshotProperties(this).get(property);
  }

  /** All properties that a snapshot has, then the users' of its dataset. */
  public Map<String, PropertyValue> properties() {
    return new SnapshotProperties(this).all();
  }

  /** How many users hold it. */
  public int userRefs() {
    return info.userRefs();
  }

  /** Whether it is destroyed when nothing keeps it any more. */
  public boolean isDestroyDeferred() {
    return info.destroyDeferred();
  }

  /**
   * Holds it, so that it cannot be destroyed until this is {@linkplain #release released}; returns
   * when that is on disk.
   *
   * @param tag tells holds of one snapshot apart: 1 to 255 bytes, not beginning with '.'
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST when there is one of this tag; EINVAL;
   *     ENAMETOOLONG; EROFS; EOPNOTSUPP when the pool lacks the feature
   */
  public void hold(String tag) {
    hold(List.of(this), tag);
  }

  /** Holds snapshots of one pool, all or none; otherwise as {@link #hold(String)}. */
  public static void hold(Collection<Snapshot> snapshots, String tag) {
    for (Snapshot first : snapshots) {
      first.pool.snapshots().hold(snapshots, tag);
      return;
    }
  }

  /**
   * Its holds: when each was set, seconds since 1970, by tag.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  public SortedMap<String, Long> holds() {
    return pool.snapshots().holds(name);
  }

  /**
   * Releases a hold; one that is {@linkplain #destroyLater to be destroyed} is with the last.
   *
   * @throws io.lcpfs.error.PoolException ENOENT, also when there is no such hold; EROFS
   */
  public void release(String tag) {
    release(List.of(this), tag);
  }

  /** Releases holds of one tag of one pool, all or none; otherwise as {@link #release(String)}. */
  public static void release(Collection<Snapshot> snapshots, String tag) {
    for (Snapshot first : snapshots) {
      first.pool.snapshots().release(snapshots, tag);
      return;
    }
  }

  @Override
  public PosixFileSystem fileSystem() {
    return pool.snapshots().fileSystem(name);
  }

  /**
   * Destroys it; what only it had is freed in the background.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EROFS; EBUSY when something keeps it
   */
  public void destroy() {
    dataset().destroySnapshots(List.of(shortName()));
  }

  /**
   * Destroys it, as soon as nothing keeps it.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EROFS
   */
  public void destroyLater() {
    dataset().destroySnapshotsLater(List.of(shortName()));
  }

  /**
   * Makes a dataset that begins as this snapshot, in constant time and without space of its own.
   *
   * @param target full name of the new dataset, in the same pool
   * @param properties values set at it, by name
   * @throws io.lcpfs.error.PoolException EINVAL; EEXIST; ENOENT when the parent of the target is
   *     missing; EROFS; EOPNOTSUPP when the pool lacks the feature
   */
  public Dataset cloneTo(String target, Map<String, String> properties) {
    return pool.clones().create(name, target, properties, false);
  }

  /** As {@link #cloneTo}, making missing parents of the target. */
  public Dataset cloneWithParents(String target, Map<String, String> properties) {
    return pool.clones().create(name, target, properties, true);
  }

  /** Full names of the datasets that began as this snapshot. */
  public List<String> clones() {
    return pool.engine().clonesOf(dataset().path(), shortName()).stream()
        .map(pool::fullName)
        .toList();
  }

  /**
   * Gives it another name after the @.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST; EINVAL; EROFS
   */
  public void rename(String newShortName) {
    pool.snapshots().rename(name, newShortName);
  }

  /**
   * Writes it as a stream, for {@link Pool#receive}; does not close {@code out}.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EINVAL; EIO when the stream cannot be written or
   *     something cannot be read
   */
  public void send(OutputStream out, SendOptions options) {
    pool.streams().sender(name, options).send(out);
  }

  /** Tells its file system from all others: its guid may be that of a snapshot it came from. */
  public long identity() {
    return PoolSnapshots.identity(dataset().guid(), info);
  }

  @Override
  public String toString() {
    return name;
  }
}
