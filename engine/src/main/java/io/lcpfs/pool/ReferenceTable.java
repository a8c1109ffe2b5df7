package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.alloc.Metaslab;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.Dva;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.ReferencesRecord;
import io.lcpfs.object.Block;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.pipeline.BlockReferences;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The block reference table: how many references blocks have beyond their first, made by cloning.
 * An object a metaslab with a count for each of its sectors, mostly holes; a ZAP from metaslab to
 * object. In memory is one bit for each block of such an object, so that freeing a block where
 * there are no clones costs no look at the disk; the counts themselves are cached as any block is.
 *
 * <p>Changed by the sync task only, in the group of the pointers that it counts. A block whose
 * count cannot be read is kept: what leaks is told by the pool's check.
 */
final class ReferenceTable implements BlockReferences {
  /** Beyond it, clones are copies; a group cannot add so many that the count overflows. */
  private static final long MOST_REFERENCES = 1L << 30;

  /** Copies of the pool's own blocks, and the indirect blocks and dnodes above one of the table. */
  private static final int COPIES = 3;

  /** So many are counted before others get the lock; well below a millisecond. */
  private static final int POINTERS_A_TURN = 256;

  private static final int BLOCKS_ABOVE = 3;
  private static final int BLOCK_ABOVE_BYTES = 4096;

  /** The references to blocks of one metaslab. */
  private static final class Table {
    final int metaslab;
    final long sectors;
    final int blockBytes;
    final Dnode object;
    ReferencesRecord head;
    boolean headChanged;

    /** Blocks of the object that have a count which is not 0; null until it is asked for. */
    @Nullable BitSet present;

    /** Those of them that have lost it in the group that is being written. */
    final BitSet emptied = new BitSet();

    Table(Metaslab metaslab, Dnode object, ReferencesRecord head) {
      this.metaslab = metaslab.id();
      this.sectors = metaslab.sizeBytes() / metaslab.sectorBytes();
      this.blockBytes = ReferencesRecord.blockBytes(sectors);
      this.object = object;
      this.head = head;
    }
  }

  private final ObjectContext context;
  private final ObjectSet meta;
  private final Allocator allocator;
  private final MetaDirectory directory;
  private final BooleanSupplier enabled;

  /**
   * Guards what follows. Fair, so that a clone that asks gets in between two turns of a group that
   * counts.
   */
  private final ReentrantLock lock = new ReentrantLock(true);

  private final TreeMap<Integer, Table> tables = new TreeMap<>();
  private long zap;

  /** The block of a table that was used last, pinned. */
  private @Nullable Block cursor;

  private @Nullable Table cursorTable;
  private int cursorBlock;
  private boolean cursorToChange;

  /** Whether any block may have further references. */
  private volatile boolean any;

  /** Why it is not known which blocks have further references, or null: then all are kept. */
  private volatile @Nullable PoolException damage;

  private volatile @Nullable PoolException problem;
  private volatile CloneSavings savings = new CloneSavings(0, 0);

  /**
   * @param enabled whether the pool has the feature
   */
  ReferenceTable(
      ObjectContext context,
      ObjectSet meta,
      Allocator allocator,
      MetaDirectory directory,
      BooleanSupplier enabled) {
    this.context = context;
    this.meta = meta;
    this.allocator = allocator;
    this.directory = directory;
    this.enabled = enabled;
  }

  /** Finds what is on disk; the metaslabs are known. */
  void load() {
    lock.lock();
    try {
      zap = directory.find(MetaDirectory.BLOCK_REFERENCES);
      for (Map.Entry<Integer, Long> entry : objects(context, meta, zap).entrySet()) {
        Table table = open(entry.getKey(), entry.getValue());
        tables.put(table.metaslab, table);
      }
      any = !tables.isEmpty();
      sum();
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      closeTables();
      damage = e;
      any = true;
    } finally {
      lock.unlock();
    }
  }

  /** BLOCK_REFERENCES objects by metaslab; none of ZAP 0. */
  static Map<Integer, Long> objects(ObjectContext context, ObjectSet meta, long zap) {
    Map<Integer, Long> found = new TreeMap<>();
    if (zap == 0) {
      return found;
    }
    try (Dnode dnode = hold(meta, zap, ObjectType.ZAP)) {
      Zap.open(dnode, context.env())
          .iterateLong(
              0,
              (cookie, name, object) -> {
                found.put(metaslabOf(new String(name, US_ASCII)), object);
                return true;
              });
    }
    return found;
  }

  private static int metaslabOf(String name) {
    try {
      int metaslab = Integer.parseInt(name);
      if (metaslab > 0 && metaslab <= Dva.MAX_METASLAB && name.equals("" + metaslab)) {
        return metaslab;
      }
    } catch (NumberFormatException e) {
      throw PoolException.corrupt("block_references.name", name);
    }
    throw PoolException.corrupt("block_references.name", name);
  }

  private static byte[] key(int metaslab) {
    return Integer.toString(metaslab).getBytes(US_ASCII);
  }

  private static Dnode hold(ObjectSet meta, long number, ObjectType type) {
    Dnode dnode;
    try {
      dnode = meta.hold(number);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        throw PoolException.corrupt("block_references", "there is no object " + number);
      }
      throw e;
    }
    if (dnode.type() != type) {
      dnode.close();
      throw PoolException.corrupt("block_references", "object " + number + " is " + dnode.type());
    }
    return dnode;
  }

  private Table open(int metaslab, long object) {
    if (!allocator.contains(metaslab)) {
      throw PoolException.corrupt("block_references.metaslab", metaslab);
    }
    Dnode dnode = hold(meta, object, ObjectType.BLOCK_REFERENCES);
    boolean sound = false;
    try {
      Table table =
          new Table(allocator.metaslab(metaslab), dnode, ReferencesRecord.decode(dnode.bonus()));
      if (table.head.metaslab() != metaslab) {
        throw PoolException.corrupt("references.metaslab", table.head.metaslab());
      }
      if (dnode.blockBytes() != table.blockBytes) {
        throw PoolException.corrupt("block_references.block_bytes", dnode.blockBytes());
      }
      sound = true;
      return table;
    } finally {
      if (!sound) {
        dnode.close();
      }
    }
  }

  /** Whether a pointer is of a kind that is cloned; that of a dead block does not say its type. */
  static boolean isCloneable(BlockPointer pointer) {
    return pointer.copies() > 0
        && pointer.level() == 0
        && (pointer.type() == ObjectType.FILE || pointer.type() == ObjectType.NONE);
  }

  private long sectorOf(long dva) {
    return Dva.offsetBytes(dva) / allocator.sectorBytes();
  }

  // ---- in transactions

  @Override
  public int mayAdd(List<BlockPointer> pointers) {
    if (!enabled.getAsBoolean() || damage != null) {
      return 0;
    }
    int count = 0;
    lock.lock();
    try {
      for (BlockPointer pointer : pointers) {
        if (!mayAdd(pointer)) {
          return count;
        }
        count++;
      }
      return count;
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** Under the lock. */
  private boolean mayAdd(BlockPointer pointer) {
    int metaslab = Dva.metaslab(pointer.dva(0));
    if (!isCloneable(pointer) || !allocator.contains(metaslab)) {
      return false;
    }
    Table table = any ? table(metaslab) : null;
    if (table == null) {
      return true;
    }
    long sector = sectorOf(pointer.dva(0));
    if (sector >= table.sectors) {
      return false;
    }
    int block = (int) (sector / ReferencesRecord.ENTRIES_PER_BLOCK);
    return !present(table).get(block)
        || Disk.u32(block(table, block, null).segment(), offset(sector)) < MOST_REFERENCES;
  }

  /** The table of a metaslab, which often is that of the block before. Under the lock. */
  private @Nullable Table table(int metaslab) {
    Table last = cursorTable;
    return last != null && last.metaslab == metaslab ? last : tables.get(metaslab);
  }

  @Override
  public boolean isShared(BlockPointer pointer) {
    if (!any || !isCloneable(pointer)) {
      return false;
    }
    if (damage != null) {
      return true;
    }
    lock.lock();
    try {
      Table table = tables.get(Dva.metaslab(pointer.dva(0)));
      long sector = sectorOf(pointer.dva(0));
      if (table == null || sector >= table.sectors) {
        return false;
      }
      int block = (int) (sector / ReferencesRecord.ENTRIES_PER_BLOCK);
      return present(table).get(block)
          && Disk.u32(block(table, block, null).segment(), offset(sector)) > 0;
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long costOfAdding(BlockPointer pointer, BlockPointer before) {
    long dva = pointer.dva(0);
    long block = sectorOf(dva) / ReferencesRecord.ENTRIES_PER_BLOCK;
    if (before.copies() > 0
        && Dva.metaslab(dva) == Dva.metaslab(before.dva(0))
        && block == sectorOf(before.dva(0)) / ReferencesRecord.ENTRIES_PER_BLOCK) {
      return 0;
    }
    Metaslab metaslab = allocator.metaslab(Dva.metaslab(dva));
    int bytes = ReferencesRecord.blockBytes(metaslab.sizeBytes() / metaslab.sectorBytes());
    return context.io().worstBytes(bytes, COPIES)
        + BLOCKS_ABOVE * context.io().worstBytes(BLOCK_ABOVE_BYTES, COPIES);
  }

  // ---- in the sync task

  @Override
  public void add(List<BlockPointer> pointers, long txg) {
    for (int from = 0; from < pointers.size(); from += POINTERS_A_TURN) {
      int to = Math.min(pointers.size(), from + POINTERS_A_TURN);
      lock.lock();
      try {
        pointers.subList(from, to).forEach(pointer -> add(pointer, txg));
      } finally {
        lock.unlock();
      }
    }
  }

  private void add(BlockPointer pointer, long txg) {
    int metaslab = Dva.metaslab(pointer.dva(0));
    Table table = table(metaslab);
    if (table == null) {
      table = create(metaslab, txg);
    }
    long sector = sectorOf(pointer.dva(0));
    int block = (int) (sector / ReferencesRecord.ENTRIES_PER_BLOCK);
    BitSet present = present(table);
    long at = offset(sector);
    Block counts = block(table, block, Tx.inSync(txg));
    long count = Disk.u32(counts.segment(), at) + 1;
    Disk.putU32(counts.segment(), at, count);
    present.set(block);
    table.emptied.clear(block);
    table.head = table.head.added(count, context.io().allocatedBytes(pointer));
    table.headChanged = true;
    context.env().probe(CodeProbe.BLOCK_CLONED);
  }

  @Override
  public boolean release(BlockPointer pointer, long txg) {
    if (!any || !isCloneable(pointer)) {
      return false;
    }
    if (damage != null) {
      return true;
    }
    lock.lock();
    try {
      Table table = tables.get(Dva.metaslab(pointer.dva(0)));
      long sector = sectorOf(pointer.dva(0));
      return table != null && sector < table.sectors && release(table, sector, pointer, txg);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      problem = e;
      return true;
    } finally {
      lock.unlock();
    }
  }

  private boolean release(Table table, long sector, BlockPointer pointer, long txg) {
    int block = (int) (sector / ReferencesRecord.ENTRIES_PER_BLOCK);
    if (!present(table).get(block) || table.emptied.get(block)) {
      return false;
    }
    long at = offset(sector);
    if (Disk.u32(block(table, block, null).segment(), at) == 0) {
      return false;
    }
    Block counts = block(table, block, Tx.inSync(txg));
    long left = Disk.u32(counts.segment(), at) - 1;
    Disk.putU32(counts.segment(), at, left);
    table.head = table.head.released(left, context.io().allocatedBytes(pointer));
    table.headChanged = true;
    if (left == 0 && isZero(counts)) {
      table.emptied.set(block);
    }
    context.env().probe(CodeProbe.BLOCK_REFERENCE_RELEASED);
    return true;
  }

  private static boolean isZero(Block block) {
    var bytes = block.segment();
    return Disk.u64(bytes, 0) == 0
        && bytes.asSlice(0, bytes.byteSize() - 8).mismatch(bytes.asSlice(8)) == -1;
  }

  private static long offset(long sector) {
    return sector % ReferencesRecord.ENTRIES_PER_BLOCK * ReferencesRecord.ENTRY_BYTES;
  }

  private Table create(int metaslab, long txg) {
    Tx tx = Tx.inSync(txg);
    Metaslab counted = allocator.metaslab(metaslab);
    int bytes = ReferencesRecord.blockBytes(counted.sizeBytes() / counted.sectorBytes());
    Dnode object = meta.create(tx, ObjectType.BLOCK_REFERENCES, bytes);
    Table table = new Table(counted, object, ReferencesRecord.empty(metaslab));
    table.present = new BitSet();
    table.headChanged = true;
    if (zap == 0) {
      try (Dnode made = directory.createZap(tx, MetaDirectory.BLOCK_REFERENCES)) {
        zap = made.number();
      }
    }
    try (Dnode names = meta.hold(zap)) {
      Zap.open(names, context.env()).putLong(tx, key(metaslab), object.number());
    }
    tables.put(metaslab, table);
    any = true;
    return table;
  }

  /**
   * Ends the table's part in a group, before the pool's own objects are written: what holds no
   * count any more goes.
   */
  void finishGroup(long txg) {
    lock.lock();
    try {
      dropCursor();
      boolean changed = false;
      for (Table table : tables.values().toArray(Table[]::new)) {
        if (!table.headChanged) {
          continue;
        }
        changed = true;
        finish(table, Tx.inSync(txg));
      }
      if (changed) {
        any = !tables.isEmpty();
        sum();
      }
    } finally {
      lock.unlock();
    }
  }

  private void finish(Table table, Tx tx) {
    table.headChanged = false;
    BitSet present = present(table);
    present.andNot(table.emptied);
    if (present.isEmpty()) {
      try (Dnode names = meta.hold(zap)) {
        Zap.open(names, context.env()).remove(tx, key(table.metaslab));
      }
      table.object.free(tx);
      table.object.close();
      tables.remove(table.metaslab);
      return;
    }
    BitSet gone = table.emptied;
    for (int from = gone.nextSetBit(0); from >= 0; ) {
      int to = gone.nextClearBit(from);
      table.object.freeRange(
          tx, (long) from * table.blockBytes, (long) (to - from) * table.blockBytes);
      from = gone.nextSetBit(to);
    }
    gone.clear();
    table.object.setBonus(tx, table.head.encode());
  }

  private void sum() {
    long stored = 0;
    long saved = 0;
    for (Table table : tables.values()) {
      stored += table.head.storedBytes();
      saved += table.head.savedBytes();
    }
    savings = new CloneSavings(stored, saved);
  }

  /** Which blocks of a table's object there are. Under the lock. */
  private static BitSet present(Table table) {
    BitSet known = table.present;
    if (known == null) {
      known = new BitSet();
      long size = table.blockBytes;
      long limit = Math.ceilDiv(table.sectors, (long) ReferencesRecord.ENTRIES_PER_BLOCK);
      long data = table.object.nextData(0);
      while (data >= 0 && data / size < limit) {
        long hole = table.object.nextHole(data);
        known.set((int) (data / size), (int) Math.min(limit, Math.max(hole, data + size) / size));
        data = table.object.nextData(Math.max(hole, data + size));
      }
      table.present = known;
    }
    return known;
  }

  /**
   * A block of a table, pinned until another is asked for.
   *
   * @param tx the transaction that changes it; null to read
   */
  private Block block(Table table, int block, @Nullable Tx tx) {
    Block known = cursor;
    if (known != null
        && cursorTable == table
        && cursorBlock == block
        && (cursorToChange || tx == null)) {
      return known;
    }
    dropCursor();
    Block found = tx == null ? table.object.read(block) : table.object.modify(tx, block);
    cursor = found;
    cursorTable = table;
    cursorBlock = block;
    cursorToChange = tx != null;
    return found;
  }

  private void dropCursor() {
    Block known = cursor;
    if (known != null) {
      cursor = null;
      cursorTable = null;
      known.close();
    }
  }

  // ---- what is known

  /** What clones save, as of the last group. */
  CloneSavings savings() {
    return savings;
  }

  /** Why blocks are kept that may have no reference any more, or why none is cloned; or null. */
  @Nullable PoolException problem() {
    PoolException known = damage;
    return known == null ? problem : known;
  }

  private void closeTables() {
    dropCursor();
    tables.values().forEach(table -> table.object.close());
    tables.clear();
  }
}
