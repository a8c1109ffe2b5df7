package io.lcpfs.object;

import static io.lcpfs.txg.TxgManager.IN_FLIGHT;
import static io.lcpfs.txg.TxgManager.MASK;

import io.lcpfs.cache.CacheClass;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.memory.Slab;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An object in memory. Holds are counted: each from {@code ObjectSet.create} or {@code hold} ends
 * with {@link #close}. Content methods are safe from many threads, but a read during an overlapping
 * write sees a mix: the file's own range lock is above this.
 *
 * <p>State comes in two kinds, all under {@code lock}: what transactions see (block size and count,
 * bonus, cached blocks), kept per transaction group where a later group may change it before an
 * earlier one is on disk; and what the sync task alone changes (tree height, root pointer, tail
 * residence).
 */
public final class Dnode implements BlockObject, AutoCloseable {

  /** See {@link #free}. */
  public static final long MAX_BLOCKS_FREED_AT_ONCE = 65_536;

  private static final byte[] NO_BONUS = new byte[0];
  private static final Pending[] NOTHING_PENDING = new Pending[0];

  /** What a transaction that dirties an object may add in metadata; see {@link SpaceGate}. */
  static final long DIRTY_OVERHEAD_BYTES = 1024;

  final ReentrantLock lock = new ReentrantLock();

  /** See {@link #loaded()}; made by the first who waits. */
  private @Nullable Condition loaded;

  private final ObjectSet objectSet;
  private final long number;
  private final ObjectType type;
  private final long generation;
  private final int indirectShift;
  final BlockTable blocks = new BlockTable();

  /** By group; shared and empty while there are none. */
  @Nullable Pending[] pending = NOTHING_PENDING;

  volatile int blockBytes;
  volatile long blockCount;
  private volatile byte[] bonus;
  private volatile boolean freed;

  private volatile boolean syncMemory;

  /** Guarded by the object set's lock. */
  int holds;

  // Changed by the sync task only, under lock.
  int levels;
  BlockPointer root;
  boolean inTail;
  int tailBytes;
  long storedBytes;
  byte[] syncedBonus;
  int syncedBlockBytes;
  long syncedBlockCount;

  /** Made by the first read that has a next block; most objects have one. */
  private volatile @Nullable ReadAhead readAhead;

  /** A new object. */
  Dnode(ObjectSet objectSet, long number, ObjectType type, long generation, int blockBytes) {
    this(
        objectSet,
        number,
        new DnodeRecord(
            type,
            1,
            blockBytes,
            objectSet.options().indirectShift(),
            0,
            0,
            generation,
            false,
            0,
            BlockPointer.HOLE,
            NO_BONUS));
  }

  /** An object from disk. */
  Dnode(ObjectSet objectSet, long number, DnodeRecord record) {
    this.objectSet = objectSet;
    this.number = number;
    this.type = record.type();
    this.generation = record.generation();
    this.indirectShift = record.indirectShift();
    this.blockBytes = record.blockBytes();
    this.blockCount = record.blockCount();
    this.bonus = record.bonus();
    this.levels = record.levels();
    this.root = record.root();
    this.inTail = record.inTail();
    this.tailBytes = record.tailBytes();
    this.storedBytes = record.storedBytes();
    this.syncedBonus = record.bonus();
    this.syncedBlockBytes = record.blockBytes();
    this.syncedBlockCount = record.blockCount();
  }

  /** The set that it belongs to. */
  public ObjectSet objectSet() {
    return objectSet;
  }

  @Override
  public long number() {
    return number;
  }

  public ObjectType type() {
    return type;
  }

  /** The txg that created the object; distinguishes successive users of a number. */
  public long generation() {
    return generation;
  }

  int indirectShift() {
    return indirectShift;
  }

  /** log2 of the pointers in an indirect block. */
  int fanoutShift() {
    return indirectShift - 7;
  }

  /** The owner's bytes (at most 320), as last set. The array is shared: do not write to it. */
  public byte[] bonus() {
    return bonus;
  }

  @Override
  public @Nullable ChangeRecord changesIn(Tx tx) {
    return objectSet.changesIn(tx);
  }

  /** Replaces the owner's bytes; keeps {@code bonus}, which must not change any more. */
  public void setBonus(Tx tx, byte[] bonus) {
    boolean before = tx.changing();
    try {
      putBonus(tx, bonus);
    } catch (PoolException e) {
      tx.unchanged(before);
      throw e;
    }
    ChangeRecord changes = changesIn(tx);
    if (changes != null) {
      changes.bonusSet(number, bonus);
    }
  }

  void putBonus(Tx tx, byte[] bonus) {
    Check.that(bonus.length <= DnodeRecord.BONUS_BYTES, "bonus length", bonus.length);
    lock.lock();
    try {
      refuseFreed();
      pendingIn(tx).bonus = bonus;
      this.bonus = bonus;
    } finally {
      lock.unlock();
    }
  }

  /** Throws ENOENT when the object was freed. Caller holds the lock. */
  void refuseFreed() {
    if (freed) {
      throw PoolException.posix(Errno.ENOENT, "object " + number);
    }
  }

  boolean isFreed() {
    return freed;
  }

  private BlockLoader loader() {
    return new BlockLoader(this);
  }

  private BlockChanger changer() {
    return new BlockChanger(this);
  }

  /** What is signalled when a block was loaded, or could not be. Caller holds the lock. */
  Condition loaded() {
    Condition condition = loaded;
    if (condition == null) {
      condition = lock.newCondition();
      loaded = condition;
    }
    return condition;
  }

  private void signalLoaded() {
    Condition condition = loaded;
    if (condition != null) {
      condition.signalAll();
    }
  }

  /** The changes of the transaction's group, begun when there are none. Caller holds the lock. */
  Pending pendingIn(Tx tx) {
    int slot = (int) tx.txg() & MASK;
    if (pending.length == 0) {
      pending = new Pending[IN_FLIGHT];
    }
    Pending changes = pending[slot];
    if (changes == null) {
      changes = new Pending(tx.txg());
      changes.blockBytes = blockBytes;
      changes.blockCount = blockCount;
      pending[slot] = changes;
      objectSet.addDirty(tx, this);
    }
    return changes;
  }

  /** The changes of {@code txg}, for the sync task, or null. Caller holds the lock. */
  @Nullable Pending pendingOf(long txg) {
    return pending.length == 0 ? null : pending[(int) txg & MASK];
  }

  /** Ends the changes of {@code txg}, which are on disk. Caller holds the lock. */
  void clearPending(long txg) {
    if (pending.length == 0) {
      return;
    }
    pending[(int) txg & MASK] = null;
    if (!isDirty()) {
      pending = NOTHING_PENDING;
    }
  }

  boolean isDirty() {
    for (Pending changes : pending) {
      if (changes != null) {
        return true;
      }
    }
    return false;
  }

  // ---- reading

  /**
   * Copies {@code length} bytes from {@code offsetBytes} of the object to {@code target} at {@code
   * targetOffset}; what was never written reads as zeros. No end of file here. Allocates nothing
   * when the blocks are cached.
   *
   * @throws PoolException EIO when no intact copy is left; ENOMEM
   */
  public void read(long offsetBytes, MemorySegment target, long targetOffset, long length) {
    for (long done = 0; done < length; ) {
      int size = blockBytes;
      long at = offsetBytes + done;
      long blockId = at / size;
      int inside = (int) (at - blockId * size);
      int n = (int) Math.min(length - done, size - inside);
      try (Dbuf dbuf = pinForReading(blockId, size, inside + n)) {
        long to = targetOffset + done;
        int have = dbuf == null ? 0 : dbuf.copyOut(inside, n, target, to);
        if (have < n) {
          target.asSlice(to + have, n - have).fill((byte) 0);
        }
      }
      done += n;
    }
  }

  /**
   * A block that is about to be read up to {@code endInside}, pinned: from the cache, or loaded.
   * Tells the cache and the read-ahead, so it is asked once for each block of a read.
   *
   * @param size the size of the object's blocks as the reader saw it
   * @return null for a hole
   */
  @Nullable Dbuf pinForReading(long blockId, int size, int endInside) {
    Dbuf dbuf = blocks.find(blockId);
    if (dbuf != null && dbuf.tryPin()) {
      boolean kept = false;
      try {
        Slab slab = dbuf.data;
        if (slab != null && slab.bytes() >= endInside) {
          objectSet.context().cache().touch(dbuf);
          ReadAhead ahead = readAhead;
          if (ahead != null) {
            ahead.hit(blockId, size);
          }
          kept = true;
          return dbuf;
        }
      } finally {
        if (!kept) {
          dbuf.unpin();
        }
      }
    }
    noteMiss(blockId);
    return loadUnlessHole(blockId);
  }

  private void noteMiss(long blockId) {
    if (blockCount > 1) {
      ReadAhead ahead = readAhead;
      (ahead == null ? makeReadAhead() : ahead).miss(blockId, blockBytes);
    }
  }

  private ReadAhead makeReadAhead() {
    lock.lock();
    try {
      ReadAhead ahead = readAhead;
      if (ahead == null) {
        ahead = new ReadAhead(this);
        readAhead = ahead;
      }
      return ahead;
    } finally {
      lock.unlock();
    }
  }

  /** The pinned block, or null when it is a hole that is not in memory. */
  @Nullable Dbuf loadUnlessHole(long blockId) {
    lock.lock();
    try {
      if (blocks.find(blockId) == null) {
        BlockPointer pending = PendingFrees.pointer(this, blockId);
        if (blockId > 0 && blockId >= blockCount) {
          return null;
        }
        if (pending != null
            ? pending.isHole()
            : levels == 1 && (blockId > 0 || (root.isHole() && !inTail))) {
          return null;
        }
      }
    } finally {
      lock.unlock();
    }
    if (blocks.find(blockId) == null && !inTail && pointerTo(0, blockId).isHole()) {
      lock.lock();
      try {
        if (blocks.find(blockId) == null) {
          return null;
        }
      } finally {
        lock.unlock();
      }
    }
    return load(0, blockId);
  }

  @Override
  public Block read(long blockId) {
    return load(0, blockId);
  }

  /** The block, in memory and pinned; holes become blocks of zeros. Caller holds no lock here. */
  Dbuf load(int level, long blockId) {
    return load(level, blockId, false);
  }

  /** As {@link #load}, for the sync task, which may use the memory that is reserved for it. */
  Dbuf loadForSync(int level, long blockId) {
    return load(level, blockId, true);
  }

  Dbuf load(int level, long blockId, boolean forSync) {
    long key = BlockTable.key(level, blockId);
    while (true) {
      Dbuf mine;
      lock.lock();
      try {
        Dbuf found = blocks.find(key);
        if (found != null) {
          if (!found.tryPin()) {
            blocks.remove(found); // being evicted
          } else if (found.isReady()) {
            objectSet.context().cache().touch(found);
            return found;
          } else {
            found.unpin();
            loaded().awaitUninterruptibly();
            continue;
          }
        }
        mine = new Dbuf(this, level, blockId);
        blocks.add(mine);
      } finally {
        lock.unlock();
      }
      fill(mine, forSync);
      return mine;
    }
  }

  private void fill(Dbuf mine, boolean forSync) {
    Slab slab = null;
    try {
      slab = loader().read(mine.level(), mine.blockId(), forSync);
    } finally {
      lock.lock();
      try {
        if (slab == null) {
          blocks.remove(mine);
          mine.unpin();
        } else {
          mine.data = slab;
        }
        signalLoaded();
      } finally {
        lock.unlock();
      }
    }
    objectSet.context().cache().insert(mine);
  }

  /** Loads a block that is expected to be read soon; a hole is left alone. */
  void loadAhead(long blockId) {
    Dbuf dbuf = loadUnlessHole(blockId);
    if (dbuf != null) {
      dbuf.close();
    }
  }

  /** Whether this block's content is in a tail block as of the last sync. */
  boolean inTailNow(long blockId) {
    lock.lock();
    try {
      return blockId == 0 && inTail && !PendingFrees.isReplacedPending(this, 0);
    } finally {
      lock.unlock();
    }
  }

  /** Whether this data block is in memory or on disk. */
  boolean hasData(long blockId) {
    return blocks.find(blockId) != null || !pointerTo(0, blockId).isHole();
  }

  /** Whether there is an indirect block here, in memory or on disk. */
  boolean hasIndirect(int level, long blockId, boolean forSync) {
    return blocks.find(BlockTable.key(level, blockId)) != null
        || !loader().pointerTo(level, blockId, forSync).isHole();
  }

  int sizeOf(int level) {
    return level == 0 ? blockBytes : 1 << indirectShift;
  }

  /** From now on its blocks use the memory that is kept for syncs, which alone change them. */
  public void useSyncMemory() {
    syncMemory = true;
  }

  /** Memory for a block of this object. */
  Slab allocate(int bytes) {
    if (syncMemory) {
      return objectSet.context().io().syncMemory(bytes);
    }
    return objectSet
        .context()
        .cache()
        .allocateOverdrawing(bytes, type.isMetadata() ? CacheClass.METADATA : CacheClass.DATA);
  }

  /** The pointer to a block as of the last sync; a hole when its range was freed since. */
  BlockPointer pointerTo(int level, long blockId) {
    return loader().pointerTo(level, blockId, false);
  }

  /** As {@link #pointerTo}, for the sync task. */
  BlockPointer pointerToForSync(int level, long blockId) {
    return loader().pointerTo(level, blockId, true);
  }

  // ---- for the sync task

  /** Where the content lives from now on. */
  void setTail(boolean in, int bytes) {
    lock.lock();
    try {
      inTail = in;
      tailBytes = bytes;
    } finally {
      lock.unlock();
    }
  }

  /** Tells of blocks that the sync task itself has written. */
  void raiseBlockCountInSync(long count) {
    lock.lock();
    try {
      if (count > syncedBlockCount) {
        syncedBlockCount = count;
        blockCount = Math.max(blockCount, count);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Replaces the owner's bytes in the group that is being synced. */
  void setBonusInSync(byte[] newBonus) {
    lock.lock();
    try {
      bonus = newBonus;
      syncedBonus = newBonus;
    } finally {
      lock.unlock();
    }
  }

  /** The dnode as it goes to disk with the group that is being synced. */
  DnodeRecord recordAsSynced() {
    lock.lock();
    try {
      return new DnodeRecord(
          type,
          levels,
          syncedBlockBytes,
          indirectShift,
          syncedBlockCount,
          Math.max(0, storedBytes),
          generation,
          inTail,
          tailBytes,
          root,
          syncedBonus);
    } finally {
      lock.unlock();
    }
  }

  // ---- writing

  /**
   * Writes {@code length} bytes of {@code source} from {@code sourceOffset} at {@code offsetBytes}.
   * While the object has only block 0, the block grows to what is needed, up to {@code
   * maxBlockBytes}; from then on its size is fixed. The source must stay as it is until the
   * transaction ends.
   *
   * @throws PoolException EIO, ENOMEM: a prefix may then have been written
   */
  public void write(
      Tx tx,
      long offsetBytes,
      MemorySegment source,
      long sourceOffset,
      long length,
      int maxBlockBytes) {
    for (long done = 0; done < length; ) {
      done +=
          writeSome(
              tx, offsetBytes + done, source, sourceOffset + done, length - done, maxBlockBytes);
    }
  }

  /**
   * As {@link #write}, up to the first block that cannot be written.
   *
   * @return bytes written, 0 only when {@code length} is
   * @throws PoolException EIO, ENOMEM: nothing was written
   */
  public long writeSome(
      Tx tx,
      long offsetBytes,
      MemorySegment source,
      long sourceOffset,
      long length,
      int maxBlockBytes) {
    if (length == 0) {
      return 0;
    }
    boolean before = tx.changing();
    long written;
    try {
      written = changer().write(tx, offsetBytes, source, sourceOffset, length, maxBlockBytes);
    } catch (PoolException e) {
      tx.unchanged(before);
      throw e;
    }
    ChangeRecord changes = changesIn(tx);
    if (changes != null) {
      changes.written(number, offsetBytes, source, sourceOffset, written, maxBlockBytes);
    }
    return written;
  }

  /**
   * A bound on the room that such a {@link #write} takes on the devices for its data, all copies:
   * whole blocks are written anew, each in whole sectors.
   */
  public long spaceForWrite(long offsetBytes, long length, int maxBlockBytes) {
    return SpaceCost.ofWrite(this, offsetBytes, length, maxBlockBytes);
  }

  /** Whether such a {@link #write} surely gives up as much room as it takes, as synced last. */
  public boolean replacesAsMuch(long offsetBytes, long length, int maxBlockBytes) {
    return SpaceCost.replacesAsMuch(this, offsetBytes, length, maxBlockBytes);
  }

  /** A bound on the memory that such a {@link #write} makes dirty: whole blocks. */
  public long memoryForWrite(long offsetBytes, long length, int maxBlockBytes) {
    return SpaceCost.memoryOfWrite(this, offsetBytes, length, maxBlockBytes);
  }

  /** See {@link BlockCloner}; the log cannot say it, so a commit waits for the group. */
  void giveBlocks(Tx tx, long first, BlockPointer[] pointers, SpaceCost.OfClone cost) {
    changer().clone(tx, first, pointers, cost);
    ChangeRecord changes = changesIn(tx);
    if (changes != null) {
      changes.spoilt();
    }
  }

  /** See {@link BlockChanger#dirty}. */
  Dbuf dirty(Tx tx, long blockId, boolean overwrite) {
    return changer().dirty(tx, blockId, overwrite);
  }

  @Override
  public void setBlockBytes(Tx tx, int newBytes) {
    changer().setBlockBytes(tx, newBytes);
  }

  @Override
  public Block modify(Tx tx, long blockId) {
    return dirty(tx, blockId, false);
  }

  /**
   * Frees what lies in {@code [offsetBytes, offsetBytes + length)}, which reads as zeros
   * afterwards; partial blocks at the ends are zeroed in place. {@code length} may be
   * Long.MAX_VALUE - offset.
   */
  public void freeRange(Tx tx, long offsetBytes, long length) {
    if (length <= 0) {
      return;
    }
    ChangeRecord changes = changesIn(tx);
    boolean done = false;
    boolean before = tx.changing();
    try {
      freeBlocks(tx, offsetBytes, length);
      done = true;
    } catch (PoolException e) {
      tx.unchanged(before); // or less is freed than was meant, which does no harm
      throw e;
    } finally {
      if (changes != null && done) {
        changes.rangeFreed(number, offsetBytes, length);
      } else if (changes != null) {
        changes.spoilt();
      }
    }
  }

  private void freeBlocks(Tx tx, long offsetBytes, long length) {
    int size = blockBytes;
    long end = Math.addExact(offsetBytes, length);
    boolean toEnd = end == Long.MAX_VALUE || end / size >= blockCount;
    long first = (offsetBytes + size - 1) / size;
    long last = toEnd ? Long.MAX_VALUE : end / size;
    long headBlock = offsetBytes / size;
    if (offsetBytes % size != 0 && headBlock < blockCount) {
      long to = Math.min(end, (headBlock + 1) * size);
      changer().zero(tx, headBlock, (int) (offsetBytes % size), (int) (to - headBlock * size));
    }
    if (!toEnd && end % size != 0 && last >= first) {
      changer().zero(tx, last, 0, (int) (end % size));
    }
    if (last > first) {
      changer().free(tx, first, last);
    }
  }

  @Override
  public void truncateBlocks(Tx tx, long fromBlock) {
    changer().free(tx, fromBlock, Long.MAX_VALUE);
  }

  /**
   * Frees the object with all its content. It must be small enough to free within one transaction
   * group (at most {@link #MAX_BLOCKS_FREED_AT_ONCE} blocks): shorten it with freeRange over
   * several transactions before. Other holds see ENOENT afterwards; the number is reused only after
   * the last.
   */
  public void free(Tx tx) {
    boolean before = tx.changing();
    try {
      changer().free(tx, 0, Long.MAX_VALUE);
      lock.lock();
      try {
        refuseFreed();
        pendingIn(tx).freed = true;
        freed = true;
      } finally {
        lock.unlock();
      }
    } catch (PoolException e) {
      tx.unchanged(before);
      throw e;
    }
    objectSet.countFreed();
    ChangeRecord changes = changesIn(tx);
    if (changes != null) {
      changes.freed(number);
    }
  }

  /** Offset of the first data at or after {@code offsetBytes}, or -1; block granular. */
  public long nextData(long offsetBytes) {
    long found = BlockSearch.next(this, offsetBytes / blockBytes, true);
    return found < 0 ? -1 : Math.max(offsetBytes, found * blockBytes);
  }

  /**
   * Offset of the first hole at or after {@code offsetBytes}; block granular, may be past the end.
   */
  public long nextHole(long offsetBytes) {
    long found = BlockSearch.next(this, offsetBytes / blockBytes, false);
    return Math.max(offsetBytes, found * blockBytes);
  }

  /**
   * The end of the longest range from {@code fromBytes} that holds at most {@code limitBlocks}
   * blocks of data, in bytes; Long.MAX_VALUE when that is all.
   */
  public long endOfBlocks(long fromBytes, long limitBlocks) {
    return BlockSearch.endOfBlocks(this, fromBytes, limitBlocks);
  }

  /** Bytes allocated for the object on disk as of the last sync. */
  public long storedBytes() {
    lock.lock();
    try {
      return storedBytes;
    } finally {
      lock.unlock();
    }
  }

  /** Blocks up to the highest that was ever written. */
  @Override
  public long blockCount() {
    return blockCount;
  }

  @Override
  public int blockBytes() {
    return blockBytes;
  }

  /** The cache took this block's memory. */
  void evicted(Dbuf dbuf) {
    Slab slab;
    lock.lock();
    try {
      Check.that(dbuf.newest == null, "a dirty block was evicted", dbuf.blockId());
      blocks.remove(dbuf);
      slab = dbuf.data;
      dbuf.data = null;
    } finally {
      lock.unlock();
    }
    if (slab != null) {
      objectSet.context().slabs().free(slab);
    }
    if (blocks.size() == 0) {
      objectSet.dropIfUnused(this);
    }
  }

  /** Ends this hold. */
  @Override
  public void close() {
    objectSet.release(this);
  }
}
