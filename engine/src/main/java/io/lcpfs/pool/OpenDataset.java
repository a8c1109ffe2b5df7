package io.lcpfs.pool;

import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.ObjectSetSync;
import io.lcpfs.txg.Tx;

/** A dataset whose objects are in use. Its record is changed by the sync task only. */
final class OpenDataset {
  private final Dnode dnode;
  private final ObjectSet objectSet;
  private volatile DatasetRecord record;

  /**
   * @param dnode its DATASET object; this holds it from now on
   */
  OpenDataset(Dnode dnode, ObjectSet objectSet, DatasetRecord record) {
    this.dnode = dnode;
    this.objectSet = objectSet;
    this.record = record;
  }

  long object() {
    return dnode.number();
  }

  ObjectSet objectSet() {
    return objectSet;
  }

  DatasetRecord record() {
    return record;
  }

  /**
   * Writes what {@code txg} changed and remembers the new root; the record goes out with the group.
   */
  ObjectSetSync sync(long txg) {
    ObjectSetSync sync = objectSet.sync(txg);
    sync.writeObjects();
    BlockPointer root = sync.writeRoot();
    record = record.withObjectSet(root, objectSet.takeStoredDelta(), objectSet.takeLogicalDelta());
    dnode.setBonus(Tx.inSync(txg), record.encode());
    return sync;
  }

  void close() {
    dnode.close();
  }
}
