package io.lcpfs.object;

import io.lcpfs.txg.TxEnd;

/**
 * Where an object set tells what its transactions change, in words that make the same changes again
 * after a crash. A port: the intent log is behind it.
 */
public interface ChangeLog {

  /**
   * What a transaction that is about to begin tells when it ends. A {@link ChangeRecord} is told
   * each change too; anything else means that changes are not being kept now.
   */
  TxEnd begin();

  /**
   * Returns when everything that transactions which have ended did is durable.
   *
   * @param largeDirect whether much data is better written straight to its place
   * @throws io.lcpfs.error.PoolException when it cannot be made so
   */
  void commit(boolean largeDirect);
}
