package io.lcpfs.fuse;

import io.lcpfs.posix.PosixFileSystem;

/**
 * A dataset of a mount.
 *
 * @param path where it appears below the mount point, for instance {@code ""} or {@code "home/a"};
 *     its parent's path must be in the mount too
 */
public record MountedDataset(String path, PosixFileSystem files) {}
