package io.lcpfs.intent;

import static io.lcpfs.format.IntentLogRecord.BATCH_BYTES;

import io.lcpfs.cache.CacheClass;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.memory.Slab;
import io.lcpfs.object.ChangeLog;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.txg.TxEnd;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The intent log of one dataset in use. Changes are kept only while someone commits now and then;
 * the first commit after a pause, or after more was written than is kept, waits for the groups
 * instead. Those who commit while a batch is being written share the next.
 *
 * <p>Records are in the order in which their transactions ended, and are written in it without a
 * gap; so what an import finds is a prefix.
 */
public final class IntentLog implements ChangeLog {

  /** Changes are no longer kept when so many groups went by without a commit. */
  private static final int QUIET_GROUPS = 8;

  private static final int MAX_BUFFERS = 16;
  private static final int MIN_BUFFERS = 2;

  /** Kept ready: others may take one between the begin and the end of a transaction. */
  private static final int SPARE_BUFFERS = 2;

  private static final int CACHE_PARTS = 16;

  /** With logbias=throughput, more than this goes straight to its place. */
  private static final int LARGE_BYTES = 64 << 10;

  private final ObjectContext context;
  private final LogDevices devices;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition written = lock.newCondition();
  private final TxEnd unlogged = this::notKept;

  /** Where batches go; null until a commit asked for it and a group made it. */
  private volatile @Nullable LogRing ring;

  /** Batches to be written, oldest first; the last takes more records. */
  private final ArrayDeque<LogBuffer> pending = new ArrayDeque<>();

  private final ArrayDeque<LogBuffer> spare = new ArrayDeque<>();
  private int buffers;

  /** Whether changes are kept. */
  private volatile boolean keeping;

  /** There is something for the next group to write besides what changed. */
  private volatile boolean wantsSync;

  private boolean wanted;

  /** Made by a group that is not on disk yet. */
  private @Nullable IntentLogRecord unproven;

  /** Changes of groups up to this may be missing from the log. */
  private volatile long gapTxg;

  /** Records so far, and how many of them are durable. */
  private long appended;

  private long durable;
  private long maxAppendedTxg;
  private long pendingBytes;
  private long syncedTxg;
  private boolean writing;
  private boolean broken;
  private int quietGroups;

  /**
   * @param onDisk the log as of the last group, empty; null when the dataset has none
   */
  public IntentLog(
      ObjectContext context, LogDevices devices, @Nullable IntentLogRecord onDisk, long syncedTxg) {
    this.context = context;
    this.devices = devices;
    this.syncedTxg = syncedTxg;
    this.gapTxg = syncedTxg;
    if (onDisk != null) {
      ring = new LogRing(onDisk, devices.sectorBytes());
    }
  }

  // ---- what transactions tell

  @Override
  public TxEnd begin() {
    if (!keeping) {
      return unlogged;
    }
    int limit = capacity() - BATCH_BYTES;
    ensureSpare();
    return new TxRecord(this, limit);
  }

  private int capacity() {
    LogRing to = ring;
    return to == null ? 0 : IntentLogRecord.batchBytes(to.base().segmentBytes());
  }

  private int maxBuffers() {
    long fit = context.cache().capacityBytes() / CACHE_PARTS / Math.max(1, capacity());
    return Math.clamp(fit, MIN_BUFFERS, MAX_BUFFERS);
  }

  /** Memory is asked for here, where no lock of an object is held. */
  private void ensureSpare() {
    lock.lock();
    try {
      if (!keeping || spare.size() >= SPARE_BUFFERS || buffers >= maxBuffers()) {
        return;
      }
      buffers++;
    } finally {
      lock.unlock();
    }
    Slab slab = null;
    try {
      slab = context.cache().allocate(capacity(), CacheClass.METADATA);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOMEM) {
        throw e;
      }
      // Then changes are not kept for want of memory, and a commit waits for the groups.
    } finally {
      lock.lock();
      try {
        if (slab == null) {
          buffers--;
        } else if (keeping) {
          spare.add(new LogBuffer(slab, capacity()));
          slab = null;
        } else {
          buffers--; // it ended meanwhile, and who ended it did not see this one
        }
      } finally {
        lock.unlock();
        if (slab != null) {
          context.slabs().free(slab);
        }
      }
    }
  }

  private void notKept(long txg) {
    if (txg <= gapTxg) {
      return;
    }
    lock.lock();
    try {
      gapTxg = Math.max(gapTxg, txg);
    } finally {
      lock.unlock();
    }
  }

  void append(TxRecord record, long txg) {
    lock.lock();
    try {
      LogBuffer last = pending.peekLast();
      if (!keeping || record.isSpoilt()) {
        leaveGap(txg);
        return;
      }
      if (last == null || !last.fits(record.totalBytes())) {
        last = spare.poll();
        if (last == null) {
          leaveGap(txg);
          return;
        }
        pending.add(last);
      }
      last.add(record, txg, ++appended);
      pendingBytes += record.totalBytes();
      maxAppendedTxg = Math.max(maxAppendedTxg, txg);
    } finally {
      lock.unlock();
    }
  }

  /** Gives up what is pending: it is of no use without what is missing before or among it. */
  private void leaveGap(long txg) {
    context.env().probe(CodeProbe.LOG_GAP);
    gapTxg = Math.max(gapTxg, Math.max(txg, maxAppendedTxg));
    dropPending();
  }

  private void dropPending() {
    while (!pending.isEmpty()) {
      recycle(pending.removeFirst());
    }
    pendingBytes = 0;
  }

  private void recycle(LogBuffer buffer) {
    buffer.clear();
    if (keeping) {
      spare.add(buffer);
    } else {
      buffers--;
      context.slabs().free(buffer.slab());
    }
  }

  // ---- commit

  @Override
  public void commit(boolean largeDirect) {
    boolean throughGroups;
    lock.lock();
    try {
      quietGroups = 0;
      throughGroups = !commitByLog(largeDirect);
    } finally {
      lock.unlock();
    }
    if (throughGroups) {
      context.txgs().sync();
    }
  }

  /** Under the lock, which is let go while waiting. False when only the groups can do it. */
  private boolean commitByLog(boolean largeDirect) {
    if (ring == null && !broken) {
      if (unproven == null) {
        wanted = true;
        wantsSync = true;
      }
      return false;
    }
    if (!keeping && !broken) {
      keeping = true;
      return false; // what is done from now on is kept
    }
    long want = appended;
    boolean waited = false;
    while (true) {
      if (broken || gapTxg > syncedTxg) {
        return false;
      }
      if (durable >= want) {
        if (waited) {
          context.env().probe(CodeProbe.LOG_BATCH_SHARED);
        }
        return true;
      }
      if (writing) {
        waited = true;
        written.awaitUninterruptibly();
        continue;
      }
      if (largeDirect && pendingBytes > LARGE_BYTES) {
        return false;
      }
      List<LogBuffer> flight = takePlaces();
      if (flight.isEmpty()) {
        context.env().probe(CodeProbe.LOG_FULL);
        return false;
      }
      write(flight);
      waited = false;
    }
  }

  /** Takes what is pending, as much as there is room for, with its places. */
  private List<LogBuffer> takePlaces() {
    LogRing to = ring;
    List<LogBuffer> flight = new ArrayList<>();
    while (to != null && !pending.isEmpty()) {
      LogBuffer first = pending.getFirst();
      LogRing.Place place = to.take(first.contentBytes(), first.maxTxg());
      if (place == null) {
        break;
      }
      if (to.hasWrapped(place)) {
        context.env().probe(CodeProbe.LOG_WRAPPED);
      }
      first.place = place;
      // Whatever is missing is on disk by now. A group without a head changed nothing here.
      first.afterTxg = Math.min(gapTxg, to.headTxg());
      flight.add(pending.removeFirst());
      pendingBytes -= first.contentBytes() - BATCH_BYTES;
    }
    return flight;
  }

  private void write(List<LogBuffer> flight) {
    LogRing to = ring;
    if (to == null) {
      throw new AssertionError("no ring");
    }
    boolean syncSoon = to.isHalfFull();
    writing = true;
    boolean done = false;
    lock.unlock();
    try {
      if (syncSoon) {
        context.txgs().syncSoon();
      }
      TreeSet<Long> touched = new TreeSet<>();
      for (LogBuffer buffer : flight) {
        long dva = to.base().segments().get(buffer.place.segment());
        devices.write(
            dva, buffer.place.offset(), buffer.seal(to.base().epoch(), devices.sectorBytes()));
        touched.add(dva);
      }
      if (!context.env().planted(PlantedBug.LOG_NOT_FLUSHED)) {
        touched.forEach(devices::flush);
      }
      done = true;
    } finally {
      lock.lock();
      writing = false;
      if (done) {
        durable = Math.max(durable, flight.getLast().lastNumber());
      } else {
        // Nothing behind a batch that may be missing would be found.
        broken = true;
        gapTxg = Math.max(gapTxg, maxAppendedTxg);
        dropPending();
      }
      flight.forEach(this::recycle);
      written.signalAll();
    }
  }

  // ---- what the sync task does

  /** Has the head written with the next group, whether or not anything else changes. */
  public void requestSync() {
    wantsSync = true;
  }

  /** Whether the next group has to be written on the log's account. */
  public boolean wantsSync() {
    return wantsSync;
  }

  /** Whether the dataset is to be given a log. */
  public boolean isWanted() {
    lock.lock();
    try {
      return wanted && ring == null && !broken;
    } finally {
      lock.unlock();
    }
  }

  /** The group that is being written gives the dataset this log, or null when there is no room. */
  public void made(@Nullable IntentLogRecord fresh) {
    lock.lock();
    try {
      wanted = false;
      wantsSync = false;
      unproven = fresh;
    } finally {
      lock.unlock();
    }
  }

  /** The log's head as it goes to disk with {@code txg}, or null when the dataset has no log. */
  public @Nullable IntentLogRecord headFor(long txg) {
    lock.lock();
    try {
      LogRing of = ring;
      wantsSync &= of == null;
      return of == null ? null : of.headFor(txg);
    } finally {
      lock.unlock();
    }
  }

  /** {@code txg} is on disk: what belongs to it needs no log any more. */
  public void groupSynced(long txg) {
    List<Slab> freed = new ArrayList<>();
    lock.lock();
    try {
      syncedTxg = txg;
      LogRing of = ring;
      IntentLogRecord fresh = unproven;
      if (of != null) {
        of.groupSynced(txg);
      } else if (fresh != null) {
        ring = new LogRing(fresh, devices.sectorBytes());
        unproven = null;
        keeping = !broken;
      }
      // Behind a batch under way nothing counts as durable before that is.
      while (!writing && !pending.isEmpty() && pending.getFirst().maxTxg() <= txg) {
        LogBuffer synced = pending.removeFirst();
        durable = Math.max(durable, synced.lastNumber());
        gapTxg = Math.max(gapTxg, synced.maxTxg()); // on disk, but not in the log
        pendingBytes -= synced.contentBytes() - BATCH_BYTES;
        recycle(synced);
      }
      if (!writing && pending.isEmpty() && maxAppendedTxg <= txg) {
        durable = appended;
      }
      if (keeping && ++quietGroups > QUIET_GROUPS) {
        stopKeeping(freed);
      }
      written.signalAll();
    } finally {
      lock.unlock();
    }
    freed.forEach(context.slabs()::free);
  }

  private void stopKeeping(List<Slab> freed) {
    keeping = false;
    gapTxg = Math.max(gapTxg, maxAppendedTxg);
    dropPending();
    while (!spare.isEmpty()) {
      buffers--;
      freed.add(spare.removeFirst().slab());
    }
  }

  /** Ends the use: waits for a batch under way. Transactions that end later are not kept. */
  public void close() {
    List<Slab> freed = new ArrayList<>();
    lock.lock();
    try {
      while (writing) {
        written.awaitUninterruptibly();
      }
      broken = true;
      stopKeeping(freed);
    } finally {
      lock.unlock();
    }
    freed.forEach(context.slabs()::free);
  }
}
