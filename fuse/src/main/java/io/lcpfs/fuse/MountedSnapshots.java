package io.lcpfs.fuse;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Snapshot;
import io.lcpfs.api.SnapshotWatcher;
import io.lcpfs.posix.PosixFileSystem;
import java.util.List;

/** The snapshots of a mounted dataset, as its directory {@code .lcpfs/snapshot} shows them. */
public interface MountedSnapshots {
  /**
   * One of them.
   *
   * @param guid tells it apart from all others, also from a later one of the same name
   */
  record Entry(String name, long guid) {}

  /** All of them, oldest first. */
  List<Entry> list();

  /**
   * The files of one, to read.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EIO
   */
  PosixFileSystem files(String name);

  /** Whether the directory that leads to them is listed. */
  boolean isVisible();

  /**
   * Takes one.
   *
   * @throws io.lcpfs.error.PoolException EEXIST; EINVAL; EROFS
   */
  void take(String name);

  /**
   * Destroys one.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EBUSY when something keeps it; EROFS
   */
  void destroy(String name);

  /**
   * Gives one another name.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EEXIST; EINVAL; EROFS
   */
  void rename(String from, String to);

  /** Tells {@code watcher} of them from now on. */
  void watch(SnapshotWatcher watcher);

  /** Ends what {@link #watch} began. */
  void unwatch(SnapshotWatcher watcher);

  /** Those of a dataset. */
  static MountedSnapshots of(Dataset dataset) {
    return new MountedSnapshots() {
      @Override
      public List<Entry> list() {
        return dataset.snapshots().stream()
            .map(snapshot -> new Entry(snapshot.shortName(), snapshot.identity()))
            .toList();
      }

      @Override
      public PosixFileSystem files(String name) {
        return snapshot(name).fileSystem();
      }

      private Snapshot snapshot(String name) {
        return dataset.pool().snapshot(dataset.name() + "@" + name);
      }

      @Override
      public boolean isVisible() {
        return dataset.property("snapdir").value().equals("visible");
      }

      @Override
      public void take(String name) {
        dataset.snapshot(name);
      }

      @Override
      public void destroy(String name) {
        snapshot(name).destroy();
      }

      @Override
      public void rename(String from, String to) {
        snapshot(from).rename(to);
      }

      @Override
      public void watch(SnapshotWatcher watcher) {
        dataset.pool().watchSnapshots(dataset.name(), watcher);
      }

      @Override
      public void unwatch(SnapshotWatcher watcher) {
        dataset.pool().unwatchSnapshots(watcher);
      }
    };
  }
}
