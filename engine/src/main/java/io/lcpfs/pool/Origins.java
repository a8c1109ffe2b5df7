package io.lcpfs.pool;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import java.util.TreeSet;

/** The snapshots that a clone began as: its origin, and those before it in other datasets. */
final class Origins {
  private final ObjectContext context;
  private final ObjectSet meta;

  Origins(ObjectContext context, ObjectSet meta) {
    this.context = context;
    this.meta = meta;
  }

  /**
   * The txgs of all snapshots up to {@code origin} and with it, in order, each once.
   *
   * @param origin a SNAPSHOT object, or 0 for none
   * @throws PoolException Corrupt when one cannot be, or a dataset is a clone of itself
   */
  long[] txgsUpTo(long origin) {
    TreeSet<Long> txgs = new TreeSet<>();
    TreeSet<Long> seen = new TreeSet<>();
    long next = origin;
    while (next != 0) {
      SnapshotRecord end = SnapshotChain.record(meta, next);
      long dataset = end.datasetObject();
      if (!seen.add(dataset)) {
        throw PoolException.corrupt("dataset.origin", next);
      }
      DatasetRecord record = dataset(dataset);
      for (long object :
          SnapshotChain.objects(context, meta, record.snapshots().namesZap()).values()) {
        SnapshotRecord snapshot = SnapshotChain.record(meta, object, dataset);
        if (snapshot.txg() <= end.txg()) {
          txgs.add(snapshot.txg());
        }
      }
      if (!txgs.contains(end.txg())) {
        throw PoolException.corrupt("dataset.origin", next);
      }
      next = record.heritage().origin();
    }
    return txgs.stream().mapToLong(Long::longValue).toArray();
  }

  /** The txg of an origin; 0 for none. */
  long txgOf(long origin) {
    return origin == 0 ? 0 : SnapshotChain.record(meta, origin).txg();
  }

  private DatasetRecord dataset(long object) {
    try (Dnode dnode = meta.hold(object)) {
      if (dnode.type() != ObjectType.DATASET) {
        throw PoolException.corrupt("dataset.type", dnode.type().code());
      }
      return DatasetRecord.decode(dnode.bonus());
    }
  }
}
