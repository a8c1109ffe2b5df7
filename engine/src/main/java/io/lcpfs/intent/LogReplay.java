package io.lcpfs.intent;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.IntentLogRecord.CHANGES_BYTES;
import static io.lcpfs.format.IntentLogRecord.ENTRY_BYTES;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.txg.TxgManager;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Does again what a dataset's log holds and the last group lacks. How far it is goes to disk with
 * each group, so that a crash meanwhile, or an error that can pass, is followed by the rest. Nobody
 * else uses the object set before {@link #run} has returned.
 */
public final class LogReplay {
  private static final long TX_BYTES = 160 << 10;
  private static final int MAX_BLOCK_BYTES = BlockPointer.MAX_BLOCK_BYTES;

  /** So often is an entry tried again, each time with nothing left to be written first. */
  private static final int MOST_VAIN = 2;

  /** How far it is: so many records of this batch are done, and entries of the next one. */
  private record Position(LogRing.Place batch, int records, int entries) {}

  private final ObjectContext context;
  private final LogDevices devices;
  private final ObjectSet objects;
  private final Position[] ends = new Position[TxgManager.IN_FLIGHT];
  private IntentLogRecord log;
  private volatile Position position;
  private long recordsDone;
  private @Nullable PoolException damage;

  /**
   * @param log as it is on disk
   */
  public LogReplay(
      ObjectContext context, LogDevices devices, ObjectSet objects, IntentLogRecord log) {
    this.context = context;
    this.devices = devices;
    this.objects = objects;
    this.log = log;
    this.position =
        new Position(
            new LogRing.Place(log.sequence(), log.startSegment(), log.startOffset(), 0),
            log.skip(),
            log.skipEntries());
    Arrays.fill(ends, position);
  }

  /**
   * Does what is left to do.
   *
   * @throws PoolException when it cannot be done now: no memory, no space, a device that does not
   *     answer; call again
   */
  public void run() {
    Position from = position;
    log =
        log.startingAt(
            log.baseTxg(),
            from.batch.sequence(),
            from.batch.segment(),
            from.batch.offset(),
            from.records,
            from.entries);
    if (from.records > 0 || from.entries > 0) {
      context.env().probe(CodeProbe.LOG_REPLAY_RESUMED);
    }
    try (LogReader reader = new LogReader(context, devices, log)) {
      for (LogReader.Batch batch = reader.next(); batch != null; batch = reader.next()) {
        boolean first = batch.place().sequence() == from.batch.sequence();
        redo(batch, first ? from.records : 0, first ? from.entries : 0);
      }
    } catch (PoolException e) {
      if (canPass(e.error())) {
        throw e;
      }
      // What is lost stays lost: the rest depends on it. Whoever asked is told.
      damage = e;
    }
    if (recordsDone > 0) {
      context.env().probe(CodeProbe.LOG_REPLAYED);
    }
  }

  /** Whether the same may succeed later; nothing else is worth another try. */
  private static boolean canPass(PoolError error) {
    return switch (error) {
      case PoolError.DeviceFailed _ -> true;
      case PoolError.OutOfSpace _ -> true;
      case PoolError.OutOfMemory _ -> true;
      case PoolError.Suspended _ -> true;
      case PoolError.Closed _ -> true;
      case PoolError.Corrupt _ -> false;
      case PoolError.ChecksumMismatch _ -> false;
      // Transactions that were made once are not refused: what is refused was never one.
      case PoolError.Posix _ -> false;
      case PoolError.Refused _ -> false;
    };
  }

  /** Transactions that were done again. */
  public long recordsDone() {
    return recordsDone;
  }

  /** What kept the rest of the log from being done again for ever, or null. */
  public @Nullable PoolException damage() {
    return damage;
  }

  /** The log's head as it goes to disk with {@code txg}. */
  public IntentLogRecord headFor(long txg) {
    Position at = ends[(int) txg & TxgManager.MASK];
    return log.startingAt(
        log.baseTxg(),
        at.batch.sequence(),
        at.batch.segment(),
        at.batch.offset(),
        at.records,
        at.entries);
  }

  private void redo(LogReader.Batch batch, int skipRecords, int skipEntries) {
    checkShape(batch);
    MemorySegment records = batch.records();
    long at = 0;
    for (int i = 0; i < batch.recordCount(); i++) {
      long bytes = Disk.u32(records, at);
      MemorySegment record = records.asSlice(at, bytes);
      if (i >= skipRecords && Disk.u64(record, 8) > log.baseTxg()) {
        redoRecord(batch.place(), i, record, i == skipRecords ? skipEntries : 0);
        recordsDone++;
      }
      at += bytes;
    }
  }

  /** Nothing of a batch is done when its records, and their entries, are not what fills it. */
  private static void checkShape(LogReader.Batch batch) {
    MemorySegment records = batch.records();
    long at = 0;
    for (int i = 0; i < batch.recordCount(); i++) {
      if (at > records.byteSize() - CHANGES_BYTES) {
        throw corrupt("intent_log_batch.record_count", batch.recordCount());
      }
      long bytes = Disk.u32(records, at);
      if (bytes < CHANGES_BYTES || bytes > records.byteSize() - at) {
        throw corrupt("intent_log_changes.record_bytes", bytes);
      }
      checkEntries(records.asSlice(at, bytes));
      at += bytes;
    }
    if (at != records.byteSize()) {
      throw corrupt("intent_log_batch.batch_bytes", records.byteSize());
    }
  }

  private static void checkEntries(MemorySegment record) {
    long entries = Disk.u32(record, 4);
    long at = CHANGES_BYTES;
    for (long i = 0; i < entries; i++) {
      if (at > record.byteSize() - ENTRY_BYTES) {
        throw corrupt("intent_log_changes.entry_count", entries);
      }
      long bytes = Disk.u32(record, at + 4);
      if (bytes < ENTRY_BYTES || bytes > record.byteSize() - at) {
        throw corrupt("intent_log_entry.entry_bytes", bytes);
      }
      EntryKind.of(Disk.u16(record, at));
      at += bytes;
    }
    if (at != record.byteSize()) {
      throw corrupt("intent_log_changes.record_bytes", record.byteSize());
    }
  }

  /**
   * Each record is one transaction, unless an error comes in between. When memory is short because
   * of what was done again and is not on disk yet, it is written first, and the rest follows.
   */
  private void redoRecord(LogRing.Place batch, int index, MemorySegment record, int skipEntries) {
    awaitNumbers(record);
    int from = skipEntries;
    int vain = 0;
    while (true) {
      long[] done = {from};
      try {
        redoEntries(batch, index, record, from, done);
        return;
      } catch (PoolException e) {
        vain = done[0] > from ? 0 : vain + 1;
        if (!(e.error() instanceof PoolError.OutOfMemory) || vain > MOST_VAIN) {
          throw e;
        }
        from = (int) done[0];
      }
      objects.sync();
    }
  }

  /**
   * @param done on entry {@code from}; counted up with each entry that is done
   */
  private void redoEntries(
      LogRing.Place batch, int index, MemorySegment record, int from, long[] done) {
    long entries = Disk.u32(record, 4);
    boolean[] whole = {false};
    try (Tx tx = objects.beginFreeing(TX_BYTES + record.byteSize()).wholeOnly()) {
      tx.attach(
          txg -> {
            Position end =
                whole[0]
                    ? new Position(batch, index + 1, 0)
                    : new Position(batch, index, (int) done[0]);
            position = end;
            // Groups to come that change nothing more end here, too.
            for (long next = txg; next < txg + TxgManager.IN_FLIGHT - 1; next++) {
              ends[(int) next & TxgManager.MASK] = end;
            }
          });
      try {
        long at = CHANGES_BYTES;
        for (long i = 0; i < entries; i++) {
          long bytes = Disk.u32(record, at + 4);
          if (i >= from) {
            redoEntry(tx, record.asSlice(at, bytes));
            done[0] = i + 1;
          }
          at += bytes;
        }
        whole[0] = true;
      } catch (PoolException e) {
        tx.complete(); // the head says how far it is
        throw e;
      }
      tx.complete();
    }
  }

  /** A number can be given again once the group that freed it is on disk. */
  private void awaitNumbers(MemorySegment record) {
    long at = CHANGES_BYTES;
    while (at < record.byteSize()) {
      if (Disk.u16(record, at) == EntryKind.CREATE.code
          && objects.isLeaving(Disk.u64(record, at + 8))) {
        objects.sync();
        return;
      }
      at += Disk.u32(record, at + 4);
    }
  }

  private void redoEntry(Tx tx, MemorySegment entry) {
    EntryKind kind = EntryKind.of(Disk.u16(entry, 0));
    long number = Disk.u64(entry, 8);
    MemorySegment payload = entry.asSlice(ENTRY_BYTES);
    if (kind == EntryKind.CREATE) {
      create(tx, number, payload);
      return;
    }
    try (Dnode dnode = hold(number)) {
      switch (kind) {
        case FREE -> dnode.free(tx);
        case BONUS -> setBonus(tx, dnode, payload);
        case WRITE -> write(tx, dnode, payload);
        case FREE_RANGE -> freeRange(tx, dnode, payload);
        case ZAP_CREATE -> {
          need(payload, 16);
          if (dnode.blockCount() > 1) {
            throw corrupt("intent_log_entry.object", number);
          }
          Zap.create(tx, dnode, Disk.u64(payload, 0), Disk.u64(payload, 8));
        }
        case ZAP_PUT -> zapPut(tx, dnode, payload);
        case ZAP_REMOVE -> Zap.open(dnode, context.env()).remove(tx, payload.toArray(Disk.U8));
        case CREATE -> throw new AssertionError(kind);
      }
    } catch (IllegalArgumentException e) {
      throw corrupt("intent_log_entry", String.valueOf(e.getMessage()));
    }
  }

  private Dnode hold(long number) {
    try {
      return objects.hold(number);
    } catch (PoolException e) {
      throw e.errno() == Errno.ENOENT ? corrupt("intent_log_entry.object", number) : e;
    }
  }

  private static void need(MemorySegment payload, long bytes) {
    if (payload.byteSize() < bytes) {
      throw corrupt("intent_log_entry.entry_bytes", payload.byteSize());
    }
  }

  private void create(Tx tx, long number, MemorySegment payload) {
    need(payload, 8);
    long code = Math.min(Disk.u32(payload, 0), Integer.MAX_VALUE);
    ObjectType type = ObjectType.ofCode((int) code, "intent_log_entry.type");
    switch (type) {
      case NONE, OBJECT_SET, DNODE, TAILS, META_TAILS ->
          throw corrupt("intent_log_entry.type", code);
      default -> {}
    }
    long blockBytes = Disk.u32(payload, 4);
    if (blockBytes < Disk.SECTOR_BYTES
        || blockBytes > MAX_BLOCK_BYTES
        || blockBytes % Disk.SECTOR_BYTES != 0) {
      throw corrupt("intent_log_entry.block_bytes", blockBytes);
    }
    objects.createAgain(tx, number, type, (int) blockBytes).close();
  }

  private static void setBonus(Tx tx, Dnode dnode, MemorySegment payload) {
    if (payload.byteSize() > DnodeRecord.BONUS_BYTES) {
      throw corrupt("intent_log_entry.bonus", payload.byteSize());
    }
    dnode.setBonus(tx, payload.toArray(Disk.U8));
  }

  private static void write(Tx tx, Dnode dnode, MemorySegment payload) {
    need(payload, 16);
    long offset = Disk.u64(payload, 0);
    long maxBlock = Disk.u32(payload, 8);
    long length = payload.byteSize() - 16;
    if (offset < 0
        || offset > Long.MAX_VALUE / 2
        || maxBlock < Disk.SECTOR_BYTES
        || maxBlock > MAX_BLOCK_BYTES
        || Long.bitCount(maxBlock) != 1) {
      throw corrupt("intent_log_entry.offset", offset);
    }
    dnode.write(tx, offset, payload, 16, length, (int) maxBlock);
  }

  private static void freeRange(Tx tx, Dnode dnode, MemorySegment payload) {
    need(payload, 16);
    long offset = Disk.u64(payload, 0);
    long length = Disk.u64(payload, 8);
    if (offset < 0 || length < 0 || length > Long.MAX_VALUE - offset) {
      throw corrupt("intent_log_entry.offset", offset);
    }
    dnode.freeRange(tx, offset, length);
  }

  private void zapPut(Tx tx, Dnode dnode, MemorySegment payload) {
    need(payload, 8);
    long name = Disk.u32(payload, 0);
    long value = Disk.u32(payload, 4);
    if (8 + name + value != payload.byteSize()) {
      throw corrupt("intent_log_entry.name_bytes", name);
    }
    Zap.open(dnode, context.env())
        .put(
            tx,
            payload.asSlice(8, name).toArray(Disk.U8),
            payload.asSlice(8 + name, value).toArray(Disk.U8));
  }
}
