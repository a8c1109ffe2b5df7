package io.lcpfs.api;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.PosixFileSystem;
import java.util.List;
import java.util.Optional;

/**
 * The snapshots of a dataset, as the directory {@code .lcpfs/snapshot} in its root shows them to
 * those who look at its files: a mount, or paths of a program.
 */
public interface SnapshotDirectory {
  /** The name in a dataset's root that leads to its snapshots. */
  String NAME = ".lcpfs";

  /** The directory in {@link #NAME} that has a directory for each snapshot. */
  String SNAPSHOTS = "snapshot";

  /** The property that says whether {@link #NAME} is listed. */
  String VISIBILITY = "snapdir";

  /**
   * One of them.
   *
   * @param guid tells it apart from all others, also from a later one of the same name
   */
  record Entry(String name, long guid) {}

  /** The files of a snapshot that somebody looks into for a while. */
  interface Visit extends AutoCloseable {
    /** To read; closed when the snapshot is destroyed, and some time after the last visit. */
    PosixFileSystem files();

    /** Ends the visit; does nothing the second time. */
    @Override
    void close();
  }

  /** All of them, oldest first. */
  List<Entry> list();

  /** The one of this name, if any. */
  Optional<Entry> find(String name);

  /**
   * The files of one, to read, until the snapshot is destroyed or the pool is closed.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EIO
   */
  PosixFileSystem files(String name);

  /**
   * The files of one, to read, for a while: what nobody visits does not stay open for long.
   *
   * @throws io.lcpfs.error.PoolException ENOENT; EIO
   */
  Visit visit(String name);

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
  static SnapshotDirectory of(Dataset dataset) {
    return new SnapshotDirectory() {
      private static Entry entry(Snapshot snapshot) {
        return new Entry(snapshot.shortName(), snapshot.identity());
      }

      @Override
      public List<Entry> list() {
        return dataset.snapshots().stream().map(snapshot -> entry(snapshot)).toList();
      }

      @Override
      public Optional<Entry> find(String name) {
        try {
          return Optional.of(entry(snapshot(name)));
        } catch (PoolException e) {
          // A name that cannot be a snapshot's is none of one, whatever is wrong with it.
          if (e.errno() == Errno.ENOENT
              || e.errno() == Errno.EINVAL
              || e.errno() == Errno.ENAMETOOLONG) {
            return Optional.empty();
          }
          throw e;
        }
      }

      @Override
      public PosixFileSystem files(String name) {
        return snapshot(name).fileSystem();
      }

      @Override
      public Visit visit(String name) {
        return dataset.pool().snapshots().visit(dataset.name() + "@" + name);
      }

      private Snapshot snapshot(String name) {
        return dataset.pool().snapshot(dataset.name() + "@" + name);
      }

      @Override
      public boolean isVisible() {
        return dataset.property(VISIBILITY).value().equals("visible");
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
