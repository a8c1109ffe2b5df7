package io.lcpfs.object;

import io.lcpfs.format.ObjectType;
import io.lcpfs.txg.Tx;

/** A numbered collection of objects: the content of one dataset, or the pool's own. */
public final class ObjectSet {

  /**
   * Creates an object in {@code tx}. Object numbers start at 1.
   *
   * @param blockBytes size of a data block, a multiple of 512 up to 16 MiB
   */
  public Dnode create(Tx tx, ObjectType type, int blockBytes) {
    throw new AssertionError("signature only");
  }

  /**
   * The object with this number, held until {@link Dnode#close}.
   *
   * @throws io.lcpfs.error.PoolException ENOENT when there is none
   */
  public Dnode hold(long objectNumber) {
    throw new AssertionError("signature only");
  }

  /** Starts a transaction; see {@link io.lcpfs.txg.TxgManager#begin}. */
  public Tx begin(long dirtyBytesExpected) {
    throw new AssertionError("signature only");
  }

  /** Returns when everything committed before is on disk. */
  public void sync() {
    throw new AssertionError("signature only");
  }

  /** Whether changes are refused (EROFS at begin). */
  public boolean readOnly() {
    throw new AssertionError("signature only");
  }

  public long objectCount() {
    throw new AssertionError("signature only");
  }

  /** Object number of the first allocated object at or after {@code from}, or -1. */
  public long nextObject(long from) {
    throw new AssertionError("signature only");
  }
}
