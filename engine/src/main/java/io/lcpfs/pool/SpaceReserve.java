package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.SpaceGate;
import io.lcpfs.txg.SpaceGrant;
import io.lcpfs.txg.TxgManager;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a reserve of free space, so that a full pool can always be deleted from. What transactions
 * were promised, and then what they may take at most, counts as used until their group is on disk:
 * an over-estimate, which is corrected by syncing before anyone is refused.
 *
 * <p>The lower half of the reserve is for what every group writes of the pool's own objects: blocks
 * of space maps, and those of the two groups before, which come back later.
 */
final class SpaceReserve implements SpaceGate {
  private static final long MAX_SMALL_RESERVE_BYTES = 64L << 20;

  /** What the groups under way may hold of one metaslab's map, in blocks of all copies. */
  private static final long METASLAB_RESERVE_BLOCKS = 54;

  /** What a transaction may add in dnode, tail and indirect blocks; corrected when it ends. */
  private static final long OVERHEAD_BYTES = 192 << 10;

  /** At least so many sectors, as each of those blocks takes a whole number of them. */
  private static final int OVERHEAD_SECTORS = 6;

  /** Copies of the pool's own blocks, by the groups whose versions of them lie side by side. */
  private static final int META_BLOCKS_KEPT = 3 * 4;

  /** Freed space comes back two groups later. */
  private static final int SYNCS_BEFORE_REFUSAL = 4;

  private static final int MIN_BLOCK_BYTES = 4096;

  private final Env env;
  private final Allocator allocator;
  private final LongSupplier unboundBytes;
  private final long tileBytes;
  private final TxgManager txgs;

  private final InFlight flight = new InFlight();

  /**
   * As of the last sync: to ask every metaslab for each transaction would cost more than it does.
   */
  private volatile @Nullable Space asSynced;

  /** What the pool's own objects may take beside those of a checkpoint. */
  private volatile long checkpointBytes;

  private record Space(long freeBytes, long reserveBytes) {}

  /**
   * @param unboundBytes bytes of tiles that no metaslab uses yet
   * @param tileBytes size of a tile
   */
  SpaceReserve(
      Env env, Allocator allocator, LongSupplier unboundBytes, long tileBytes, TxgManager txgs) {
    this.env = env;
    this.allocator = allocator;
    this.unboundBytes = unboundBytes;
    this.tileBytes = tileBytes;
    this.txgs = txgs;
  }

  long sizeBytes() {
    return allocator.capacityBytes() + unboundBytes.getAsLong();
  }

  /**
   * A 32nd of the pool; of a small one more, as its metadata weighs more; at least what syncs need
   * for the space maps of all metaslabs.
   */
  long reserveBytes() {
    long size = sizeBytes();
    return checkpointBytes
        + Math.max(
            Math.max(size / 32, Math.min(size / 4, MAX_SMALL_RESERVE_BYTES)),
            Math.min(size / 2, size / tileBytes * METASLAB_RESERVE_BLOCKS * mapBlockBytes()));
  }

  /**
   * While there is a checkpoint, every block of the pool's own objects may be needed a second time:
   * removing things must not end for want of that.
   */
  void setCheckpointBytes(long bytes) {
    checkpointBytes = bytes;
    asSynced = null;
  }

  private long mapBlockBytes() {
    return Math.max(MIN_BLOCK_BYTES, allocator.sectorBytes());
  }

  /** What the groups in flight take for new versions of all space maps in use. */
  long spaceMapBytes() {
    return META_BLOCKS_KEPT * (allocator.metaslabs().size() + 1) * mapBlockBytes();
  }

  long freeNowBytes() {
    return allocator.freeBytes() + unboundBytes.getAsLong();
  }

  /** What a user can still store: space that will come back counts, the reserve does not. */
  long availableBytes() {
    long free = freeNowBytes() + allocator.deferredBytes() - inFlight();
    return Math.max(0, free - reserveBytes());
  }

  /** Bytes that transactions may still take whose groups are not on disk. */
  long inFlight() {
    return flight.bytes();
  }

  /** What {@code txg} took is in the allocator's figures now. */
  void groupSynced(long txg) {
    asSynced = new Space(freeNowBytes(), reserveBytes());
    flight.groupSynced(txg);
  }

  @Override
  public SpaceGrant admit(long bytes, long sharedBytes, Use use) {
    return admit(bytes, use, SpaceReserve::nothing);
  }

  private static long nothing() {
    return 0;
  }

  /**
   * As {@link #admit(long, long, Use)}, where some of the free space is kept for others.
   *
   * @param kept bytes of it, as of now
   */
  SpaceGrant admit(long bytes, Use use, LongSupplier kept) {
    long need = bytes + Math.max(OVERHEAD_BYTES, (long) OVERHEAD_SECTORS * allocator.sectorBytes());
    Space known = asSynced;
    if (known != null && promise(need, known, use, kept)) {
      return new Grant(need);
    }
    for (int attempt = 0; ; attempt++) {
      if (promise(need, new Space(freeNowBytes(), reserveBytes()), use, kept)) {
        return new Grant(need);
      }
      boolean mayCome = inFlight() > 0 || allocator.deferredBytes() > 0;
      if (attempt == SYNCS_BEFORE_REFUSAL || !mayCome) {
        env.probe(CodeProbe.ENOSPC_TO_USER);
        long free = Math.max(0, availableBytes() - kept.getAsLong());
        throw new PoolException(new PoolError.OutOfSpace(bytes, free));
      }
      txgs.waitSynced(txgs.openTxg());
    }
  }

  private boolean promise(long need, Space space, Use use, LongSupplier kept) {
    long floor =
        use == Use.FREEING
            ? (space.reserveBytes - checkpointBytes) / 2 + checkpointBytes
            : space.reserveBytes + kept.getAsLong();
    flight.promise(need);
    if (space.freeBytes - inFlight() >= floor) {
      return true;
    }
    flight.cancel(need);
    return false;
  }

  private final class Grant implements SpaceGrant {
    private final long bytes;

    Grant(long bytes) {
      this.bytes = bytes;
    }

    @Override
    public void settle(long txg, long usedBytes, long sharedBytes) {
      flight.settle(txg, bytes, usedBytes);
    }

    @Override
    public void cancel() {
      flight.cancel(bytes);
    }
  }
}
