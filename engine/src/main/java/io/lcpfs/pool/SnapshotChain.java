package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.DeadBlocks;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The snapshots of one dataset, oldest first, and the blocks that only they refer to.
 *
 * <p>A block that the dataset gives up is freed when it was born after the newest snapshot. Else
 * that snapshot still has it, and it goes to a list of the dataset's dead blocks: those that the
 * newest snapshot has and the dataset has no more. The next snapshot takes these lists over. There
 * is a list for each interval between snapshots in which blocks were born, so that destroying a
 * snapshot costs what it frees: of the lists of what comes after it, those born after what comes
 * before it. The others join with its own.
 *
 * <p>All changes are made by the sync task, with the dataset's record.
 */
final class SnapshotChain implements DeadBlocks {
  /** A snapshot by its SNAPSHOT object. */
  private static final class Link {
    final long object;
    SnapshotRecord record;

    Link(long object, SnapshotRecord record) {
      this.object = object;
      this.record = record;
    }

    long txg() {
      return record.txg();
    }
  }

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DeadLists deadLists;

  /** Guards {@link #dead} and the order of the links: blocks are given up by several threads. */
  private final ReentrantLock lock = new ReentrantLock();

  private final List<Link> links = new ArrayList<>();

  /** Given up in the group that is being written, by the txg that they were born after. */
  private final TreeMap<Long, List<BlockPointer>> dead = new TreeMap<>();

  /** The lists that the dataset's dead blocks go to now, held, by the same. */
  private final TreeMap<Long, Dnode> heads = new TreeMap<>();

  private boolean headsKnown;

  /** Why it is not known which snapshots there are, or null. */
  private volatile @Nullable PoolException damage;

  /** Then: what was born up to this may be in a snapshot. */
  private long unknownUpTo;

  private volatile boolean any;

  private SnapshotChain(ObjectContext context, ObjectSet meta, DeadLists deadLists) {
    this.context = context;
    this.meta = meta;
    this.deadLists = deadLists;
  }

  /**
   * The chain of a dataset, from its record. Where a snapshot cannot be read, what the dataset
   * gives up of the time up to now stays allocated, which the pool's check tells, and snapshots are
   * neither taken nor destroyed.
   */
  static SnapshotChain load(
      ObjectContext context,
      ObjectSet meta,
      DeadLists deadLists,
      long dataset,
      DatasetRecord.Snapshots from) {
    SnapshotChain chain = new SnapshotChain(context, meta, deadLists);
    try {
      for (long object : objects(context, meta, from.namesZap()).values()) {
        chain.links.add(new Link(object, record(meta, object, dataset)));
      }
    } catch (PoolException e) {
      if (e.errno() != Errno.EIO && e.errno() != Errno.ENOENT) {
        throw e;
      }
      chain.damage = e;
      chain.unknownUpTo = context.txgs().syncedTxg();
      chain.links.clear();
      chain.any = true;
      return chain;
    }
    chain.links.sort(
        Comparator.comparingLong(Link::txg).thenComparingInt(link -> link.record.ordinal()));
    chain.any = !chain.links.isEmpty();
    return chain;
  }

  /** SNAPSHOT objects by name. */
  static Map<String, Long> objects(ObjectContext context, ObjectSet meta, long namesZap) {
    Map<String, Long> found = new TreeMap<>();
    if (namesZap == 0) {
      return found;
    }
    try (Dnode zap = meta.hold(namesZap)) {
      Zap.open(zap, context.env())
          .iterateLong(
              0,
              (cookie, name, object) -> {
                found.put(new String(name, UTF_8), object);
                return true;
              });
    }
    return found;
  }

  /** A snapshot's record; Corrupt when the object is none of this dataset's. */
  static SnapshotRecord record(ObjectSet meta, long object, long dataset) {
    try (Dnode dnode = meta.hold(object)) {
      if (dnode.type() != ObjectType.SNAPSHOT) {
        throw PoolException.corrupt("snapshots", "object " + object + " is " + dnode.type());
      }
      SnapshotRecord record = SnapshotRecord.decode(dnode.bonus());
      if (record.datasetObject() != dataset) {
        throw PoolException.corrupt("snapshot.dataset_object", record.datasetObject());
      }
      return record;
    }
  }

  @Override
  public boolean keepsAny() {
    return any;
  }

  @Override
  public boolean keep(BlockPointer pointer) {
    if (!any) {
      return false;
    }
    if (damage != null) {
      return pointer.logicalBirth() <= unknownUpTo;
    }
    lock.lock();
    try {
      if (links.isEmpty() || pointer.logicalBirth() > links.getLast().txg()) {
        return false;
      }
      dead.computeIfAbsent(txgBefore(pointer.logicalBirth()), since -> new ArrayList<>())
          .add(pointer);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Why snapshots can be neither taken nor destroyed, or null. */
  @Nullable PoolException damage() {
    return damage;
  }

  /** The txg of the newest snapshot older than {@code birth}, or 0. */
  private long txgBefore(long birth) {
    int low = 0;
    int high = links.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (links.get(middle).txg() < birth) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == 0 ? 0 : links.get(low - 1).txg();
  }

  private long txgOf(int index) {
    return index < 0 ? 0 : links.get(index).txg();
  }

  /**
   * Writes down what the dataset gave up in {@code txg}, after its own sync.
   *
   * @return what its record says then
   */
  DatasetRecord.Snapshots writeDead(long txg, DatasetRecord.Snapshots before) {
    if (dead.isEmpty()) {
      return before;
    }
    context.env().probe(CodeProbe.SNAPSHOT_BLOCK_KEPT);
    openHeads(before.deadZap());
    long zap = before.deadZap();
    long stored = 0;
    long unique = 0;
    long uniqueSince = txgOf(links.size() - 2);
    for (Map.Entry<Long, List<BlockPointer>> blocks : dead.entrySet()) {
      long since = blocks.getKey();
      Dnode list = heads.get(since);
      if (list == null) {
        list = deadLists.create(txg, since);
        heads.put(since, list);
        zap = deadLists.add(txg, zap, new DeadLists.Entry(list.number(), since));
      }
      long bytes = deadLists.append(txg, list, blocks.getValue());
      stored += bytes;
      unique += since >= uniqueSince ? bytes : 0;
    }
    dead.clear();
    Link newest = links.getLast();
    change(txg, newest, newest.record.deadZap(), newest.record.uniqueBytes() + unique);
    return new DatasetRecord.Snapshots(before.namesZap(), zap, before.storedBytes() + stored);
  }

  private void openHeads(long zap) {
    if (!headsKnown) {
      headsKnown = true;
      for (DeadLists.Entry entry : deadLists.entries(zap)) {
        if (!heads.containsKey(entry.sinceTxg())) {
          heads.put(entry.sinceTxg(), deadLists.hold(entry));
        }
      }
    }
  }

  private void closeHeads() {
    heads.values().forEach(Dnode::close);
    heads.clear();
    headsKnown = false;
  }

  private void change(long txg, Link link, long deadZap, long uniqueBytes) {
    SnapshotRecord now = link.record.with(deadZap, uniqueBytes);
    if (!now.equals(link.record)) {
      link.record = now;
      try (Dnode dnode = meta.hold(link.object)) {
        dnode.setBonus(Tx.inSync(txg), now.encode());
      }
    }
  }

  /**
   * Makes {@code made} the newest snapshot, of the dataset as it is after its sync of {@code txg}.
   *
   * @param made the SNAPSHOT object, with the guid and the time in its record
   * @return what the dataset's record says then
   */
  DatasetRecord.Snapshots take(long txg, Dnode made, DatasetRecord dataset) {
    SnapshotRecord first = SnapshotRecord.decode(made.bonus());
    int ordinal = 0;
    if (!links.isEmpty() && links.getLast().txg() == txg) {
      ordinal = links.getLast().record.ordinal() + 1;
    }
    DatasetRecord.Snapshots before = dataset.snapshots();
    SnapshotRecord record =
        new SnapshotRecord(
            first.guid(),
            txg,
            ordinal,
            first.creationSeconds(),
            first.datasetObject(),
            before.deadZap(),
            dataset.usedBytes(),
            dataset.logicalBytes(),
            0,
            dataset.objectSet());
    made.setBonus(Tx.inSync(txg), record.encode());
    closeHeads();
    lock.lock();
    try {
      links.add(new Link(made.number(), record));
      any = true;
    } finally {
      lock.unlock();
    }
    return new DatasetRecord.Snapshots(before.namesZap(), 0, before.storedBytes());
  }

  /**
   * Ends a snapshot: what only it refers to goes to {@code freeing}.
   *
   * @return what the dataset's record says then
   */
  DatasetRecord.Snapshots destroy(
      long txg, long object, DatasetRecord.Snapshots before, FreeingLists freeing) {
    int index = indexOf(object);
    Link gone = links.get(index);
    Link next = index + 1 < links.size() ? links.get(index + 1) : null;
    Link previous = index > 0 ? links.get(index - 1) : null;
    long previousTxg = txgOf(index - 1);
    long secondTxg = txgOf(index - 2);
    long nextZap = next == null ? before.deadZap() : next.record.deadZap();
    if (next == null) {
      closeHeads();
    }
    long freed = 0;
    long previousUnique = 0;
    List<DeadLists.Entry> left = new ArrayList<>();
    for (DeadLists.Entry entry : deadLists.entries(nextZap)) {
      long bytes = deadLists.storedBytes(entry);
      if (entry.sinceTxg() >= previousTxg) {
        deadLists.remove(txg, nextZap, entry);
        freeing.add(txg, entry, bytes);
        freed += bytes;
      } else {
        left.add(entry);
        previousUnique += entry.sinceTxg() >= secondTxg ? bytes : 0;
      }
    }
    long joined = join(txg, nextZap, left, gone.record.deadZap());
    if (previous != null) {
      change(
          txg, previous, previous.record.deadZap(), previous.record.uniqueBytes() + previousUnique);
    }
    if (next != null) {
      long nextUnique = bornWithin(zapAfter(index + 1, before), previousTxg, gone.txg());
      change(txg, next, joined, next.record.uniqueBytes() + nextUnique);
    }
    deadLists.freeObject(txg, object);
    lock.lock();
    try {
      links.remove(index);
      any = !links.isEmpty();
    } finally {
      lock.unlock();
    }
    return new DatasetRecord.Snapshots(
        before.namesZap(),
        next == null ? joined : before.deadZap(),
        Math.max(0, before.storedBytes() - freed));
  }

  private int indexOf(long object) {
    for (int i = 0; i < links.size(); i++) {
      if (links.get(i).object == object) {
        return i;
      }
    }
    throw new AssertionError("a snapshot that is not in its chain: object " + object);
  }

  /** The dead blocks of what comes after the snapshot at {@code index}. */
  private long zapAfter(int index, DatasetRecord.Snapshots dataset) {
    return index + 1 < links.size() ? links.get(index + 1).record.deadZap() : dataset.deadZap();
  }

  /** Bytes of the lists whose blocks were born after {@code from} and not after {@code to}. */
  private long bornWithin(long zap, long from, long to) {
    long bytes = 0;
    for (DeadLists.Entry entry : deadLists.entries(zap)) {
      if (entry.sinceTxg() >= from && entry.sinceTxg() < to) {
        bytes += deadLists.storedBytes(entry);
      }
    }
    return bytes;
  }

  /** Puts the smaller of two sets into the larger, which it answers; an empty one goes. */
  private long join(long txg, long zap, List<DeadLists.Entry> entries, long otherZap) {
    List<DeadLists.Entry> others = deadLists.entries(otherZap);
    boolean intoOther = others.size() > entries.size();
    List<DeadLists.Entry> moved = intoOther ? entries : others;
    long kept = intoOther ? otherZap : zap;
    long goes = intoOther ? zap : otherZap;
    for (DeadLists.Entry entry : moved) {
      kept = deadLists.add(txg, kept, entry);
    }
    if (goes != 0) {
      deadLists.freeObject(txg, goes);
    }
    if (kept != 0 && entries.isEmpty() && others.isEmpty()) {
      deadLists.freeObject(txg, kept);
      return 0;
    }
    return kept;
  }

  /** Lets go of what is held. */
  void close() {
    closeHeads();
  }
}
