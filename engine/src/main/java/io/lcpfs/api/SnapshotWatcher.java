package io.lcpfs.api;

/** Told of snapshots of a dataset, by the thread that takes or destroys them. */
public interface SnapshotWatcher {
  /** One is about to be taken: what its users hold back of their changes is to be written now. */
  void beforeSnapshot();

  /** One was taken, renamed or destroyed. */
  void snapshotsChanged();

  /** The directory that leads to them is listed now, or no more. */
  void visibilityChanged();
}
