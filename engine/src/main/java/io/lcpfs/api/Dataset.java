package io.lcpfs.api;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertyCatalog.Property;
import io.lcpfs.dataset.PropertySource;
import io.lcpfs.dataset.PropertyValue;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.OwnerRule;
import io.lcpfs.pool.OwnerSpace;
import io.lcpfs.pool.SpaceInfo;
import io.lcpfs.posix.PosixFileSystem;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A dataset of an imported pool, named as {@code pool/a/b}. It is a name, not a hold: after a
 * rename or destroy its methods give ENOENT.
 */
public final class Dataset implements FileTree {
  private final Pool pool;
  private final String name;

  Dataset(Pool pool, String name) {
    this.pool = pool;
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Pool pool() {
    return pool;
  }

  String path() {
    return DatasetName.pathOf(name);
  }

  @Override
  public PosixFileSystem fileSystem() {
    return pool.fileSystem(path());
  }

  private DatasetInfo info() {
    return pool.engine().dataset(path());
  }

  /** Whether it exists and more than its name can be read. */
  public boolean isReadable() {
    try {
      return info().isReadable();
    } catch (PoolException e) {
      if (e.errno() == Errno.EIO || e.errno() == Errno.ENOENT) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public long guid() {
    return info().guid();
  }

  /**
   * Takes a snapshot, in constant time; returns when it is on disk.
   *
   * @param shortName the part of its name after the @
   * @throws io.lcpfs.error.PoolException EINVAL; EEXIST; EROFS; EOPNOTSUPP when the pool lacks the
   *     feature
   */
  public Snapshot snapshot(String shortName) {
    pool.createSnapshots(name + "@" + shortName, false);
    return pool.snapshot(name + "@" + shortName);
  }

  /** Its snapshots, oldest first. */
  public List<Snapshot> snapshots() {
    return pool.snapshots().list(name);
  }

  /** The snapshots of one name, the part after the @, of it and of the datasets below it. */
  public List<Snapshot> snapshotsBelow(String shortName) {
    return pool.snapshots().below(name + "@" + shortName);
  }

  /**
   * Gives the snapshots of one name of it and of the datasets below it another name, all or none.
   *
   * @throws io.lcpfs.error.PoolException ENOENT when there is none; EEXIST; EINVAL; EROFS
   */
  public void renameSnapshotsBelow(String shortName, String newShortName) {
    pool.snapshots().renameBelow(name + "@" + shortName, newShortName);
  }

  /**
   * Destroys snapshots, by the parts of their names after the @: all or, when one does not exist or
   * something keeps one, none.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EBUSY; EROFS
   */
  public void destroySnapshots(List<String> shortNames) {
    destroySnapshots(shortNames, false, false);
  }

  /** As {@link #destroySnapshots}, but those that something keeps go as soon as nothing does. */
  public void destroySnapshotsLater(List<String> shortNames) {
    destroySnapshots(shortNames, false, true);
  }

  /** Its bookmarks, those of the oldest snapshots first. */
  public List<Bookmark> bookmarks() {
    return pool.engine().bookmarks(pool.requirePath(name)).stream()
        .map(info -> new Bookmark(pool, name + "#" + info.name(), info))
        .toList();
  }

  /**
   * Makes a bookmark of one of its snapshots; returns when it is on disk.
   *
   * @param shortName the part of its name after the #
   * @throws io.lcpfs.error.PoolException EINVAL, also for a snapshot of another dataset; ENOENT;
   *     EEXIST; EROFS; EOPNOTSUPP when the pool lacks the feature
   */
  public Bookmark createBookmark(Snapshot of, String shortName) {
    return bookmark(of.name(), of.shortName(), false, shortName);
  }

  /** Makes another bookmark of what one of its bookmarks is of. Errors as for a snapshot. */
  public Bookmark createBookmark(Bookmark of, String shortName) {
    return bookmark(of.name(), of.shortName(), true, shortName);
  }

  private Bookmark bookmark(String source, String word, boolean ofBookmark, String shortName) {
    DatasetName.checkBookmark(name + "#" + shortName);
    if (!DatasetName.datasetOf(source).equals(name)) {
      throw PoolException.refused(
          Errno.EINVAL, source + ": is not of " + name + "; make the bookmark in its own dataset");
    }
    pool.engine().createBookmark(pool.requirePath(name), word, ofBookmark, shortName);
    return bookmarks().stream()
        .filter(bookmark -> bookmark.shortName().equals(shortName))
        .findFirst()
        .orElseThrow(
            () -> PoolException.refused(Errno.ENOENT, name + "#" + shortName + ": is gone again"));
  }

  /**
   * Ends a bookmark.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EBUSY when one has clones; EROFS
   */
  public void destroyBookmark(String shortName) {
    pool.engine().destroyBookmark(pool.requirePath(name), shortName);
  }

  /** As {@link #destroySnapshots}, with all clones of them, of which none may be mounted. */
  public void destroySnapshotsWithClones(List<String> shortNames) {
    destroySnapshots(shortNames, true, false);
  }

  private void destroySnapshots(List<String> shortNames, boolean clones, boolean defer) {
    List<String> fullNames = shortNames.stream().map(one -> name + "@" + one).toList();
    pool.destruction().snapshots(fullNames, clones, defer).run();
  }

  /**
   * Makes it what it was when a snapshot was taken. What was changed since is lost. Its open files
   * are closed.
   *
   * @param snapshot the part of the snapshot's name after the @
   * @param destroyNewer destroy the newer snapshots; without, there must be none
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST when there are newer snapshots; EBUSY when
   *     it is mounted, or a newer snapshot has clones; EROFS
   */
  public void rollback(String snapshot, boolean destroyNewer) {
    pool.clones().rollback(name + "@" + snapshot, destroyNewer, false);
  }

  /** As {@link #rollback}, destroying the newer snapshots with all their clones. */
  public void rollbackWithClones(String snapshot) {
    pool.clones().rollback(name + "@" + snapshot, true, true);
  }

  /** The full name of the snapshot that it began as, if it is a clone. */
  public Optional<String> origin() {
    String origin = pool.engine().originOf(path());
    return origin.isEmpty()
        ? Optional.empty()
        : Optional.of(
            pool.fullName(DatasetName.datasetOf(origin)) + "@" + DatasetName.snapshotOf(origin));
  }

  /**
   * Makes this clone the owner of the snapshot that it began as and of all older ones; what owned
   * them becomes its clone, and can be destroyed.
   *
   * @throws io.lcpfs.error.PoolException EINVAL when it is no clone; EEXIST when it has a snapshot
   *     with the name of one that it would get; EROFS
   */
  public void promote() {
    pool.clones().promote(name);
  }

  /** Bytes allocated for what only its snapshots refer to. */
  public long usedBySnapshotsBytes() {
    return info().snapshotBytes();
  }

  /** Bytes allocated for its own content, all copies. */
  public long referencedBytes() {
    return info().referencedBytes();
  }

  /** What it uses and has, quotas and reservations considered; as of the last group. */
  public SpaceInfo space() {
    return pool.engine().space(path());
  }

  /** Bytes charged to it: its own, its snapshots', its children's, and what is kept for it. */
  public long usedBytes() {
    return space().usedBytes();
  }

  /** Bytes of its and its children's content before compression, without snapshots. */
  public long logicalBytes() {
    return pool.sumBelow(path(), DatasetInfo::logicalBytes);
  }

  /** Bytes that can still be written. */
  public long availableBytes() {
    return space().availableBytes();
  }

  /**
   * Allocated bytes of its content that were written after a snapshot of it.
   *
   * @param shortName the part of the snapshot's name after the @; "" for the newest
   * @throws io.lcpfs.error.PoolException ENOENT; EIO
   */
  public long writtenBytes(String shortName) {
    return pool.engine().writtenBytes(path(), shortName);
  }

  /**
   * A property's effective value in exact form; a user's property set nowhere is "-" with source
   * NONE.
   *
   * @throws io.lcpfs.error.PoolException EINVAL when there is no such property
   */
  public PropertyValue property(String property) {
    Property row = PropertyCatalog.dataset(property);
    if (!row.settable()) {
      return PropertyValue.of(computed(property), PropertySource.NONE);
    }
    PropertyValue value = pool.effective(row, name);
    return PropertyCatalog.isUserProperty(property) && value.source() == PropertySource.DEFAULT
        ? PropertyValue.of("-", PropertySource.NONE)
        : value;
  }

  private String computed(String property) {
    DatasetInfo info = info();
    if (property.startsWith(PropertyCatalog.WRITTEN_SINCE)) {
      return Long.toString(writtenBytes(property.substring(property.indexOf('@') + 1)));
    }
    OwnerRule rule = OwnerRule.of(property);
    if (rule != null) {
      return Long.toString(usedBy(rule));
    }
    return switch (property) {
      case "type" -> "filesystem";
      case "creation" -> Long.toString(info.creationSeconds());
      case "mounted" -> pool.isUsed(name) ? "yes" : "no";
      case "used" -> Long.toString(usedBytes());
      case "available" -> Long.toString(availableBytes());
      case "referenced" -> Long.toString(info.referencedBytes());
      case "origin" -> origin().orElse("-");
      case "clones" -> "-";
      case "usedbydataset" -> Long.toString(space().datasetBytes());
      case "usedbysnapshots" -> Long.toString(space().snapshotBytes());
      case "usedbychildren" -> Long.toString(space().childrenBytes());
      case "usedbyrefreservation" -> Long.toString(space().refreservationBytes());
      case "written" -> Long.toString(writtenBytes(""));
      case "compressratio" ->
          Long.toString(ratio(logicalBytes(), pool.sumBelow(path(), DatasetInfo::referencedBytes)));
      case "logicalused" -> Long.toString(logicalBytes());
      case "logicalreferenced" -> Long.toString(info.logicalBytes());
      case "refcompressratio" -> Long.toString(ratio(info.logicalBytes(), info.referencedBytes()));
      case "filesystem_count" -> Long.toString(pool.engine().filesystemCount(path()));
      case "snapshot_count" -> Long.toString(pool.engine().snapshotCount(path()));
      case "guid" -> Long.toUnsignedString(info.guid());
      case "receive_resume_token" -> {
        String token = pool.streams().token(name);
        yield token.isEmpty() ? "-" : token;
      }
      case "createtxg" -> Long.toString(info.creationTxg());
      case "userrefs", "defer_destroy" -> "-"; // of snapshots
      default -> throw new AssertionError("computed property " + property);
    };
  }

  private long usedBy(OwnerRule rule) {
    return owners("").stream()
        .filter(one -> one.owner() == rule.owner() && one.id() == rule.id())
        .mapToLong(one -> rule.objects() ? one.objects() : one.bytes())
        .sum();
  }

  /**
   * What users, groups and projects have in it as of the last group, in no order; also those who
   * have a quota only.
   *
   * @param snapshot the part of a snapshot's name after the @: what they have in that; "" for now
   * @throws io.lcpfs.error.PoolException ENOENT; EOPNOTSUPP when it was made without accounts; EIO
   */
  public List<OwnerSpace> owners(String snapshot) {
    return pool.engine().owners(path(), snapshot);
  }

  /** Hundredths; 1.00 when there is nothing to compare. */
  static long ratio(long logicalBytes, long storedBytes) {
    return storedBytes <= 0 || logicalBytes <= 0
        ? 100
        : Math.max(1, Math.round(100.0 * logicalBytes / storedBytes));
  }

  /** All native properties in their order, then users' properties that are set here or above. */
  public Map<String, PropertyValue> properties() {
    Map<String, PropertyValue> values = new LinkedHashMap<>();
    for (Property row : PropertyCatalog.datasetProperties()) {
      values.put(row.name(), property(row.name()));
    }
    for (String user : pool.userProperties(path())) {
      values.put(user, property(user));
    }
    return values;
  }

  /**
   * Sets a property here; children that have no value of their own follow.
   *
   * @throws io.lcpfs.error.PoolException EINVAL for an unknown name or a value that is not allowed;
   *     EPERM when it is computed; EROFS
   */
  public void setProperty(String property, String value) {
    setProperties(Map.of(property, value));
  }

  /** Sets several properties at once: all are checked before one is set. */
  public void setProperties(Map<String, String> values) {
    pool.setDatasetProperties(path(), values);
  }

  /**
   * Removes the value set here, so that the parent's or the default counts again; what a stream
   * brought or will bring does not count until {@link #inheritReceived}.
   */
  public void inherit(String property) {
    pool.inheritDatasetProperty(path(), property, false);
  }

  /**
   * Removes the value set here, so that what a stream brought counts, also where it would not
   * unasked; without such a value the parent's or the default.
   */
  public void inheritReceived(String property) {
    pool.inheritDatasetProperty(path(), property, true);
  }

  @Override
  public String toString() {
    return name;
  }
}
