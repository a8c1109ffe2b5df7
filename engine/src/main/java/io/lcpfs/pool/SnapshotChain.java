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
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The snapshots of one dataset, oldest first, and the blocks that only they refer to. Of a clone,
 * the snapshots that it began as are those of another dataset, up to its origin.
 *
 * <p>A block that the dataset gives up is freed when it was born after the newest snapshot. Else
 * that snapshot still has it, and it goes to a list of the dataset's dead blocks: those that the
 * newest snapshot has and the dataset has no more. The next snapshot takes these lists over. There
 * is a list for each interval between snapshots in which blocks were born, so that destroying a
 * snapshot costs what it frees: of the lists of what comes after it, those born after what comes
 * before it. The others join with its own.
 *
 * <p>What a clone gives up of its origin goes to lists, too, by the same intervals: they are never
 * freed while the origin is there, but another dataset may take over the snapshots that they are
 * measured against.
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

    long deadZap() {
      return record.deadZap();
    }
  }

  private final ObjectContext context;
  private final ObjectSet meta;
  private final DeadLists deadLists;

  /** Guards {@link #dead} and the order of the links: blocks are given up by several threads. */
  private final ReentrantLock lock = new ReentrantLock();

  private final List<Link> links = new ArrayList<>();

  /** The txgs of the snapshots up to the origin, of other datasets, in order; empty for none. */
  private long[] base = new long[0];

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
      DatasetRecord from) {
    SnapshotChain chain = new SnapshotChain(context, meta, deadLists);
    try {
      for (long object : objects(context, meta, from.snapshots().namesZap()).values()) {
        chain.links.add(new Link(object, record(meta, object, dataset)));
      }
      chain.base = new Origins(context, meta).txgsUpTo(from.heritage().origin());
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
    chain.any = !chain.links.isEmpty() || chain.base.length > 0;
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
    SnapshotRecord record = record(meta, object);
    if (record.datasetObject() != dataset) {
      throw PoolException.corrupt("snapshot.dataset_object", record.datasetObject());
    }
    return record;
  }

  /** The record of a SNAPSHOT object; Corrupt when it is none. */
  static SnapshotRecord record(ObjectSet meta, long object) {
    try (Dnode dnode = meta.hold(object)) {
      if (dnode.type() != ObjectType.SNAPSHOT) {
        throw PoolException.corrupt("snapshots", "object " + object + " is " + dnode.type());
      }
      return SnapshotRecord.decode(dnode.bonus());
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
      if (pointer.logicalBirth() > txgOf(links.size() - 1)) {
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
    if (low > 0) {
      return links.get(low - 1).txg();
    }
    int at = Arrays.binarySearch(base, birth);
    int before = at < 0 ? -at - 2 : at - 1;
    return before < 0 ? 0 : base[before];
  }

  /** The txg of a snapshot, of those of the origin's dataset counted from -1 downwards; else 0. */
  private long txgOf(int index) {
    if (index >= 0) {
      return links.get(index).txg();
    }
    int inBase = base.length + index;
    return inBase < 0 ? 0 : base[inBase];
  }

  /** The txg of the origin, or 0. */
  private long originTxg() {
    return txgOf(-1);
  }

  /**
   * Writes down what the dataset gave up in {@code txg}, after its own sync.
   *
   * @return what its record is then
   */
  DatasetRecord writeDead(long txg, DatasetRecord dataset) {
    if (dead.isEmpty()) {
      return dataset;
    }
    DatasetRecord.Snapshots before = dataset.snapshots();
    context.env().probe(CodeProbe.SNAPSHOT_BLOCK_KEPT);
    openHeads(before.deadZap());
    long zap = before.deadZap();
    long stored = 0;
    long unique = 0;
    long ofOrigin = 0;
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
      if (since < originTxg()) {
        ofOrigin += bytes;
      } else {
        stored += bytes;
      }
      unique += since >= uniqueSince ? bytes : 0;
    }
    dead.clear();
    if (!links.isEmpty()) {
      Link newest = links.getLast();
      change(txg, newest, newest.record.deadZap(), newest.record.uniqueBytes() + unique);
    }
    DatasetRecord.Heritage heritage = dataset.heritage();
    return dataset
        .withSnapshots(
            new DatasetRecord.Snapshots(before.namesZap(), zap, before.storedBytes() + stored))
        .withHeritage(
            new DatasetRecord.Heritage(heritage.origin(), heritage.inheritedBytes() - ofOrigin));
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
    write(txg, link, link.record.with(deadZap, uniqueBytes));
  }

  private void write(long txg, Link link, SnapshotRecord now) {
    if (!now.equals(link.record)) {
      link.record = now;
      try (Dnode dnode = meta.hold(link.object)) {
        dnode.setBonus(Tx.inSync(txg), now.encode());
      }
    }
  }

  /** Writes down what keeps a snapshot, with {@code txg}. */
  void setHolds(long txg, long object, SnapshotRecord.Holds holds) {
    Link link = links.get(indexOf(object));
    link.record = link.record.with(holds);
    try (Dnode dnode = meta.hold(object)) {
      dnode.setBonus(Tx.inSync(txg), link.record.encode());
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
    if (gone.record.clonesZap() != 0) {
      deadLists.freeObject(txg, gone.record.clonesZap());
    }
    deadLists.freeObject(txg, object);
    lock.lock();
    try {
      links.remove(index);
      any = !links.isEmpty() || base.length > 0;
    } finally {
      lock.unlock();
    }
    return new DatasetRecord.Snapshots(
        before.namesZap(),
        next == null ? joined : before.deadZap(),
        Math.max(0, before.storedBytes() - freed));
  }

  /** Enters the ZAP of a snapshot's clones. */
  void setClones(long txg, long object, long clonesZap) {
    Link link = links.get(indexOf(object));
    SnapshotRecord was = link.record;
    write(txg, link, was.with(was.datasetObject(), was.deadZap(), was.uniqueBytes(), clonesZap));
  }

  /**
   * Allocated bytes of the dataset that were born after its newest snapshot, or its origin;
   * all when there is none.
   */
  long writtenBytes(DatasetRecord dataset) {
    return links.isEmpty()
        ? Math.max(0, dataset.usedBytes() - dataset.heritage().inheritedBytes())
        : writtenSince(dataset, links.size() - 1);
  }

  /** As {@link #writtenBytes}, born after the snapshot of this object. */
  long writtenSince(DatasetRecord dataset, long object) {
    return writtenSince(dataset, indexOf(object));
  }

  private long writtenSince(DatasetRecord dataset, int index) {
    SnapshotRecord from = links.get(index).record;
    long kept = from.usedBytes();
    for (int i = index; i < links.size(); i++) {
      kept -= bornWithin(zapAfter(i, dataset.snapshots()), 0, from.txg());
    }
    return Math.max(0, dataset.usedBytes() - kept);
  }

  /**
   * Allocated bytes of what nothing but these snapshots refers to, which destroying all of them
   * frees.
   *
   * @param objects their SNAPSHOT objects
   */
  long bytesOnlyIn(Set<Long> objects, DatasetRecord.Snapshots dataset) {
    long bytes = 0;
    long staysUntil = originTxg();
    for (int index = 0; index < links.size(); index++) {
      if (objects.contains(links.get(index).object)) {
        // Given up right after this one: those before it that stay have what was born until then.
        bytes += bornWithin(zapAfter(index, dataset), staysUntil, Long.MAX_VALUE);
      } else {
        staysUntil = links.get(index).txg();
      }
    }
    return bytes;
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

  /** Bytes of a set of lists by whether the blocks were born after the origin. */
  private record Sums(long ofOrigin, long own) {}

  private Sums sums(long zap, long originTxg) {
    long ofOrigin = 0;
    long own = 0;
    for (DeadLists.Entry entry : deadLists.entries(zap)) {
      long bytes = deadLists.storedBytes(entry);
      if (entry.sinceTxg() < originTxg) {
        ofOrigin += bytes;
      } else {
        own += bytes;
      }
    }
    return new Sums(ofOrigin, own);
  }

  /** The newest snapshot's object, or 0. */
  long newest() {
    return links.isEmpty() ? 0 : links.getLast().object;
  }

  /**
   * Exchanges the content of the dataset, which nobody uses, with that of a clone of its newest
   * snapshot.
   *
   * @param dataset its record
   * @param clone that of the clone
   * @return what the records are then, the dataset's first
   */
  DatasetRecord[] exchange(long txg, DatasetRecord dataset, DatasetRecord clone) {
    Link newest = links.getLast();
    Sums out = sums(dataset.snapshots().deadZap(), originTxg());
    Sums in = sums(clone.snapshots().deadZap(), originTxg());
    long unique = bornWithin(clone.snapshots().deadZap(), txgOf(links.size() - 2), newest.txg());
    change(txg, newest, newest.record.deadZap(), unique);
    DatasetRecord.Snapshots before = dataset.snapshots();
    DatasetRecord.Heritage heritage = dataset.heritage();
    DatasetRecord now =
        dataset
            .withContent(clone.objectSet(), clone.usedBytes(), clone.logicalBytes())
            .withSnapshots(
                new DatasetRecord.Snapshots(
                    before.namesZap(),
                    clone.snapshots().deadZap(),
                    before.storedBytes() - out.own + in.own))
            .withHeritage(
                new DatasetRecord.Heritage(
                    heritage.origin(), heritage.inheritedBytes() + out.ofOrigin - in.ofOrigin));
    DatasetRecord gone =
        clone
            .withContent(dataset.objectSet(), dataset.usedBytes(), dataset.logicalBytes())
            .withSnapshots(
                new DatasetRecord.Snapshots(clone.snapshots().namesZap(), before.deadZap(), 0))
            .withHeritage(
                new DatasetRecord.Heritage(
                    clone.heritage().origin(), newest.record.usedBytes() - out.own - out.ofOrigin));
    return new DatasetRecord[] {now, gone};
  }

  /** The objects of the snapshots up to one of them, oldest first. */
  List<Long> upTo(long object) {
    return links.subList(0, indexOf(object) + 1).stream().map(link -> link.object).toList();
  }

  /**
   * Hands the snapshots up to {@code origin} over to a clone of that: the clone becomes what they
   * are snapshots of, and the dataset a clone. In the group that is being written.
   *
   * @param clone the chain of the clone
   * @param cloneObject its DATASET object
   */
  void handOver(long txg, long origin, SnapshotChain clone, long cloneObject) {
    int end = indexOf(origin) + 1;
    List<Link> moved = List.copyOf(links.subList(0, end));
    lock.lock();
    clone.lock.lock();
    try {
      clone.links.addAll(0, moved);
      long[] older = base;
      base = clone.base;
      clone.base = older;
      links.subList(0, end).clear();
      any = true;
      clone.any = true;
    } finally {
      clone.lock.unlock();
      lock.unlock();
    }
    for (Link link : moved) {
      SnapshotRecord was = link.record;
      write(txg, link, was.with(cloneObject, was.deadZap(), was.uniqueBytes(), was.clonesZap()));
    }
  }

  /**
   * Sums up anew what belongs to the snapshots and what to the origin, after snapshots were handed
   * over; in the group that is being written.
   *
   * @param dataset the dataset's record, with its new origin
   * @param namesZap the ZAP of the snapshots' names
   * @return the record with the sums
   */
  DatasetRecord sumUp(long txg, DatasetRecord dataset, long namesZap) {
    long origin = dataset.heritage().origin();
    long inherited = origin == 0 ? 0 : record(meta, origin).usedBytes();
    long stored = 0;
    for (int index = 0; index <= links.size(); index++) {
      long zap = index == links.size() ? dataset.snapshots().deadZap() : links.get(index).deadZap();
      Sums sums = sums(zap, originTxg());
      stored += sums.own;
      inherited -= sums.ofOrigin;
      if (index > 0) {
        Link before = links.get(index - 1);
        long unique = bornWithin(zap, txgOf(index - 2), before.txg());
        change(txg, before, before.record.deadZap(), unique);
      }
    }
    return dataset
        .withSnapshots(new DatasetRecord.Snapshots(namesZap, dataset.snapshots().deadZap(), stored))
        .withHeritage(new DatasetRecord.Heritage(origin, inherited));
  }

  /** Lets go of what is held. */
  void close() {
    closeHeads();
  }
}
