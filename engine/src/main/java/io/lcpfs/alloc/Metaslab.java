package io.lcpfs.alloc;

import static io.lcpfs.alloc.FreeExtents.count;
import static io.lcpfs.alloc.FreeExtents.end;
import static io.lcpfs.alloc.FreeExtents.key;
import static io.lcpfs.alloc.FreeExtents.overlaps;
import static io.lcpfs.alloc.FreeExtents.start;
import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import io.lcpfs.format.Disk;
import io.lcpfs.format.Dva;
import io.lcpfs.format.SpaceMapRecord;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The free space of one metaslab and its changes by txg. Every sector is allocated, free, or
 * deferred (freed, but an uberblock that may be gone back to still needs it). What is freed in txg
 * T becomes free by {@link #syncDone} of T+2.
 *
 * <p>While the pool has a checkpoint, what that has is <i>kept</i>: freed, it becomes free only
 * when the checkpoint is let go.
 *
 * <p>Allocation goes on where the last one ended, so that consecutive blocks are contiguous; when
 * that extent is used up, the next that fits after it is taken, and among scattered ones the
 * smallest that fits. All offsets and lengths are bytes, multiples of the sector. Safe for use by
 * many threads; one lock, held shortly.
 */
public final class Metaslab {
  /** Most sectors of a metaslab. */
  public static final int MAX_SECTORS = 1 << 30;

  /** A record's length field ends at twice this. */
  private static final long MAX_DEFERRED_BYTES = 1L << 30;

  /** Maps below this length are never worth condensing, in bytes. */
  private static final long SMALL_MAP_BYTES = 4 << 10;

  private final int id;
  private final long sizeBytes;
  private final int sectorBytes;
  private final int sectors;
  private final ReentrantLock lock = new ReentrantLock();

  /** Without the cursor's. */
  private FreeExtents free = new FreeExtents();

  /** The extent that allocations are cut from, empty when both are equal. */
  private int cursorStart;

  private int cursorEnd;

  /** Freed and not yet free: start &lt;&lt; 32 | sectors. */
  private SortedLongs deferred = new SortedLongs();

  private final TreeMap<Long, Changes> changes = new TreeMap<>();
  private @Nullable Changes latest;
  private long syncedTxg;
  private long freeSectors;

  /** Without those that are kept. */
  private long deferredSectors;

  /** Given up by the pool, deferred or no more, but kept. */
  private long keptSectors;

  private @Nullable KeptSectors kept;
  private long blockCount;

  /** Upper bound of the largest free extent, for callers without the lock. */
  private volatile long largestBytes;

  /** What one txg allocated and freed, as space map records. */
  private static final class Changes {
    private final long txg;
    private LongList allocs = new LongList();
    private final LongList frees = new LongList();

    Changes(long txg) {
      this.txg = txg;
    }

    boolean isEmpty() {
      return allocs.size() == 0 && frees.size() == 0;
    }
  }

  /** Told which bytes are about to become free, so that a device may discard them. */
  @FunctionalInterface
  public interface Released {
    /** Nothing is allocated there until this returns. Called without a lock. */
    void released(int metaslab, long offsetBytes, long bytes);
  }

  /**
   * A metaslab that is all free.
   *
   * @param id 1 to {@link Dva#MAX_METASLAB}
   * @param sizeBytes a multiple of {@code sectorBytes}, at most {@link #MAX_SECTORS} sectors
   * @param sectorBytes a power of two, at least 512
   */
  public Metaslab(int id, long sizeBytes, int sectorBytes) {
    Check.that(id > 0 && id <= Dva.MAX_METASLAB, "metaslab id", id);
    Check.that(
        sizeBytes % sectorBytes == 0 && sizeBytes / sectorBytes <= MAX_SECTORS,
        "metaslab size",
        sizeBytes);
    this.id = id;
    this.sizeBytes = sizeBytes;
    this.sectorBytes = sectorBytes;
    this.sectors = (int) (sizeBytes / sectorBytes);
    this.freeSectors = sectors;
    this.cursorEnd = sectors;
    this.largestBytes = sizeBytes;
  }

  /**
   * Takes over what its stored map says, as of the uberblock of {@code txg}. Frees of {@code txg -
   * 1} and {@code txg} stay deferred. Only for a metaslab that was not yet used.
   *
   * @throws io.lcpfs.error.PoolException Corrupt when the map does not end well
   */
  public void load(Env env, SpaceMapState state, long txg) {
    Check.that(
        state.sectors() == sectors && state.sectorBytes() == sectorBytes && state.metaslab() == id,
        "space map of another metaslab",
        id);
    state.finish(txg);
    lock.lock();
    try {
      Check.that(changes.isEmpty() && freeSectors == sectors, "metaslab in use", id);
      cursorStart = 0;
      cursorEnd = 0;
      free = new FreeExtents();
      freeSectors = 0;
      blockCount = state.blockCount();
      syncedTxg = txg;
      deferRecent(env, state.recentFrees());
      for (int at = state.nextFree(0); at < sectors; ) {
        int end = state.nextAllocated(at);
        loadFree(at, end);
        at = state.nextFree(end);
      }
      noteLargest();
    } finally {
      lock.unlock();
    }
  }

  private void deferRecent(Env env, Map<Long, LongList> recentFrees) {
    recentFrees.forEach(
        (txg, frees) -> {
          Changes of = changes.computeIfAbsent(txg, Changes::new);
          for (int i = 0; i < frees.size(); i++) {
            long record = frees.get(i);
            defer(key(startOf(record), sectorsOf(record)));
            of.frees.add(record);
          }
          env.probe(CodeProbe.FREE_DEFERRED_ON_IMPORT);
        });
  }

  /** Adds what is not allocated in a run of sectors, and not deferred, as free. */
  private void loadFree(int from, int to) {
    int at = from;
    while (at < to) {
      long next = deferred.ceiling(key(at, 0));
      int end = next == SortedLongs.NONE ? to : Math.min(to, start(next));
      if (end > at) {
        free.insert(at, end - at);
        freeSectors += end - at;
      }
      at = next == SortedLongs.NONE ? to : Math.min(to, Math.max(end, end(next)));
    }
  }

  private int startOf(long record) {
    return (int) (SpaceMapRecord.offsetBytes(record) / sectorBytes);
  }

  private int sectorsOf(long record) {
    return (int) (SpaceMapRecord.lengthBytes(record) / sectorBytes);
  }

  private void putCursorBack() {
    if (cursorEnd > cursorStart) {
      free.add(cursorStart, cursorEnd - cursorStart);
    }
    cursorEnd = cursorStart;
  }

  private void noteLargest() {
    largestBytes = (long) Math.max(free.largest(), cursorEnd - cursorStart) * sectorBytes;
  }

  private int sectorCount(long bytes) {
    Check.that(bytes > 0 && bytes % sectorBytes == 0, "allocation size", bytes);
    return Math.toIntExact(bytes / sectorBytes);
  }

  /**
   * Allocates {@code bytes} contiguous bytes in {@code txg}, near the last allocation.
   *
   * @return offset within the metaslab in bytes, or -1 when no free extent is that long
   */
  public long allocate(long bytes, long txg) {
    int need = sectorCount(bytes);
    lock.lock();
    try {
      if (cursorEnd - cursorStart < need && !moveCursor(need)) {
        return -1;
      }
      int start = cursorStart;
      cursorStart += need;
      return allocated(start, need, txg);
    } finally {
      lock.unlock();
    }
  }

  private boolean moveCursor(int need) {
    putCursorBack();
    long found = free.near(cursorStart, need);
    if (found != SortedLongs.NONE) {
      free.delete(found);
      cursorStart = start(found);
      cursorEnd = end(found);
    }
    noteLargest();
    return found != SortedLongs.NONE;
  }

  /**
   * As {@link #allocate}, but from about {@code hintBytes} on: for another copy of a block that had
   * to go to this metaslab too.
   */
  public long allocateFrom(long hintBytes, long bytes, long txg) {
    int need = sectorCount(bytes);
    int hint = Math.clamp(hintBytes / sectorBytes, 0, sectors - 1);
    lock.lock();
    try {
      putCursorBack();
      long around = free.before(hint);
      long found;
      int start;
      if (around != SortedLongs.NONE && end(around) - hint >= need) {
        found = around;
        start = hint;
      } else {
        found = free.near(hint, need);
        if (found == SortedLongs.NONE) {
          noteLargest();
          return -1;
        }
        start = start(found);
      }
      free.cut(found, start, need);
      noteLargest();
      return allocated(start, need, txg);
    } finally {
      lock.unlock();
    }
  }

  private long allocated(int start, int count, long txg) {
    long offset = (long) start * sectorBytes;
    changesOf(txg)
        .allocs
        .add(SpaceMapRecord.block(SpaceMapRecord.ALLOC, offset, (long) count * sectorBytes));
    freeSectors -= count;
    blockCount++;
    return offset;
  }

  private Changes changesOf(long txg) {
    Changes last = latest;
    if (last != null && last.txg == txg) {
      return last;
    }
    Check.that(txg > syncedTxg, "change in a txg that is on disk", txg);
    Changes of = changes.computeIfAbsent(txg, Changes::new);
    latest = of;
    return of;
  }

  /**
   * Allocates exactly this range in {@code txg}: a block that was written before it could be
   * recorded, as those of an intent log found on import.
   *
   * @throws io.lcpfs.error.PoolException Corrupt when it is not wholly free
   */
  public void claim(long offsetBytes, long bytes, long txg) {
    checkRange(offsetBytes, bytes, "claim");
    int start = (int) (offsetBytes / sectorBytes);
    int count = (int) (bytes / sectorBytes);
    lock.lock();
    try {
      putCursorBack();
      long around = free.before(start + 1);
      if (around == SortedLongs.NONE || end(around) < start + count) {
        throw notThere("claim", offsetBytes, "is not free");
      }
      free.cut(around, start, count);
      noteLargest();
      long at = allocated(start, count, txg);
      Check.that(at == offsetBytes, "claimed offset", at);
    } finally {
      lock.unlock();
    }
  }

  private RuntimeException notThere(String what, long offsetBytes, String why) {
    return corrupt(
        "space_map(" + id + ")." + what, Dva.toString(Dva.of(id, offsetBytes)) + " " + why);
  }

  private void checkRange(long offsetBytes, long bytes, String what) {
    if (offsetBytes < 0
        || bytes <= 0
        || bytes > sizeBytes
        || offsetBytes > sizeBytes - bytes
        || offsetBytes % sectorBytes != 0
        || bytes % sectorBytes != 0) {
      throw notThere(what, Math.max(0, offsetBytes), "with " + bytes + " bytes is not in it");
    }
  }

  /**
   * Frees a block in {@code txg}; it is deferred until txg+2 is durable.
   *
   * @throws io.lcpfs.error.PoolException Corrupt when part of it is free or freed already, or
   *     outside
   */
  public void free(long offsetBytes, long bytes, long txg) {
    checkRange(offsetBytes, bytes, "free");
    int start = (int) (offsetBytes / sectorBytes);
    int count = (int) (bytes / sectorBytes);
    lock.lock();
    try {
      if (free.overlaps(start, count)
          || overlaps(deferred, start, count)
          || (kept != null && kept.overlapsIdle(start, count))
          || (start < cursorEnd && start + count > cursorStart)) {
        throw notThere("free", offsetBytes, "is not allocated");
      }
      changesOf(txg).frees.add(SpaceMapRecord.block(SpaceMapRecord.FREE, offsetBytes, bytes));
      defer(key(start, count));
      blockCount--;
    } finally {
      lock.unlock();
    }
  }

  private void defer(long key) {
    if (overlaps(deferred, start(key), count(key))) {
      throw notThere("free", (long) start(key) * sectorBytes, "is freed twice");
    }
    deferred.add(key);
    int stays = kept == null ? 0 : kept.count(start(key), count(key));
    keptSectors += stays;
    deferredSectors += count(key) - stays;
  }

  /**
   * Undoes an allocation of {@code txg} that nothing refers to: the range is free at once. Only
   * before the changes of {@code txg} were encoded, and when no write to it is under way.
   */
  public void cancel(long offsetBytes, long bytes, long txg) {
    int start = (int) (offsetBytes / sectorBytes);
    int count = sectorCount(bytes);
    lock.lock();
    try {
      boolean known =
          changesOf(txg)
              .allocs
              .removeRecent(SpaceMapRecord.block(SpaceMapRecord.ALLOC, offsetBytes, bytes));
      Check.that(known, "cancelled allocation", offsetBytes);
      freeSectors += count;
      blockCount--;
      if (start + count == cursorStart && cursorEnd > cursorStart) {
        cursorStart = start;
      } else {
        free.add(start, count);
      }
      noteLargest();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Tells that the uberblock of {@code txg} is durable: its changes are on disk, and what was freed
   * up to {@code txg - 2} becomes free.
   *
   * @param released told first of each range that becomes free; may be null
   */
  public void syncDone(long txg, @Nullable Released released) {
    List<LongList> ripe = new ArrayList<>();
    lock.lock();
    try {
      if (txg <= syncedTxg && changes.isEmpty()) {
        return;
      }
      Check.that(txg >= syncedTxg, "txg synced before", txg);
      syncedTxg = txg;
      latest = null;
      changes.headMap(txg, true).values().forEach(of -> of.allocs = new LongList());
      Map<Long, Changes> old = changes.headMap(txg - 2, true);
      old.values().forEach(of -> ripe.add(of.frees));
      old.clear();
      changes.values().removeIf(of -> of.txg <= txg && of.isEmpty());
    } finally {
      lock.unlock();
    }
    for (LongList frees : ripe) {
      for (int i = 0; i < frees.size() && released != null; i++) {
        eachRun(startOf(frees.get(i)), sectorsOf(frees.get(i)), (s, n) -> {}, telling(released));
      }
      release(frees);
    }
  }

  private KeptSectors.Runs telling(Released released) {
    return (start, count) ->
        released.released(id, (long) start * sectorBytes, (long) count * sectorBytes);
  }

  /** Tells what is kept of a run of sectors, and what is not; only this task changes that. */
  private void eachRun(int start, int count, KeptSectors.Runs stays, KeptSectors.Runs goes) {
    KeptSectors of = kept;
    if (of == null) {
      goes.run(start, count);
    } else {
      of.split(start, count, stays, goes);
    }
  }

  private void release(LongList frees) {
    lock.lock();
    try {
      for (int i = 0; i < frees.size(); i++) {
        int start = startOf(frees.get(i));
        int count = sectorsOf(frees.get(i));
        deferred.remove(key(start, count));
        eachRun(start, count, this::keepIdle, this::becomeFree);
      }
      noteLargest();
    } finally {
      lock.unlock();
    }
  }

  private void becomeFree(int start, int count) {
    deferredSectors -= count;
    free.add(start, count);
    freeSectors += count;
  }

  private void keepIdle(int start, int count) {
    KeptSectors of = kept;
    if (of != null) {
      of.addIdle(start, count);
    }
  }

  /** Keeps all that is allocated now, whatever is freed later. Only between two groups. */
  public void keep() {
    long[] bits = allocatedBits();
    lock.lock();
    try {
      Check.that(kept == null, "a second checkpoint", id);
      kept = new KeptSectors(bits);
    } finally {
      lock.unlock();
    }
  }

  /**
   * As {@link #keep()}, after an import: keeps what the map of the checkpoint has allocated, of
   * which much may be given up by now.
   *
   * @param stored the map of the same metaslab as the checkpoint has it
   */
  public void keep(SpaceMapState stored) {
    lock.lock();
    try {
      Check.that(kept == null && stored.metaslab() == id, "a second checkpoint", id);
      putCursorBack();
      KeptSectors of = new KeptSectors(stored.allocatedBits());
      kept = of;
      for (long key = deferred.ceiling(0);
          key != SortedLongs.NONE;
          key = deferred.ceiling(key + 1)) {
        int stays = of.count(start(key), count(key));
        keptSectors += stays;
        deferredSectors -= stays;
      }
      for (long run : runsOfFree(of)) {
        free.cut(free.before(start(run) + 1), start(run), count(run));
        freeSectors -= count(run);
        keptSectors += count(run);
        of.addIdle(start(run), count(run));
      }
      noteLargest();
    } finally {
      lock.unlock();
    }
  }

  /** Which free runs of sectors are set in {@code of}; with the cursor put back. */
  private List<Long> runsOfFree(KeptSectors of) {
    List<Long> runs = new ArrayList<>();
    free.within(of, (start, count) -> runs.add(key(start, count)));
    return runs;
  }

  /**
   * The checkpoint is gone: what was kept for it alone is free. Only between two groups.
   *
   * @param released told first of each range that becomes free; may be null
   */
  public void letGo(@Nullable Released released) {
    KeptSectors of = kept;
    if (of == null) {
      return;
    }
    List<Long> idle = of.idle();
    if (released != null) {
      idle.forEach(key -> telling(released).run(start(key), count(key)));
    }
    lock.lock();
    try {
      kept = null;
      for (long key : idle) {
        free.add(start(key), count(key));
        freeSectors += count(key);
        keptSectors -= count(key);
      }
      deferredSectors += keptSectors;
      keptSectors = 0;
      noteLargest();
    } finally {
      lock.unlock();
    }
  }

  /** Bytes that the pool has given up and a checkpoint keeps. */
  public long keptBytes() {
    lock.lock();
    try {
      return keptSectors * sectorBytes;
    } finally {
      lock.unlock();
    }
  }

  /** A bit for each sector that cannot be given out, lowest first. */
  public long[] unfreeBits() {
    lock.lock();
    try {
      putCursorBack();
      return free.others(sectors);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Defers what is free here and set in {@code bits}, as if {@code txg} had freed it: what a state
   * has that an import may still go back to.
   */
  public void deferFree(long[] bits, long txg) {
    List<Long> runs;
    lock.lock();
    try {
      putCursorBack();
      runs = runsOfFree(new KeptSectors(bits));
    } finally {
      lock.unlock();
    }
    int most = Math.toIntExact(MAX_DEFERRED_BYTES / sectorBytes);
    for (long run : runs) {
      for (int at = start(run); at < end(run); at += most) {
        long bytes = (long) Math.min(most, end(run) - at) * sectorBytes;
        claim((long) at * sectorBytes, bytes, txg);
        free((long) at * sectorBytes, bytes, txg);
      }
    }
  }

  /**
   * Records that {@link #encodePending} of {@code txg} writes, its marker included; 0 when clean.
   */
  public int pendingRecordCount(long txg) {
    lock.lock();
    try {
      Changes of = changes.get(txg);
      return of == null || txg <= syncedTxg || of.isEmpty()
          ? 0
          : 1 + of.allocs.size() + of.frees.size();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Writes the records of {@code txg} to append to the stored map. May be called again while the
   * txg still changes; what counts is the last call.
   *
   * @param target of exactly {@link #pendingRecordCount} times 8 bytes
   */
  public void encodePending(long txg, MemorySegment target) {
    lock.lock();
    try {
      Changes of = changes.get(txg);
      if (of == null || txg <= syncedTxg) {
        throw new AssertionError("clean metaslab encoded: " + id);
      }
      long records = 1L + of.allocs.size() + of.frees.size();
      Check.that(
          target.byteSize() == records * SpaceMapRecord.BYTES, "pending bytes", target.byteSize());
      Disk.putU64(target, 0, SpaceMapRecord.txg(txg));
      long at = put(of.allocs, target, SpaceMapRecord.BYTES);
      long end = put(of.frees, target, at);
      Check.that(end == target.byteSize(), "pending end", end);
    } finally {
      lock.unlock();
    }
  }

  private static long put(LongList records, MemorySegment target, long from) {
    long at = from;
    for (int i = 0; i < records.size(); i++, at += SpaceMapRecord.BYTES) {
      Disk.putU64(target, at, records.get(i));
    }
    return at;
  }

  /** Upper bound of what {@link #condense} writes if the map were condensed now, in bytes. */
  public long condensedBytes() {
    lock.lock();
    try {
      long deferredBlocks = deferred.size();
      long regions = Math.ceilDiv(sectors, SpaceMapState.REGION_SECTORS);
      long asRecords = (blockCount + deferredBlocks) * SpaceMapRecord.BYTES;
      long asBitmaps = Math.ceilDiv(sectors, SpaceMapRecord.CELLS_PER_WORD) * 8L + regions * 16;
      return Math.min(asRecords, asBitmaps) + (2 + deferredBlocks) * SpaceMapRecord.BYTES;
    } finally {
      lock.unlock();
    }
  }

  /** Whether a stored map of this length would be at most half as long when condensed. */
  public boolean wantsCondense(long currentBytes) {
    return currentBytes > SMALL_MAP_BYTES && currentBytes > 2 * condensedBytes();
  }

  /**
   * Writes the whole map as of {@code txg} in its shortest form, to replace the stored one.
   *
   * @param stored the stored map replayed, without {@code txg}; changed by this call
   * @param target at least {@link #condensedBytes} long
   * @return bytes written
   * @throws io.lcpfs.error.PoolException Corrupt when the stored map and memory do not agree
   */
  public long condense(Env env, SpaceMapState stored, long txg, MemorySegment target) {
    long allocatedOnDisk;
    lock.lock();
    try {
      Changes of = changes.get(txg);
      if (of != null && txg > syncedTxg && !of.isEmpty()) {
        stored.apply(SpaceMapRecord.txg(txg));
        apply(of.allocs, stored);
        apply(of.frees, stored);
      }
      allocatedOnDisk = sectors - freeSectors - deferredSectors - keptSectors;
      for (Changes later : changes.tailMap(txg, false).values()) {
        allocatedOnDisk -= sum(later.allocs);
        allocatedOnDisk += sum(later.frees);
      }
    } finally {
      lock.unlock();
    }
    stored.finish(txg);
    if (stored.allocatedBytes() != allocatedOnDisk * sectorBytes) {
      throw corrupt(
          "space_map(" + id + ").condense",
          "the stored map has "
              + stored.allocatedBytes()
              + " bytes allocated, memory "
              + allocatedOnDisk * sectorBytes);
    }
    env.probe(CodeProbe.SPACE_MAP_CONDENSED);
    return stored.encodeCondensed(txg, target);
  }

  private static void apply(LongList records, SpaceMapState state) {
    for (int i = 0; i < records.size(); i++) {
      state.apply(records.get(i));
    }
  }

  private long sum(LongList records) {
    long total = 0;
    for (int i = 0; i < records.size(); i++) {
      total += sectorsOf(records.get(i));
    }
    return total;
  }

  /** A bit for each sector that is allocated, lowest first. */
  long[] allocatedBits() {
    long[] bits = new long[Math.ceilDiv(sectors, 64)];
    lock.lock();
    try {
      int at = 0;
      putCursorBack();
      while (at < sectors) {
        long open = free.from(at);
        long gone = deferred.ceiling(key(at, 0));
        long next =
            open == SortedLongs.NONE || (gone != SortedLongs.NONE && gone < open) ? gone : open;
        int end = next == SortedLongs.NONE ? sectors : start(next);
        Bits.set(bits, at, end);
        at = next == SortedLongs.NONE ? sectors : end(next);
      }
      if (kept != null) {
        kept.clearIdle(bits);
      }
    } finally {
      lock.unlock();
    }
    return bits;
  }

  public int id() {
    return id;
  }

  public long sizeBytes() {
    return sizeBytes;
  }

  public int sectorBytes() {
    return sectorBytes;
  }

  /** Bytes that can be allocated now. */
  public long freeBytes() {
    lock.lock();
    try {
      return freeSectors * sectorBytes;
    } finally {
      lock.unlock();
    }
  }

  /** Bytes freed and not yet free, without what is kept. */
  public long deferredBytes() {
    lock.lock();
    try {
      return deferredSectors * sectorBytes;
    } finally {
      lock.unlock();
    }
  }

  /** Bytes of blocks that live. */
  public long allocatedBytes() {
    lock.lock();
    try {
      return (sectors - freeSectors - deferredSectors - keptSectors) * sectorBytes;
    } finally {
      lock.unlock();
    }
  }

  /** Blocks that live. */
  public long blockCount() {
    lock.lock();
    try {
      return blockCount;
    } finally {
      lock.unlock();
    }
  }

  /** Never less than the largest free extent, in bytes; may be more. Without the lock. */
  public long largestFreeBytes() {
    return largestBytes;
  }
}
