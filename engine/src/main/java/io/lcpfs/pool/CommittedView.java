package io.lcpfs.pool;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.BackgroundWork;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.ObjectSetOptions;

/**
 * The pool's own objects as of the last commit, apart from what later groups have changed in
 * memory. Valid only while no group is written: later, its blocks may have been given to others.
 */
final class CommittedView {
  /** Sets the blocks of this view apart from those of open object sets in the cache's memory. */
  private static final long VIEW_ID = -1;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final long txg;

  /**
   * @param root the root block of the meta object set
   */
  CommittedView(ObjectContext shared, BlockPointer root) {
    BackgroundWork none = new BackgroundWork();
    none.close(); // a block read ahead could arrive when it is no longer what it was
    context =
        new ObjectContext(
            shared.env(),
            shared.slabs(),
            shared.cache(),
            shared.io(),
            shared.txgs(),
            shared.space(),
            none);
    txg = root.logicalBirth();
    meta = ObjectSet.open(context, VIEW_ID, root, true, ObjectSetOptions.META);
  }

  ObjectContext context() {
    return context;
  }

  /** The group that it shows; the pool may not have been told yet that this is on disk. */
  long txg() {
    return txg;
  }

  ObjectSet meta() {
    return meta;
  }

  /** The object set of a dataset. */
  ObjectSet objects(DatasetRecord dataset) {
    return ObjectSet.open(
        context, VIEW_ID - 1, dataset.objectSet(), true, ObjectSetOptions.DEFAULT);
  }

  /** A dataset's record; Corrupt when the object is no dataset. */
  DatasetRecord dataset(long object) {
    try (Dnode dnode = hold(object, ObjectType.DATASET)) {
      return DatasetRecord.decode(dnode.bonus());
    }
  }

  /** One of the pool's own objects; Corrupt when it is missing or of another type. */
  Dnode hold(long object, ObjectType type) {
    Dnode dnode = meta.hold(object);
    if (dnode.type() != type) {
      dnode.close();
      throw PoolException.corrupt("object " + object, "is " + dnode.type() + ", not " + type);
    }
    return dnode;
  }
}
