package io.lcpfs.object;

import io.lcpfs.cache.CacheClass;
import io.lcpfs.cache.CacheEntry;
import io.lcpfs.error.Check;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A cached block of an object. {@code data} is what readers see. While the block has changes that
 * are not on disk there is one {@link Version} per transaction group, newest first, and each holds
 * a pin; the newest one's slab is {@code data}. A change in a later group copies the slab first, so
 * that the group being synced keeps its own. Guarded by the dnode's lock, but for {@code data}'s
 * readers, who hold a pin.
 */
final class Dbuf extends CacheEntry implements Block {

  /** The block as of one transaction group. */
  static final class Version {
    final long txg;
    final Slab slab;
    final @Nullable Version older;

    Version(long txg, Slab slab, @Nullable Version older) {
      this.txg = txg;
      this.slab = slab;
      this.older = older;
    }
  }

  /**
   * What a cached block costs at least, however small it is: it and what it keeps in memory of its
   * object take part of a kilobyte of heap, which is thereby bounded by the budget too.
   */
  static final int LEAST_CHARGE_BYTES = 4096;

  private final Dnode dnode;
  private final long key;
  volatile @Nullable Slab data;
  @Nullable Version newest;

  /** The newest version's group, 0 when clean; read without the lock by a writer who holds a Tx. */
  volatile long dirtyTxg;

  /** Changed by the sync task and not yet written (indirect, dnode and tail blocks only). */
  boolean changedInSync;

  /** No longer in the object's table: its range was freed. */
  boolean detached;

  /** A block without content, pinned once by whoever makes it. */
  Dbuf(Dnode dnode, int level, long blockId) {
    super(level > 0 || dnode.type().isMetadata() ? CacheClass.METADATA : CacheClass.DATA);
    this.dnode = dnode;
    this.key = BlockTable.key(level, blockId);
  }

  long key() {
    return key;
  }

  int level() {
    return (int) (key >>> 59);
  }

  long blockId() {
    return key & ((1L << 59) - 1);
  }

  Dnode dnode() {
    return dnode;
  }

  /** Whether the content is in memory. */
  boolean isReady() {
    return data != null;
  }

  /** The slab that readers see; the block must be ready. */
  Slab slab() {
    Slab slab = data;
    if (slab == null) {
      throw new PoolException(new PoolError.Closed("block " + blockId()));
    }
    return slab;
  }

  @Override
  public MemorySegment segment() {
    return slab().segment();
  }

  /**
   * How many of {@code n} bytes from {@code inside} are here: a block may have been replaced by a
   * larger one since its size was looked at, and what it lacks is zeros.
   */
  int have(int inside, int n) {
    return Math.clamp(slab().bytes() - inside, 0, n);
  }

  /** Copies what {@link #have} says to {@code target} at {@code to}; answers how much it is. */
  int copyOut(int inside, int n, MemorySegment target, long to) {
    int have = have(inside, n);
    if (have > 0) {
      MemorySegment.copy(segment(), inside, target, to, have);
    }
    return have;
  }

  @Override
  public void close() {
    unpin();
  }

  /** The version of {@code txg}, or null. Caller holds the dnode's lock. */
  @Nullable Version version(long txg) {
    Version v = newest;
    while (v != null && v.txg != txg) {
      v = v.older;
    }
    return v;
  }

  /**
   * Drops the version of {@code txg}, after it was written or because it was freed. Caller holds
   * the dnode's lock.
   *
   * @return the version's slab when nothing refers to it any more: the caller frees it
   */
  @Nullable Slab dropVersion(long txg) {
    Version[] chain = new Version[4];
    int n = 0;
    Version dropped = null;
    for (Version v = newest; v != null; v = v.older) {
      if (v.txg == txg) {
        dropped = v;
      } else {
        chain[n++] = v;
      }
    }
    Check.that(dropped != null, "no version to drop", txg);
    Version rebuilt = null;
    for (int i = n - 1; i >= 0; i--) {
      rebuilt = new Version(chain[i].txg, chain[i].slab, rebuilt);
    }
    newest = rebuilt;
    dirtyTxg = rebuilt == null ? 0 : rebuilt.txg;
    if (dropped == null || dropped.slab == data) {
      return null;
    }
    return dropped.slab;
  }

  @Override
  protected int chargedBytes() {
    Slab slab = data;
    return slab == null ? 1 : Math.max(LEAST_CHARGE_BYTES, slab.chargedBytes());
  }

  @Override
  protected long ghostKey() {
    long h = dnode.objectSet().id() * 0xC2B2AE3D27D4EB4FL + dnode.number();
    h = (h ^ (h >>> 29)) * 0xBF58476D1CE4E5B9L + key;
    h = (h ^ (h >>> 32)) * 0x94D049BB133111EBL;
    return h ^ (h >>> 29);
  }

  @Override
  protected void evicted() {
    dnode.evicted(this);
  }
}
