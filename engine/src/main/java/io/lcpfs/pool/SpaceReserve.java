package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.SpaceGate;
import io.lcpfs.txg.TxgManager;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Keeps a reserve of free space, so that a full pool can always be deleted from. What transactions have
 * announced counts as used until the group after theirs has synced: an over-estimate, which is corrected by
 * syncing before anyone is refused.
 */
final class SpaceReserve implements SpaceGate {
  private static final long MAX_SMALL_RESERVE_BYTES = 64L << 20;
  /** What a transaction may add in dnode, tail and indirect blocks. */
  private static final long OVERHEAD_BYTES = 24 << 10;
  /** Freed space comes back two groups later. */
  private static final int SYNCS_BEFORE_REFUSAL = 4;

  private final Env env;
  private final Allocator allocator;
  private final LongSupplier unboundBytes;
  private final AtomicLong announced = new AtomicLong();
  private volatile long announcedAtOpen;
  private volatile long settled;
  private volatile TxgManager txgs;

  /**
   * @param unboundBytes bytes of tiles that no metaslab uses yet
   */
  SpaceReserve(Env env, Allocator allocator, LongSupplier unboundBytes, TxgManager txgs) {
    this.env = env;
    this.allocator = allocator;
    this.unboundBytes = unboundBytes;
    this.txgs = txgs;
  }

  void setTxgs(TxgManager manager) {
    txgs = manager;
  }

  long sizeBytes() {
    return allocator.capacityBytes() + unboundBytes.getAsLong();
  }

  /** A 32nd of the pool; of a small one more, as its metadata weighs more. */
  long reserveBytes() {
    long size = sizeBytes();
    return Math.max(size / 32, Math.min(size / 4, MAX_SMALL_RESERVE_BYTES));
  }

  long freeNowBytes() {
    return allocator.freeBytes() + unboundBytes.getAsLong();
  }

  /** What a user can still store: space that will come back counts, the reserve does not. */
  long availableBytes() {
    long free = freeNowBytes() + allocator.deferredBytes() - inFlight();
    return Math.max(0, free - reserveBytes());
  }

  /** Bytes announced by transactions that are not yet on disk. */
  long inFlight() {
    return announced.get() - settled;
  }

  /** The sync task has taken the open group; later announcements belong to the next one. */
  void groupClosed() {
    announcedAtOpen = announced.get();
  }

  /** What was announced before the last closed group was taken is now in the allocator's figures. */
  void groupSynced() {
    settled = announcedAtOpen;
  }

  @Override
  public void admit(long bytes, Use use) {
    long need = bytes + OVERHEAD_BYTES;
    long floor = use == Use.GROW ? reserveBytes() : reserveBytes() / 8;
    for (int attempt = 0; freeNowBytes() - inFlight() - need < floor; attempt++) {
      boolean mayCome = inFlight() > 0 || allocator.deferredBytes() > 0;
      if (attempt == SYNCS_BEFORE_REFUSAL || !mayCome) {
        env.probe(CodeProbe.ENOSPC_TO_USER);
        throw new PoolException(new PoolError.OutOfSpace(bytes, availableBytes()));
      }
      txgs.waitSynced(txgs.openTxg());
    }
    announced.addAndGet(need);
  }
}
