package io.lcpfs.pool;

import java.util.List;
import java.util.SortedSet;

/**
 * What keeps a snapshot from being destroyed; at least one of these.
 *
 * @param clones paths of the datasets that began as it
 * @param received whether what is being received continues it
 * @param tags of its holds
 * @param sent whether it is being sent
 */
public record Keeper(
    SnapshotName name,
    List<String> clones,
    boolean received,
    SortedSet<String> tags,
    boolean sent) {

  boolean hasClones() {
    return received || !clones.isEmpty();
  }
}
