package io.lcpfs.pool;

import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.object.ObjectSet;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Consumer;

/**
 * An imported pool, as the face sees it. Datasets are named by their path below the root: "" is the
 * root dataset, "a/b" a child of "a". Names, property values and property inheritance are checked
 * and worked out above; what arrives here is valid in form. Every method may be called from any
 * thread; failures are {@link io.lcpfs.error.PoolException}.
 */
public interface PoolEngine extends AutoCloseable {

  /** Name, health, sizes, devices and features as of now. */
  PoolStatus status();

  /** What the cache may hold at most. */
  long cacheBudgetBytes();

  /** Whether the pool was opened without the right to change it: changes then give EROFS. */
  boolean readOnly();

  /** Returns when everything committed before is on disk. */
  void sync();

  /** What cloned blocks save, as of the last group on disk. */
  CloneSavings cloneSavings();

  /**
   * What a dataset uses and has, with its quotas and reservations.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  SpaceInfo space(String path);

  /**
   * What users, groups and projects have in a dataset, in no order; also those who have a quota
   * only.
   *
   * @param snapshot the part of a snapshot's name after the @, or "" for the dataset itself
   * @throws io.lcpfs.error.PoolException ENOENT; EOPNOTSUPP when it was made without accounts; EIO
   */
  List<OwnerSpace> owners(String path, String snapshot);

  /** Datasets below this one; ENOENT. */
  long filesystemCount(String path);

  /** Snapshots of a dataset and of all below it; ENOENT. */
  long snapshotCount(String path);

  /**
   * Allocated bytes of what a dataset refers to that were written after a snapshot of it.
   *
   * @param snapshot the part of its name after the @; "" for the newest, and all when there is none
   * @throws io.lcpfs.error.PoolException ENOENT; EIO when not all snapshots can be read
   */
  long writtenBytes(String path, String snapshot);

  /** Bytes that a file could still take: free space less the reserve. */
  long availableBytes();

  /**
   * Syncs, marks the labels exported, and lets go of the devices. No other method may be called
   * afterwards but {@link #close}, which then does nothing.
   *
   * @throws io.lcpfs.error.PoolException EIO as of {@link #close}; the labels are not marked then
   */
  void export();

  /** Marks the labels destroyed and lets go of the devices, like {@link #export}. */
  void destroy();

  /**
   * Syncs and lets go of the devices; the pool stays marked as in use by this host, which may open
   * it again without force. Does nothing on a closed pool. Closes the devices.
   *
   * @throws io.lcpfs.error.PoolException EIO, with all of that done, when not everything is on disk
   */
  @Override
  void close();

  /**
   * All datasets, sorted by path, the root first. One that is damaged is among them and says so; it
   * hides none but those below it.
   *
   * @throws io.lcpfs.error.PoolException EIO when the root dataset cannot be read
   */
  List<DatasetInfo> datasets();

  /**
   * One dataset.
   *
   * @throws io.lcpfs.error.PoolException ENOENT when there is none at {@code path}
   */
  DatasetInfo dataset(String path);

  /**
   * Creates a dataset with an empty object set; the face puts the root directory into it when it
   * first opens it.
   *
   * @param localProperties values set at the dataset itself
   * @throws io.lcpfs.error.PoolException EEXIST; ENOENT when the parent is missing
   */
  DatasetInfo createDataset(String path, SortedMap<String, String> localProperties);

  /**
   * Destroys a dataset without children; its space is freed in the background.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; ENOTEMPTY when it has children; EBUSY for the root
   */
  void destroyDataset(String path);

  /**
   * Moves a dataset with its children.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST; EINVAL when {@code to} is below {@code
   *     from}
   */
  void renameDataset(String from, String to);

  /** Sets property values at a dataset; an empty map does nothing. */
  void setLocalProperties(String path, Map<String, String> values);

  /** Removes the value that a dataset has of its own or received; what is above it counts then. */
  void removeLocalProperty(String path, String name);

  /** Removes the value that a dataset has of its own; what it received counts then, if anything. */
  void revertProperty(String path, String name);

  /**
   * Takes snapshots, all of the same moment, in constant time; returns when they are on disk. The
   * {@linkplain #objectSet objects} of each dataset have to be open.
   *
   * @throws io.lcpfs.error.PoolException EEXIST; ENOENT; EINVAL; EOPNOTSUPP when the pool lacks the
   *     feature; then none was taken
   */
  void takeSnapshots(Collection<SnapshotName> names);

  /** Takes snapshots of one name of several datasets; see {@link #takeSnapshots}. */
  default void snapshot(List<String> paths, String name) {
    takeSnapshots(paths.stream().map(path -> new SnapshotName(path, name)).toList());
  }

  /**
   * A dataset's snapshots, oldest first.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  List<SnapshotInfo> snapshots(String path);

  /**
   * One snapshot.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  SnapshotInfo snapshot(String path, String name);

  /**
   * Destroys snapshots of any datasets, up to 1000 of them in one group, so that a crash leaves all
   * or none; what only they held is freed in the background. One that only waited for a clone that
   * goes meanwhile counts as destroyed.
   *
   * @param defer mark those that something keeps, so that they are destroyed when it goes
   * @throws io.lcpfs.error.PoolException ENOENT when one does not exist, EBUSY when something keeps
   *     one and {@code defer} is false: then none is destroyed
   */
  void destroySnapshots(Collection<SnapshotName> names, boolean defer);

  /** Destroys snapshots of one dataset; see {@link #destroySnapshots(Collection, boolean)}. */
  default void destroySnapshots(String path, List<String> names, boolean defer) {
    destroySnapshots(names.stream().map(name -> new SnapshotName(path, name)).toList(), defer);
  }

  /**
   * What keeps snapshots from being destroyed now; nothing of those that can be.
   *
   * @param besides paths of datasets that are to be destroyed first, and keep nothing
   * @throws io.lcpfs.error.PoolException ENOENT; EIO when not all snapshots can be read
   */
  List<Keeper> keepers(Collection<SnapshotName> names, Collection<String> besides);

  /**
   * Allocated bytes, all copies, of what nothing but these snapshots of a dataset refers to: what
   * destroying all of them would free, but for blocks that files share and for a checkpoint. As of
   * the last group.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EIO when not all snapshots can be read
   */
  long bytesOnlyIn(String path, Collection<String> names);

  /**
   * Holds snapshots, all or none, so that they cannot be destroyed.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST when one has a hold of this tag; EINVAL;
   *     ENAMETOOLONG; EOPNOTSUPP when the pool lacks the feature
   */
  void holdSnapshots(List<SnapshotName> names, String tag);

  /**
   * A snapshot's holds: when each was set, seconds since 1970, by tag.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  SortedMap<String, Long> snapshotHolds(SnapshotName name);

  /**
   * Releases holds, all or none; a snapshot that was to be destroyed and has no more is.
   *
   * @throws io.lcpfs.error.PoolException ENOENT, also when one has no hold of this tag
   */
  void releaseSnapshots(List<SnapshotName> names, String tag);

  /**
   * Gives snapshots, one of each dataset, another name, all or none.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST; EINVAL
   */
  void renameSnapshots(Collection<SnapshotName> names, String to);

  /** Gives one another name; see {@link #renameSnapshots}. */
  default void renameSnapshot(String path, String from, String to) {
    renameSnapshots(List.of(new SnapshotName(path, from)), to);
  }

  /**
   * Makes a dataset that begins as a snapshot, in constant time; returns when it is on disk.
   *
   * @param path of the snapshot's dataset
   * @param target path of the new dataset
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST; EOPNOTSUPP when the pool lacks the feature
   */
  void cloneSnapshot(
      String path, String name, String target, SortedMap<String, String> localProperties);

  /**
   * Makes a dataset what it was at its newest snapshot, in constant time; returns when that is on
   * disk. Its {@linkplain #objectSet objects} are no longer good for anything; ask for them again.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST when there are newer snapshots; EOPNOTSUPP
   *     when the pool lacks the feature
   */
  void rollback(String path, String name, DatasetPolicy policy);

  /**
   * Refuses where {@link #rollback} would be refused for any snapshot of a dataset.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EROFS; EOPNOTSUPP; EIO when its snapshots cannot
   *     be read
   */
  void refuseRollback(String path);

  /**
   * Makes a clone the owner of its origin and all older snapshots, and the former owner its clone.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EINVAL when it is no clone; EEXIST when it has a
   *     snapshot of a name that it would get
   */
  void promote(String path);

  /**
   * The snapshot that a dataset began as: its path, an @ and its name; "" when it is no clone.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  String originOf(String path);

  /**
   * What each snapshot of a dataset has that the one before it has not, of the first all: allocated
   * bytes, by the snapshot's name.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EIO
   */
  Map<String, Long> writtenBySnapshots(String path);

  /**
   * The paths of the datasets that began as a snapshot.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  List<String> clonesOf(String path, String name);

  /**
   * A dataset's bookmarks, those of the oldest snapshots first.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  List<BookmarkInfo> bookmarks(String path);

  /**
   * Makes a bookmark of a snapshot, or of another bookmark, of the same dataset.
   *
   * @param source the name after the @ or the #
   * @param ofBookmark whether {@code source} is a bookmark
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST; EINVAL; EOPNOTSUPP when the pool lacks the
   *     feature
   */
  void createBookmark(String path, String source, boolean ofBookmark, String name);

  /**
   * Ends a bookmark.
   *
   * @throws io.lcpfs.error.PoolException ENOENT
   */
  void destroyBookmark(String path, String name);

  /**
   * The objects of a snapshot, to read; until it is destroyed or the pool closes.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EIO
   */
  ObjectSet snapshotObjects(String path, String name);

  /**
   * A snapshot that cannot be destroyed (EBUSY) until what is answered is closed.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EIO
   */
  HeldSnapshot holdSnapshot(String path, String name);

  /**
   * Begins to receive into a dataset that is in no listing until it is whole: a new one or, where
   * the stream is incremental, one that continues the newest snapshot of what is there.
   *
   * @param force whether what was changed there since its newest snapshot may be lost
   * @throws io.lcpfs.error.PoolException EEXIST; ENOENT when the parent is missing; EBUSY when
   *     something was received in part at that path, or what is there has changed; ESTALE when that
   *     is not what the stream continues; EOPNOTSUPP when the pool lacks the feature
   */
  Receiving beginReceive(ReceiveRecord start, DatasetPolicy policy, boolean force);

  /**
   * Goes on with what was received in part.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EBUSY; EINVAL when it is another snapshot
   */
  Receiving resumeReceive(String path, long toGuid, DatasetPolicy policy, boolean force);

  /** What is being received, or was in part. */
  List<ReceiveRecord> receives();

  /**
   * Drops what was received in part.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EBUSY
   */
  void dropReceive(String path);

  /**
   * The objects of a dataset, open until the pool closes; the same instance on every call. {@code
   * policy} governs what is written from now on.
   */
  ObjectSet objectSet(String path, DatasetPolicy policy);

  /** Changes what governs later writes of a dataset; nothing happens when it is not open. */
  void setPolicy(String path, DatasetPolicy policy);

  /** Pool property values that were set (autotrim, comment and the like), by name. */
  SortedMap<String, String> poolProperties();

  /** Sets a pool property; the empty string removes it. */
  void setPoolProperty(String name, String value);

  /** Runs every room's check over the whole pool. Findings are in the report, not thrown. */
  VerifyReport verify(Consumer<Progress> progress);

  /** What was done to the pool, oldest first. */
  List<HistoryEvent> history();

  /** Remembers a command; stamps it with the time and txg. */
  void addHistory(String who, String command);

  /** The pool's checkpoint, if there is one. */
  Optional<CheckpointInfo> checkpoint();

  /**
   * Keeps the whole pool as it is now, beside what becomes of it; returns when that is on disk. The
   * {@linkplain #objectSet objects} of datasets with an intent log have to be open.
   *
   * @throws io.lcpfs.error.PoolException EEXIST when there is a checkpoint; ENOSPC; EOPNOTSUPP when
   *     the pool lacks the feature
   */
  CheckpointInfo takeCheckpoint();

  /**
   * Gives the checkpoint up.
   *
   * @return bytes that are free by that
   * @throws io.lcpfs.error.PoolException ENOENT when there is none
   */
  long discardCheckpoint();

  /**
   * Gives the pool a new random guid.
   *
   * @throws io.lcpfs.error.PoolException EBUSY while there is a checkpoint
   */
  void reguid();

  /**
   * Turns on every feature that this version knows and the pool does not use; answers their names.
   *
   * @throws io.lcpfs.error.PoolException EBUSY while there is a checkpoint
   */
  List<String> upgrade();

  /**
   * Prints structures as of the last commit as text for a person, at most {@code limit=LINES}
   * (10,000 when not given). {@code what} with the arguments that it understands:
   *
   * <pre>
   * label                              all labels of all devices; verbose: every uberblock
   * uberblock, layout, config          what was committed last
   * mos                                the pool's own objects and their directory
   * dataset [DATASET]                  all datasets, or one with its objects
   * object DATASET NUMBER              dnode, bonus, tree; verbose: every pointer, small content
   * block METASLAB:OFFSET[:BYTES]      bytes as stored
   * block DATASET OBJECT LEVEL BLOCK   pointer and decoded content
   * zap DATASET OBJECT                 nodes and entries
   * spacemap [METASLAB]                heads of all maps, or one with its records
   * gang METASLAB:OFFSET               header and pieces
   * </pre>
   *
   * DATASET is {@code mos} for the pool's own objects, a path ("/" is the root), or the number of a
   * DATASET object; OBJECT a number, or {@code dnodes}, {@code tails}, {@code meta_tails}. Where
   * bytes do not decode, the text says so.
   *
   * @throws io.lcpfs.error.PoolException EINVAL saying what is understood
   */
  String debug(String what, List<String> arguments);
}
