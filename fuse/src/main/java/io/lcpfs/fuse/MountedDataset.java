package io.lcpfs.fuse;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.SnapshotDirectory;
import io.lcpfs.posix.PosixFileSystem;
import org.jspecify.annotations.Nullable;

/**
 * A dataset of a mount.
 *
 * @param path where it appears below the mount point, for instance {@code ""} or {@code "home/a"};
 *     its parent's path must be in the mount too
 * @param snapshots what {@code .lcpfs/snapshot} in its root shows; null for no such directory
 */
public record MountedDataset(
    String path, PosixFileSystem files, @Nullable SnapshotDirectory snapshots) {

  /** Without a directory of snapshots. */
  public MountedDataset(String path, PosixFileSystem files) {
    this(path, files, null);
  }

  /** A dataset with its snapshots. */
  public static MountedDataset of(String path, Dataset dataset) {
    return new MountedDataset(path, dataset.fileSystem(), SnapshotDirectory.of(dataset));
  }
}
