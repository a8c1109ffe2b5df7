package io.lcpfs.pool;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What each snapshot has that the one before it has not. A snapshot has what the one before has,
 * less the dead blocks between them, and what was born since; so the sums of what they have and of
 * the dead lists tell, and no block is looked at.
 */
final class WrittenBytes {
  private static final int ATTEMPTS = 5;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DatasetTree datasets;
  private final DeadLists deadLists;

  WrittenBytes(ObjectContext context, ObjectSet meta, DatasetTree datasets) {
    this.context = context;
    this.meta = meta;
    this.datasets = datasets;
    this.deadLists = new DeadLists(context, meta);
  }

  private record Named(String name, SnapshotRecord record) {}

  /**
   * Of all snapshots of a dataset, by their names; the tree's lock is held.
   *
   * @param origin the SNAPSHOT object that the dataset began as, or 0
   */
  Map<String, Long> of(long dataset, long origin) {
    for (int attempt = 1; ; attempt++) {
      try {
        return ofNow(dataset, origin);
      } catch (PoolException e) {
        // The sync task joins and frees lists while they are read, and does not wait for us.
        if (attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  private Map<String, Long> ofNow(long dataset, long origin) {
    List<Named> chain = new ArrayList<>();
    datasets
        .snapshotObjects(dataset)
        .forEach(
            (name, object) ->
                chain.add(new Named(name, SnapshotChain.record(meta, object, dataset))));
    chain.sort(
        Comparator.comparingLong((Named one) -> one.record.txg())
            .thenComparingInt(one -> one.record.ordinal()));
    long before = origin == 0 ? 0 : SnapshotChain.record(meta, origin).usedBytes();
    Map<String, Long> written = new TreeMap<>();
    for (Named one : chain) {
      long dead = 0;
      for (DeadLists.Entry list : DeadLists.entries(context, meta, one.record.deadZap())) {
        dead += deadLists.storedBytes(list);
      }
      written.put(one.name, Math.max(0, one.record.usedBytes() - before + dead));
      before = one.record.usedBytes();
    }
    return written;
  }
}
