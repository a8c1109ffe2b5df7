package io.lcpfs.pool;

import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.util.function.UnaryOperator;

/**
 * A dataset that a stream is received into, not in the tree yet; used by one thread. Closing it
 * keeps a resumable one as far as it is on disk, and lets any other go.
 */
public final class Receiving implements AutoCloseable {
  private final ReceiveOps receives;
  private final OpenDataset dataset;
  private ReceiveRecord record;
  private boolean over;

  Receiving(ReceiveOps receives, OpenDataset dataset, ReceiveRecord record) {
    this.receives = receives;
    this.dataset = dataset;
    this.record = record;
  }

  OpenDataset dataset() {
    return dataset;
  }

  /** Where the content goes. */
  public ObjectSet objects() {
    return dataset.objectSet();
  }

  /** As last saved. */
  public ReceiveRecord record() {
    return record;
  }

  /** Changes what is set at the dataset and what it received, and how it is written from now on. */
  public void setProperties(UnaryOperator<StoredProperties> change, DatasetPolicy policy) {
    receives.changeProperties(dataset, change);
    dataset.objectSet().setOptions(DatasetTree.optionsOf(policy));
  }

  /** Notes how far it is, with the group of {@code tx}. */
  public void save(Tx tx, ReceiveRecord now) {
    receives.save(tx, dataset.object(), now);
    record = now;
  }

  /**
   * Makes the accounts of users, groups and projects those of what has arrived; it must be whole.
   *
   * @throws io.lcpfs.error.PoolException EIO when it cannot be read; EOPNOTSUPP when the pool has
   *     no accounts; ENOSPC
   */
  public void countOwners() {
    receives.countOwners(dataset);
  }

  /**
   * Enters it in the tree, or gives the dataset that it continues its content, with a snapshot of
   * what it holds now, both or neither; returns when that is on disk. Nobody may use the dataset's
   * files.
   *
   * @param snapshot the part of the snapshot's name after the @
   * @param policy how the dataset is written
   * @param force whether what was changed in it since its newest snapshot may be lost
   * @throws io.lcpfs.error.PoolException EEXIST; ENOENT when the parent is gone; EBUSY, ESTALE when
   *     what the stream continues has changed; ENOSPC
   */
  public void commit(String snapshot, DatasetPolicy policy, boolean force) {
    receives.commit(this, snapshot, policy, force);
    over = true;
  }

  /** Ends it; what it holds is freed in the background. */
  public void abort() {
    receives.abort(dataset.object());
    over = true;
  }

  @Override
  public void close() {
    try {
      if (!over && !record.resumable()) {
        abort();
      }
    } finally {
      receives.released(dataset.object());
    }
  }
}
