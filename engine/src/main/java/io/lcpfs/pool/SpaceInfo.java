package io.lcpfs.pool;

/**
 * The space of a dataset as of the last group, in bytes, all copies.
 *
 * @param datasetBytes allocated for its own content, but for what a clone has of its origin
 * @param referencedBytes allocated for all of its content
 * @param snapshotBytes allocated for what only its snapshots refer to
 * @param refreservationBytes kept for its own content beyond that
 * @param childrenBytes charged for its children: what they use, or what is reserved for them
 * @param availableBytes what can still be written
 */
public record SpaceInfo(
    long datasetBytes,
    long referencedBytes,
    long snapshotBytes,
    long refreservationBytes,
    long childrenBytes,
    long availableBytes) {
  /** All of it; what its own reservation keeps beyond that is charged to its parent only. */
  public long usedBytes() {
    return SpaceLedger.sum(
        SpaceLedger.sum(datasetBytes, snapshotBytes),
        SpaceLedger.sum(refreservationBytes, childrenBytes));
  }
}
