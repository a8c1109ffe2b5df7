package io.lcpfs.pool;

import io.lcpfs.txg.TxgManager;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Bytes that transactions may still take whose groups are not on disk: what they were promised
 * while they go on, then what each of them may take at most.
 */
final class InFlight {
  /** Promised to transactions that have not ended. */
  private final AtomicLong promised = new AtomicLong();

  /** What the ended transactions of each group may take. */
  private final AtomicLongArray used = new AtomicLongArray(TxgManager.IN_FLIGHT);

  long bytes() {
    long sum = promised.get();
    for (int i = 0; i < TxgManager.IN_FLIGHT; i++) {
      sum += used.get(i);
    }
    return sum;
  }

  void promise(long bytes) {
    promised.addAndGet(bytes);
  }

  /** A promise ends without anything taken. */
  void cancel(long bytes) {
    promised.addAndGet(-bytes);
  }

  /** A promise ends; the transaction, which is part of {@code txg}, takes {@code usedBytes}. */
  void settle(long txg, long bytes, long usedBytes) {
    used.addAndGet((int) txg & TxgManager.MASK, usedBytes);
    cancel(bytes);
  }

  /** What {@code txg} took is in the figures of what is on disk now. */
  void groupSynced(long txg) {
    used.set((int) txg & TxgManager.MASK, 0);
  }
}
