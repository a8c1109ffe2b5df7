package io.lcpfs.object;

import static io.lcpfs.txg.TxgManager.IN_FLIGHT;
import static io.lcpfs.txg.TxgManager.MASK;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import io.lcpfs.txg.SpaceGrant;
import io.lcpfs.txg.Tx;
import io.lcpfs.txg.TxEnd;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A numbered collection of objects: the content of one dataset, or the pool's own. */
public final class ObjectSet {
  /** Bytes of a block of dnodes: 32 of them. */
  static final int DNODE_BLOCK_BYTES = ObjectSetRecord.DNODE_BLOCK_BYTES;

  /** Larger object numbers are taken for damage. */
  private static final long MAX_OBJECT_NUMBER = 1L << 40;

  private final ObjectContext context;
  private final long id;
  private final boolean readOnly;
  private volatile ObjectSetOptions options;
  private final Dnode dnodes;
  private final Dnode tails;
  private final Dnode metaTails;
  private final AtomicLong objectCount;

  /** Objects on disk as of the sync under way; {@link #objectCount} runs ahead of it. */
  final AtomicLong syncedObjectCount;

  /** Guards the table of objects in memory and their hold counts; taken before a dnode's lock. */
  private final ReentrantLock lock = new ReentrantLock();

  private final TreeMap<Long, Dnode> table = new TreeMap<>();

  /** Guards the lists of dirty objects, one per group; taken after a dnode's lock. */
  private final ReentrantLock dirtyLock = new ReentrantLock();

  private final List<List<Dnode>> dirty = new ArrayList<>();

  /** By group too, under the same lock. */
  private final List<SpaceCost.SharedBlocks> sharedBlocks = new ArrayList<>();

  /** By group, the objects that were given blocks by reference; under the same lock. */
  private final List<List<Dnode>> cloning = new ArrayList<>();

  /** It is being destroyed: its blocks may go. */
  private volatile boolean leaving;

  /** Guards what follows. */
  private final ReentrantLock numberLock = new ReentrantLock();

  private final ArrayDeque<Long> freeNumbers = new ArrayDeque<>();
  private final ArrayDeque<Long> recycled = new ArrayDeque<>();
  private long scannedBlocks;

  /** Changed by the sync task only. */
  BlockPointer root;

  /** What is told of changes, from the next transaction on; null for nobody. */
  private volatile @Nullable ChangeLog changeLog;

  private volatile boolean retired;

  /** Who keeps accounts of its objects; null for nobody. */
  private volatile @Nullable ObjectAccounts accounts;

  /** Who admits transactions; null for the pool. */
  private volatile @Nullable SpaceGate spaceGate;

  /** Who keeps blocks that are given up; null for nobody. */
  private volatile @Nullable DeadBlocks deadBlocks;

  final AtomicLong storedDelta = new AtomicLong();
  final AtomicLong logicalDelta = new AtomicLong();

  private ObjectSet(
      ObjectContext context,
      long id,
      boolean readOnly,
      ObjectSetOptions options,
      BlockPointer root,
      ObjectSetRecord record) {
    this.context = context;
    this.id = id;
    this.readOnly = readOnly;
    this.options = options;
    this.root = root;
    this.dnodes = new Dnode(this, 0, record.dnodes());
    this.tails = new Dnode(this, -1, record.tails());
    this.metaTails = new Dnode(this, -2, record.metaTails());
    this.objectCount = new AtomicLong(record.objectCount());
    this.syncedObjectCount = new AtomicLong(record.objectCount());
    for (int i = 0; i < IN_FLIGHT; i++) {
      dirty.add(new ArrayList<>());
      cloning.add(new ArrayList<>());
      sharedBlocks.add(new SpaceCost.SharedBlocks());
    }
  }

  /**
   * A new, empty object set. It comes into being on disk with the first sync that finds it dirty.
   *
   * @param id distinguishes the pool's object sets in the cache
   */
  public static ObjectSet create(ObjectContext context, long id, ObjectSetOptions options) {
    ObjectSetRecord empty =
        new ObjectSetRecord(
            internal(ObjectType.DNODE, DNODE_BLOCK_BYTES, options),
            internal(ObjectType.TAILS, TailRecord.MAX_BYTES, options),
            internal(ObjectType.META_TAILS, TailRecord.MAX_BYTES, options),
            0);
    return new ObjectSet(context, id, false, options, BlockPointer.HOLE, empty);
  }

  private static DnodeRecord internal(ObjectType type, int blockBytes, ObjectSetOptions options) {
    return new DnodeRecord(
        type,
        1,
        blockBytes,
        options.indirectShift(),
        0,
        0,
        0,
        false,
        0,
        BlockPointer.HOLE,
        new byte[0]);
  }

  /**
   * Opens the object set whose root block is {@code root}.
   *
   * @throws PoolException EIO when the root block is lost
   */
  public static ObjectSet open(
      ObjectContext context,
      long id,
      BlockPointer root,
      boolean readOnly,
      ObjectSetOptions options) {
    if (root.isHole()) {
      return create(context, id, options);
    }
    if (root.type() != ObjectType.OBJECT_SET || root.lsizeBytes() != ObjectSetRecord.BYTES) {
      throw PoolException.corrupt("object_set.root", root.toString());
    }
    Slab slab = context.cache().allocate(ObjectSetRecord.BYTES, io.lcpfs.cache.CacheClass.METADATA);
    try {
      context.io().read(root, slab.segment(), context.txgs().syncedTxg());
      ObjectSetRecord record = ObjectSetRecord.decode(slab.segment());
      honest(context, record.dnodes());
      honest(context, record.tails());
      honest(context, record.metaTails());
      if (record.objectCount() != record.dnodes().root().fill()) {
        throw PoolException.corrupt("object_set.object_count", record.objectCount());
      }
      return new ObjectSet(context, id, readOnly, options, root, record);
    } finally {
      context.slabs().free(slab);
    }
  }

  /**
   * Refuses an object with more blocks than the pool has sectors for: one whose tree leads to the
   * same blocks again and again would take for ever to walk through.
   */
  static DnodeRecord honest(ObjectContext context, DnodeRecord record) {
    long most = context.io().capacitySectors();
    if (record.type() == ObjectType.DNODE) {
      most *= TailRecord.SLOTS;
    } else if (record.type().mayVanish() && record.levels() > 1) {
      most <<= record.indirectShift() - 7; // tiny blocks lie in the pointers themselves
    }
    if (record.root().fill() > most) {
      throw PoolException.corrupt("block_pointer.fill", record.root().fill());
    }
    return record;
  }

  ObjectContext context() {
    return context;
  }

  long id() {
    return id;
  }

  Dnode dnodes() {
    return dnodes;
  }

  Dnode tails() {
    return tails;
  }

  Dnode metaTails() {
    return metaTails;
  }

  Dnode tailsOf(ObjectType type) {
    return type.isMetadata() ? metaTails : tails;
  }

  public ObjectSetOptions options() {
    return options;
  }

  /** Changes how blocks are written from now on. */
  public void setOptions(ObjectSetOptions options) {
    this.options = options;
  }

  /** Whether changes are refused (EROFS at begin). */
  public boolean readOnly() {
    return readOnly;
  }

  /** The root block as of the last sync; a hole before the first. */
  public BlockPointer root() {
    return root;
  }

  /** Bytes by which stored (allocated) data changed since the last call. */
  public long takeStoredDelta() {
    return storedDelta.getAndSet(0);
  }

  /** Bytes by which logical data (before compression, one copy) changed since the last call. */
  public long takeLogicalDelta() {
    return logicalDelta.getAndSet(0);
  }

  /** Starts a transaction that writes new data; see {@link io.lcpfs.txg.TxgManager#begin}. */
  public Tx begin(long dirtyBytesExpected) {
    return begin(dirtyBytesExpected, dirtyBytesExpected, 0, SpaceGate.Use.GROW);
  }

  /**
   * As {@link #begin(long)}, for data that may take more room on the devices than in memory.
   *
   * @param storedBytesExpected a bound on the space that its data will take, all copies
   */
  public Tx begin(long dirtyBytesExpected, long storedBytesExpected) {
    return beginSharing(dirtyBytesExpected, storedBytesExpected, 0);
  }

  /**
   * As {@link #begin(long, long)}, for a transaction that besides gives the set blocks that others
   * have too.
   *
   * @param sharedBytes what these have allocated, all copies
   */
  public Tx beginSharing(long dirtyBytesExpected, long storedBytesExpected, long sharedBytes) {
    return begin(
        dirtyBytesExpected,
        Math.max(dirtyBytesExpected, storedBytesExpected),
        sharedBytes,
        SpaceGate.Use.GROW);
  }

  /** As {@link #begin(long, long)}, where at least as much space is given up. */
  public Tx beginReplacing(long dirtyBytesExpected, long storedBytesExpected) {
    return begin(
        dirtyBytesExpected,
        Math.max(dirtyBytesExpected, storedBytesExpected),
        0,
        SpaceGate.Use.REPLACE);
  }

  /** Starts a transaction that gives space back: it may use the pool's reserve. */
  public Tx beginFreeing(long dirtyBytesExpected) {
    return begin(dirtyBytesExpected, dirtyBytesExpected, 0, SpaceGate.Use.FREEING);
  }

  private Tx begin(
      long dirtyBytesExpected, long storedBytesExpected, long sharedBytes, SpaceGate.Use use) {
    if (readOnly) {
      throw PoolException.posix(Errno.EROFS, "dataset");
    }
    if (retired) {
      throw gone();
    }
    ChangeLog log = changeLog;
    TxEnd told = log == null ? null : log.begin();
    SpaceGate gate = spaceGate;
    SpaceGrant grant =
        (gate == null ? context.space() : gate).admit(storedBytesExpected, sharedBytes, use);
    boolean begun = false;
    try {
      Tx tx = context.txgs().begin(dirtyBytesExpected);
      tx.holdSpace(grant);
      begun = true;
      if (told != null) {
        tx.attach(told);
      }
      if (retired) { // after it began, so that none begins behind the group that retiring waits for
        tx.complete();
        tx.close();
        throw gone();
      }
      return tx;
    } finally {
      if (!begun) {
        grant.cancel();
      }
    }
  }

  private static PoolException gone() {
    return PoolException.posix(Errno.ESTALE, "dataset");
  }

  /**
   * Refuses all changes from now on (ESTALE at begin): once a group has been synced after this,
   * what is on disk stays as it is.
   */
  public void retire() {
    retired = true;
  }

  /** Who keeps accounts of its objects from the next sync on; null for nobody. */
  public void setAccounts(@Nullable ObjectAccounts keeper) {
    accounts = keeper;
  }

  public @Nullable ObjectAccounts accounts() {
    return accounts;
  }

  /** Who admits transactions from the next one on. */
  public void setSpaceGate(SpaceGate gate) {
    spaceGate = gate;
  }

  /** Who keeps blocks that this object set gives up from the next sync on; null for nobody. */
  public void setDeadBlocks(@Nullable DeadBlocks keeper) {
    deadBlocks = keeper;
  }

  /** Whether blocks that are given up may have to be remembered. */
  boolean keepsDeadBlocks() {
    DeadBlocks keeper = deadBlocks;
    return keeper != null && keeper.keepsAny();
  }

  /** Gives up a block in the group that is being written. */
  void giveUp(BlockPointer pointer, long txg) {
    DeadBlocks keeper = deadBlocks;
    if (keeper == null || pointer.copies() == 0 || !keeper.keep(pointer)) {
      context.io().free(pointer, txg);
    }
  }

  /** Who is told of changes from the next transaction on; null for nobody. */
  public void setChangeLog(@Nullable ChangeLog log) {
    changeLog = log;
  }

  /** Who is told the changes of a transaction, or null. */
  @Nullable ChangeRecord changesIn(Tx tx) {
    return tx.attached() instanceof ChangeRecord changes && changeLog != null ? changes : null;
  }

  /**
   * Returns when everything committed before is durable: in its place, or in the change log.
   *
   * @param largeDirect whether much data is better written straight to its place
   */
  public void commit(boolean largeDirect) {
    ChangeLog log = changeLog;
    if (log == null) {
      sync();
    } else {
      log.commit(largeDirect);
    }
  }

  /** Returns when everything committed before is on disk. */
  public void sync() {
    if (!readOnly) {
      context.txgs().sync();
    }
  }

  public long objectCount() {
    return objectCount.get();
  }

  /**
   * Creates an object in {@code tx}, held until its close. Object numbers start at 1.
   *
   * @param blockBytes size of a data block, a multiple of 512 up to 16 MiB
   */
  public Dnode create(Tx tx, ObjectType type, int blockBytes) {
    while (true) {
      long number = takeNumber();
      Dnode dnode = new Dnode(this, number, type, tx.txg(), blockBytes);
      lock.lock();
      try {
        if (table.containsKey(number)) {
          continue; // still held by someone who knew its last user
        }
        dnode.holds = 1;
        table.put(number, dnode);
      } finally {
        lock.unlock();
      }
      begin(tx, dnode, type, blockBytes);
      return dnode;
    }
  }

  private void begin(Tx tx, Dnode dnode, ObjectType type, int blockBytes) {
    tx.changing();
    dnode.putBonus(tx, new byte[0]);
    objectCount.incrementAndGet();
    ChangeRecord changes = changesIn(tx);
    if (changes != null) {
      changes.created(dnode.number(), type, blockBytes);
    }
  }

  /**
   * As {@link #create}, under a number that it had before a crash. Only before any other object is
   * created, and once its number {@linkplain #isLeaving has no former user any more}.
   *
   * @throws PoolException Corrupt when there is such an object
   */
  public Dnode createAgain(Tx tx, long number, ObjectType type, int blockBytes) {
    if (number <= 0 || number > MAX_OBJECT_NUMBER || exists(number)) {
      throw PoolException.corrupt("intent_log.object", number);
    }
    Dnode dnode = new Dnode(this, number, type, tx.txg(), blockBytes);
    lock.lock();
    try {
      if (table.containsKey(number)) {
        throw PoolException.corrupt("intent_log.object", number);
      }
      table.put(number, dnode);
      dnode.holds = 1;
    } finally {
      lock.unlock();
    }
    begin(tx, dnode, type, blockBytes);
    return dnode;
  }

  /** Whether an object of this number was freed by a group that is not on disk. */
  public boolean isLeaving(long number) {
    lock.lock();
    try {
      Dnode known = table.get(number);
      return known != null && known.isFreed();
    } finally {
      lock.unlock();
    }
  }

  private boolean exists(long number) {
    try (Dnode known = hold(number)) {
      return known.number() == number;
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return false;
      }
      throw e;
    }
  }

  private long takeNumber() {
    numberLock.lock();
    try {
      while (true) {
        Long known = recycled.poll();
        if (known == null) {
          known = freeNumbers.poll();
        }
        if (known != null) {
          return known;
        }
        scanBlock(scannedBlocks++);
      }
    } finally {
      numberLock.unlock();
    }
  }

  /** Collects the free numbers of one block of dnodes. */
  private void scanBlock(long blockId) {
    long first = blockId * TailRecord.SLOTS;
    if (blockId >= dnodes.blockCount()) {
      for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
        if (first + slot != 0) {
          freeNumbers.add(first + slot);
        }
      }
      return;
    }
    BlockPointer pointer = dnodes.pointerTo(0, blockId);
    if (!pointer.isHole() && pointer.fill() == TailRecord.SLOTS) {
      return;
    }
    try (Dbuf block = dnodes.load(0, blockId)) {
      lock.lock();
      dnodes.lock.lock();
      try {
        for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
          long number = first + slot;
          if (number != 0
              && !table.containsKey(number)
              && !DnodeRecord.isAllocated(block.segment(), (long) slot * DnodeRecord.BYTES)) {
            freeNumbers.add(number);
          }
        }
      } finally {
        dnodes.lock.unlock();
        lock.unlock();
      }
    }
  }

  /**
   * The object with this number, held until {@link Dnode#close}.
   *
   * @throws PoolException ENOENT when there is none
   */
  public Dnode hold(long objectNumber) {
    Dnode known = holdKnown(objectNumber);
    if (known != null) {
      return known;
    }
    long blockId = objectNumber / TailRecord.SLOTS;
    if (objectNumber <= 0 || !dnodes.hasData(blockId)) {
      throw noObject(objectNumber);
    }
    try (Dbuf block = dnodes.load(0, blockId)) {
      lock.lock();
      try {
        Dnode again = lookup(objectNumber);
        if (again != null) {
          return again;
        }
        DnodeRecord record;
        // With the table locked, the block is at least as fresh as whoever left the table last.
        dnodes.lock.lock();
        try {
          long at = objectNumber % TailRecord.SLOTS * DnodeRecord.BYTES;
          if (!DnodeRecord.isAllocated(block.segment(), at)) {
            throw noObject(objectNumber);
          }
          record = honest(context, DnodeRecord.decode(block.segment(), at));
        } finally {
          dnodes.lock.unlock();
        }
        Dnode dnode = new Dnode(this, objectNumber, record);
        dnode.holds = 1;
        table.put(objectNumber, dnode);
        return dnode;
      } finally {
        lock.unlock();
      }
    }
  }

  private static PoolException noObject(long objectNumber) {
    return PoolException.posix(Errno.ENOENT, "object " + objectNumber);
  }

  private @Nullable Dnode holdKnown(long objectNumber) {
    lock.lock();
    try {
      return lookup(objectNumber);
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Dnode lookup(long objectNumber) {
    Dnode dnode = table.get(objectNumber);
    if (dnode == null) {
      return null;
    }
    if (dnode.isFreed()) {
      throw noObject(objectNumber);
    }
    dnode.holds++;
    return dnode;
  }

  void release(Dnode dnode) {
    lock.lock();
    try {
      dnode.holds--;
      Check.that(dnode.holds >= 0, "object released twice", dnode.number());
    } finally {
      lock.unlock();
    }
    dropIfUnused(dnode);
  }

  /** Takes an object out of memory when nobody holds it and nothing of it is cached or dirty. */
  void dropIfUnused(Dnode dnode) {
    if (dnode.number() <= 0) {
      return;
    }
    boolean numberFree = false;
    lock.lock();
    try {
      if (dnode.holds > 0 || table.get(dnode.number()) != dnode) {
        return;
      }
      dnode.lock.lock();
      try {
        if (dnode.isDirty() || (dnode.blocks.size() > 0 && !dnode.isFreed())) {
          return;
        }
      } finally {
        dnode.lock.unlock();
      }
      table.remove(dnode.number());
      numberFree = dnode.isFreed();
    } finally {
      lock.unlock();
    }
    if (numberFree) {
      numberLock.lock();
      try {
        // A number beyond the scan will be found by the scan itself.
        if (dnode.number() / TailRecord.SLOTS < scannedBlocks) {
          recycled.add(dnode.number());
        }
      } finally {
        numberLock.unlock();
      }
    }
  }

  void countFreed() {
    objectCount.decrementAndGet();
  }

  /** Object number of the first allocated object at or after {@code from}, or -1. */
  public long nextObject(long from) {
    long number = Math.max(1, from);
    while (true) {
      long blockId = BlockSearch.next(dnodes, number / TailRecord.SLOTS, true);
      long known = nextInMemory(number);
      if (blockId < 0 || (known >= 0 && known < blockId * TailRecord.SLOTS)) {
        return known;
      }
      number = Math.max(number, blockId * TailRecord.SLOTS);
      try (Dbuf block = dnodes.load(0, blockId)) {
        for (; number / TailRecord.SLOTS == blockId; number++) {
          if (isAllocated(number, block)) {
            return number;
          }
        }
      }
    }
  }

  private boolean isAllocated(long number, Dbuf block) {
    lock.lock();
    dnodes.lock.lock();
    try {
      Dnode known = table.get(number);
      return known != null
          ? !known.isFreed()
          : DnodeRecord.isAllocated(block.segment(), number % TailRecord.SLOTS * DnodeRecord.BYTES);
    } finally {
      dnodes.lock.unlock();
      lock.unlock();
    }
  }

  /** The first object in memory that may not be on disk yet, or -1. */
  private long nextInMemory(long from) {
    lock.lock();
    try {
      for (Dnode dnode : table.tailMap(from, true).values()) {
        if (!dnode.isFreed()) {
          return dnode.number();
        }
      }
      return -1;
    } finally {
      lock.unlock();
    }
  }

  void addDirty(Tx tx, Dnode dnode) {
    long memory;
    dirtyLock.lock();
    try {
      dirty.get((int) tx.txg() & MASK).add(dnode);
      memory = sharedBlocks.get((int) tx.txg() & MASK).addObject(tx, dnode);
    } finally {
      dirtyLock.unlock();
    }
    context.txgs().markDirty();
    tx.chargeDirty(Dnode.DIRTY_OVERHEAD_BYTES + memory);
    tx.countWritten(Dnode.DIRTY_OVERHEAD_BYTES);
  }

  /** Whether {@code txg} changed anything here. */
  public boolean isDirty(long txg) {
    dirtyLock.lock();
    try {
      return !dirty.get((int) txg & MASK).isEmpty();
    } finally {
      dirtyLock.unlock();
    }
  }

  /** The objects that {@code txg} changed, by number; the list is taken. */
  List<Dnode> takeDirty(long txg) {
    dirtyLock.lock();
    try {
      List<Dnode> taken = new ArrayList<>(dirty.get((int) txg & MASK));
      dirty.get((int) txg & MASK).clear();
      sharedBlocks.get((int) txg & MASK).clear();
      taken.sort(Comparator.comparingLong(Dnode::number));
      return taken;
    } finally {
      dirtyLock.unlock();
    }
  }

  /** Tells that it is about to be destroyed; before the transaction which does that begins. */
  public void leave() {
    leaving = true;
  }

  boolean isLeaving() {
    return leaving || retired;
  }

  /** Whether both are in one pool: blocks of one can be given to the other by reference. */
  public boolean isBesides(ObjectSet other) {
    return context.equals(other.context);
  }

  /** Identifies it in its pool. */
  public long number() {
    return id;
  }

  void addCloning(long txg, Dnode dnode) {
    dirtyLock.lock();
    try {
      List<Dnode> known = cloning.get((int) txg & MASK);
      if (known.isEmpty() || known.getLast() != dnode) {
        known.add(dnode);
      }
    } finally {
      dirtyLock.unlock();
    }
  }

  /** Counts the references that {@code txg} made; before anything of the group is freed. */
  public void addReferences(long txg) {
    List<Dnode> found;
    dirtyLock.lock();
    try {
      found = cloning.set((int) txg & MASK, new ArrayList<>());
    } finally {
      dirtyLock.unlock();
    }
    found.stream()
        .distinct()
        .sorted(Comparator.comparingLong(Dnode::number))
        .forEach(dnode -> BlockCloner.addReferences(dnode, txg));
  }

  /** The sync of {@code txg}; for the sync task. */
  public ObjectSetSync sync(long txg) {
    return new ObjectSetSync(this, txg);
  }
}
