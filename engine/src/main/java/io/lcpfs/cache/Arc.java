package io.lcpfs.cache;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.memory.SlabAllocator.Reach;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The adaptive cache: clock with adaptive replacement (Bansal and Modha, "CAR", FAST 2004), in
 * bytes instead of pages. Entries used once go round the recent clock, entries used again the
 * frequent one; how the capacity is divided follows from ghosts, the memory of what was evicted
 * from each. A hit marks the entry and takes no lock.
 *
 * <p>Two things are added. Touches close together count as one use (a 128 KiB block read in 4 KiB
 * steps is not a frequent one): closeness is measured by the bytes that came in meanwhile, and by
 * {@link #tick}. And metadata below an eighth of the capacity is passed over while there is data to
 * evict.
 *
 * <p>Owners find entries by their own index; this class only decides who leaves. Whatever can evict
 * (allocate, insert, recharge, shrinkTo, tryEvict) calls {@link CacheEntry#evicted} of any entry,
 * so it must be called without a lock that {@code evicted} takes.
 */
public final class Arc {
  private static final int METADATA_SHARE = 8;
  private static final int HEADROOM_SHARE = 64;
  private static final int WINDOW_SHARE = 32;
  private static final int LOAN_SHARE = 4;
  private static final long BYTES_PER_GHOST = 4096;

  /**
   * A picture of the counters. Bytes, but for hits, misses, ghostHits, evictions and entries.
   *
   * @param recentBytes in entries used once
   * @param frequentBytes in entries used again
   * @param recentTargetBytes what the cache wants {@code recentBytes} to be
   */
  public record Stats(
      long hits,
      long misses,
      long ghostHits,
      long evictions,
      long evictedBytes,
      long entries,
      long cachedBytes,
      long recentBytes,
      long frequentBytes,
      long recentTargetBytes,
      long metadataBytes,
      long capacityBytes) {}

  private final SlabAllocator slabs;
  private final Env env;
  private final LongAdder hits = new LongAdder();
  private final AtomicLong lentBytes = new AtomicLong();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition evictionEnded = lock.newCondition();

  /** Bytes that ever came in, plus ticks: the time in which touches are told apart. Starts at 1. */
  private volatile long clock = 1;

  private volatile long window;

  // Guarded by lock.
  private final ClockList recent = new ClockList();
  private final ClockList frequent = new ClockList();
  private final GhostLists ghosts;
  private long capacityBytes;
  private long recentTarget;
  private long metadataBytes;
  private long misses;
  private long ghostHits;
  private long evictions;
  private long evictedBytes;

  /** Entries chosen whose owners have not yet been told: their memory is about to come. */
  private int evicting;

  /** How often owners have been told. */
  private long evictionRounds;

  /**
   * @param slabs where memory comes from; others may allocate from it too
   * @param capacityBytes how many bytes of entries are kept; pinned entries may exceed it
   */
  public Arc(SlabAllocator slabs, long capacityBytes, Env env) {
    Check.that(capacityBytes > 0, "cache capacity", capacityBytes);
    this.slabs = slabs;
    this.env = env;
    this.capacityBytes = capacityBytes;
    this.window = capacityBytes / WINDOW_SHARE;
    this.ghosts = new GhostLists(Math.clamp(capacityBytes / BYTES_PER_GHOST, 1024, 1 << 20));
  }

  /**
   * Memory for a block that is to be loaded or written, evicting what it takes. Data leaves a 64th
   * of the budget to metadata, so that a request for data that has failed can still be cleaned up
   * after.
   *
   * @throws PoolException ENOMEM when nothing more can be evicted
   */
  public Slab allocate(int bytes, CacheClass cacheClass) {
    return allocate(bytes, cacheClass, false, Reach.BUDGET);
  }

  /** As {@link #allocate} for metadata, and then from the sync reserve. */
  public Slab allocateForSync(int bytes) {
    return allocate(bytes, CacheClass.METADATA, true, Reach.RESERVE);
  }

  /**
   * As {@link #allocate}, and then from beyond the budget: what keeps it is dirty or in use, and
   * refusing would help nobody. Large records in a small cache get here.
   */
  public Slab allocateOverdrawing(int bytes, CacheClass cacheClass) {
    return allocate(bytes, cacheClass, false, Reach.OVERDRAFT);
  }

  /** As {@link #allocateForSync}, for who has waited for all that may come back. */
  public Slab allocateAsLastResort(int bytes) {
    return allocate(bytes, CacheClass.METADATA, true, Reach.LAST_RESORT);
  }

  private Slab allocate(int bytes, CacheClass cacheClass, boolean forSync, Reach reach) {
    Slab slab = slabs.admits(bytes, forSync) ? tryAllocate(bytes, cacheClass, reach) : null;
    if (slab == null) {
      throw new PoolException(new PoolError.OutOfMemory(bytes, slabs.budgetBytes()));
    }
    return slab;
  }

  private @Nullable Slab tryAllocate(int bytes, CacheClass cacheClass, Reach reach) {
    long budget = slabs.budgetBytes();
    long limit = cacheClass == CacheClass.DATA ? budget - budget / HEADROOM_SHARE : budget;
    while (true) {
      if (slabs.usedBytes() + bytes <= limit) {
        Slab slab = slabs.tryAdmitted(bytes, Reach.BUDGET);
        if (slab != null) {
          return slab;
        }
      }
      if (!makeRoom(bytes)) {
        return reach == Reach.BUDGET ? null : slabs.tryAdmitted(bytes, reach);
      }
    }
  }

  /**
   * Evicts {@code bytes}, or waits for a thread that is at it. @return false when neither is left
   */
  private boolean makeRoom(long bytes) {
    CacheEntry victims;
    lock.lock();
    try {
      victims = select(bytes);
      if (victims == null) {
        if (evicting == 0) {
          return false;
        }
        long seen = evictionRounds;
        while (evictionRounds == seen) {
          evictionEnded.awaitUninterruptibly();
        }
        return true;
      }
    } finally {
      lock.unlock();
    }
    tellOwners(victims);
    return true;
  }

  /**
   * Takes in an entry that was loaded or written, which the caller has pinned, and evicts others
   * where the capacity is exceeded. Its coming in counts as a use of it.
   */
  public void insert(CacheEntry entry) {
    insert(entry, true);
  }

  /**
   * As {@link #insert}, for a block that nobody asked for yet: its first touch is its first use.
   */
  public void insertPrefetched(CacheEntry entry) {
    insert(entry, false);
  }

  private void insert(CacheEntry entry, boolean used) {
    Check.that(entry.isPinned(), "an entry comes in pinned");
    int charge = entry.chargedBytes();
    Check.that(charge > 0, "charge of a cache entry", charge);
    long key = entry.ghostKey();
    CacheEntry victims;
    int ghost;
    lock.lock();
    try {
      long now = clock + charge;
      clock = now;
      misses++;
      entry.charge = charge;
      entry.resetTouches(used ? now : 0);
      ghost = ghosts.take(key);
      if (ghost == GhostLists.NONE) {
        recent.addLast(entry);
      } else {
        ghostHits++;
        adapt(ghost, charge);
        frequent.addLast(entry);
      }
      metadataBytes += entry.cacheClass() == CacheClass.METADATA ? charge : 0;
      trimGhosts();
      long excess = recent.bytes + frequent.bytes - capacityBytes;
      victims = excess > 0 ? select(excess) : null;
    } finally {
      lock.unlock();
    }
    if (ghost != GhostLists.NONE) {
      env.probe(CodeProbe.CACHE_GHOST_HIT);
    }
    tellOwners(victims);
  }

  /**
   * A ghost came back: the clock that it was evicted from is too small. The step is the entry's
   * size, times how much longer the other ghost list is.
   */
  private void adapt(int ghost, int charge) {
    double recentGhosts = ghosts.bytes(GhostLists.RECENT) + (double) charge;
    double frequentGhosts = ghosts.bytes(GhostLists.FREQUENT) + (double) charge;
    if (ghost == GhostLists.RECENT) {
      long step = (long) (charge * Math.max(1, frequentGhosts / recentGhosts));
      recentTarget = Math.min(recentTarget + step, capacityBytes);
    } else {
      long step = (long) (charge * Math.max(1, recentGhosts / frequentGhosts));
      recentTarget = Math.max(recentTarget - step, 0);
    }
  }

  /** CAR's bounds: recent and its ghosts fit the capacity, all four lists twice that. */
  private void trimGhosts() {
    while (ghosts.count(GhostLists.RECENT) > 0
        && recent.bytes + ghosts.bytes(GhostLists.RECENT) > capacityBytes) {
      ghosts.dropOldest(GhostLists.RECENT);
    }
    while (ghosts.count(GhostLists.FREQUENT) > 0
        && recent.bytes
                + frequent.bytes
                + ghosts.bytes(GhostLists.RECENT)
                + ghosts.bytes(GhostLists.FREQUENT)
            > 2 * capacityBytes) {
      ghosts.dropOldest(GhostLists.FREQUENT);
    }
  }

  /** Notes a use of an entry. Any thread, no lock; the caller counts the hit. */
  public void touch(CacheEntry entry) {
    entry.noteTouch(clock, window);
  }

  /**
   * Asks for leave to keep up to {@code bytes} of entries pinned at a time, for one reader of many
   * blocks. All such readers together get a quarter of the capacity, so that whoever needs memory
   * meanwhile finds something to evict.
   *
   * @return whether it is given; it ends with {@link #endLoan}
   */
  public boolean tryLend(long bytes) {
    if (lentBytes.addAndGet(bytes) <= capacityBytes / LOAN_SHARE) {
      return true;
    }
    lentBytes.addAndGet(-bytes);
    return false;
  }

  /** Ends what {@link #tryLend} gave: so many bytes are pinned no more. */
  public void endLoan(long bytes) {
    long left = lentBytes.addAndGet(-bytes);
    Check.that(left >= 0, "more was given back than lent", left);
  }

  /** Adds to the number of hits, one by one or in batches. */
  public void countHits(long count) {
    hits.add(count);
  }

  /**
   * Tells that time has passed: what was touched before and is touched again was used twice. To be
   * called about once a second, or at every txg; without it, only bytes that come in make time
   * pass.
   */
  public void tick() {
    lock.lock();
    try {
      long now = clock;
      clock = now + window;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes an entry out without a trace, because its block is freed or rewritten. The caller has it
   * pinned and keeps its memory; {@code evicted} is not called. Does nothing to an entry that is
   * not in.
   */
  public void remove(CacheEntry entry) {
    Check.that(entry.isPinned(), "an entry is removed pinned");
    lock.lock();
    try {
      unlink(entry);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Evicts this one entry, as if it had been chosen, but leaves no ghost; false when it is pinned.
   */
  public boolean tryEvict(CacheEntry entry) {
    lock.lock();
    try {
      if (entry.home == null || !entry.tryBeginEviction()) {
        return false;
      }
      unlink(entry);
      countEviction(entry);
    } finally {
      lock.unlock();
    }
    tellOwners(entry);
    return true;
  }

  private void unlink(CacheEntry entry) {
    if (entry.home != null) {
      entry.home.remove(entry);
      metadataBytes -= entry.cacheClass() == CacheClass.METADATA ? entry.charge : 0;
    }
  }

  private void countEviction(CacheEntry entry) {
    evicting++;
    evictions++;
    evictedBytes += entry.charge;
  }

  /** Asks the entry for its charge again, after its memory was exchanged for another size. */
  public void recharge(CacheEntry entry) {
    Check.that(entry.isPinned(), "an entry is recharged pinned");
    int charge = entry.chargedBytes();
    CacheEntry victims = null;
    lock.lock();
    try {
      ClockList home = entry.home;
      if (home != null) {
        int more = charge - entry.charge;
        entry.charge = charge;
        home.bytes += more;
        metadataBytes += entry.cacheClass() == CacheClass.METADATA ? more : 0;
        long excess = recent.bytes + frequent.bytes - capacityBytes;
        victims = excess > 0 ? select(excess) : null;
      }
    } finally {
      lock.unlock();
    }
    tellOwners(victims);
  }

  /**
   * Evicts until no more than {@code bytes} are cached, or only pinned entries are left. The
   * capacity stays: give it with {@link #setCapacity}.
   *
   * @return bytes cached then
   */
  public long shrinkTo(long bytes) {
    while (true) {
      long excess = cachedBytes() - bytes;
      if (excess <= 0 || !makeRoom(excess)) {
        return cachedBytes();
      }
    }
  }

  /** Changes how much is kept, evicting what is too much. Ghosts keep the places they had. */
  public void setCapacity(long bytes) {
    Check.that(bytes > 0, "cache capacity", bytes);
    lock.lock();
    try {
      capacityBytes = bytes;
      window = bytes / WINDOW_SHARE;
      recentTarget = Math.min(recentTarget, bytes);
      trimGhosts();
    } finally {
      lock.unlock();
    }
    shrinkTo(bytes);
  }

  // Choosing victims, with the lock held.

  /**
   * Takes unpinned entries of at least {@code bytes} out of the clocks, linked through {@code
   * next}; fewer where there are no more. A pinned entry is passed over; so is metadata, while it
   * is scarce, until a whole round has found nothing else.
   */
  private @Nullable CacheEntry select(long bytes) {
    CacheEntry victims = null;
    long found = 0;
    boolean spareMetadata = true;
    int barrenRecent = 0;
    int barrenFrequent = 0;
    long steps = 0;
    long patience = 3L * (recent.count + frequent.count);
    while (found < bytes) {
      boolean recentDone = barrenRecent >= recent.count;
      boolean frequentDone = barrenFrequent >= frequent.count;
      if (recentDone && frequentDone) {
        if (!spareMetadata || recent.count + frequent.count == 0) {
          break;
        }
        spareMetadata = false;
        barrenRecent = 0;
        barrenFrequent = 0;
        continue;
      }
      boolean wantRecent = recent.bytes >= Math.max(1, recentTarget);
      boolean fromRecent = frequentDone || (wantRecent && !recentDone);
      ClockList list = fromRecent ? recent : frequent;
      CacheEntry entry = list.first;
      if (entry == null) {
        throw new AssertionError("an empty clock has been gone round");
      }
      // Readers that touch faster than the hand turns cannot hold it up for ever.
      boolean heedTouches = ++steps <= patience;
      switch (turn(list, entry, spareMetadata, heedTouches)) {
        case EVICTED -> {
          found += entry.charge;
          entry.next = victims;
          victims = entry;
          barrenRecent = 0;
          barrenFrequent = 0;
        }
        case PASSED_OVER -> {
          barrenRecent += fromRecent ? 1 : 0;
          barrenFrequent += fromRecent ? 0 : 1;
        }
        case USED_AGAIN -> {}
      }
    }
    return victims;
  }

  private enum Turn {
    EVICTED,
    PASSED_OVER,
    USED_AGAIN
  }

  /** One step of a clock's hand, which points at {@code entry}. */
  private Turn turn(ClockList list, CacheEntry entry, boolean spareMetadata, boolean heedTouches) {
    if (heedTouches && entry.takeReference()) {
      list.remove(entry);
      frequent.addLast(entry);
      return Turn.USED_AGAIN;
    }
    boolean spared =
        spareMetadata
            && entry.cacheClass() == CacheClass.METADATA
            && metadataBytes <= capacityBytes / METADATA_SHARE;
    if (spared || !entry.tryBeginEviction()) {
      list.moveToLast(entry);
      return Turn.PASSED_OVER;
    }
    unlink(entry);
    countEviction(entry);
    int ghostList = list == recent ? GhostLists.RECENT : GhostLists.FREQUENT;
    ghosts.add(ghostList, entry.ghostKey(), entry.charge);
    return Turn.EVICTED;
  }

  /** Without the lock: lets the owners of a chain of victims free their memory. */
  private void tellOwners(@Nullable CacheEntry victims) {
    int told = 0;
    Throwable failure = null;
    for (CacheEntry entry = victims; entry != null; told++) {
      CacheEntry following = entry.next;
      entry.next = null;
      try {
        entry.evicted();
      } catch (RuntimeException | Error e) {
        failure = failure == null ? e : failure; // the others must be told all the same
      }
      entry.endEviction();
      env.probe(CodeProbe.CACHE_EVICTED);
      entry = following;
    }
    if (told > 0) {
      lock.lock();
      try {
        evicting -= told;
        evictionRounds++;
        evictionEnded.signalAll();
      } finally {
        lock.unlock();
      }
    }
    if (failure instanceof RuntimeException e) {
      throw e;
    }
    if (failure instanceof Error e) {
      throw e;
    }
  }

  /** How many bytes of entries are kept. */
  public long capacityBytes() {
    return capacityBytes;
  }

  /** Bytes of all entries now in. */
  public long cachedBytes() {
    lock.lock();
    try {
      return recent.bytes + frequent.bytes;
    } finally {
      lock.unlock();
    }
  }

  /** The allocator that memory comes from. */
  public SlabAllocator slabs() {
    return slabs;
  }

  /** The counters now. Hits are those that callers have counted. */
  public Stats stats() {
    lock.lock();
    try {
      return new Stats(
          hits.sum(),
          misses,
          ghostHits,
          evictions,
          evictedBytes,
          recent.count + (long) frequent.count,
          recent.bytes + frequent.bytes,
          recent.bytes,
          frequent.bytes,
          recentTarget,
          metadataBytes,
          capacityBytes);
    } finally {
      lock.unlock();
    }
  }

  /** Walks all lists; AssertionError where they disagree with their sums. */
  public void verify() {
    lock.lock();
    try {
      recent.verify();
      frequent.verify();
      Check.that(recentTarget >= 0 && recentTarget <= capacityBytes, "target", recentTarget);
      long metadata = metadataOf(recent) + metadataOf(frequent);
      Check.that(metadata == metadataBytes, "metadata bytes", metadata);
    } finally {
      lock.unlock();
    }
  }

  private static long metadataOf(ClockList list) {
    long bytes = 0;
    for (CacheEntry entry = list.first; entry != null; entry = entry.next) {
      bytes += entry.cacheClass() == CacheClass.METADATA ? entry.charge : 0;
    }
    return bytes;
  }
}
