package io.lcpfs.intent;

import static io.lcpfs.format.IntentLogRecord.BATCH_BYTES;

import io.lcpfs.cache.CacheClass;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.memory.Slab;
import io.lcpfs.object.ObjectContext;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Reads the batches of a log in order, up to the first that is not there, or that lies behind
 * changes which are neither in the log nor in the group that the log's head belongs to: an import
 * that had to go back a group meets such. Whatever is on the devices, it ends: each batch has a
 * number one higher than the one before.
 */
final class LogReader implements AutoCloseable {
  private final ObjectContext context;
  private final LogDevices devices;
  private final IntentLogRecord log;
  private final Slab slab;
  private final int batchLimit;
  private long sequence;
  private int segment;
  private int offset;
  private boolean ended;

  /** A batch: its place, and its records one behind the other; valid until the next. */
  record Batch(LogRing.Place place, MemorySegment records, int recordCount) {}

  LogReader(ObjectContext context, LogDevices devices, IntentLogRecord log) {
    this.context = context;
    this.devices = devices;
    this.log = log;
    this.batchLimit = IntentLogRecord.batchBytes(log.segmentBytes());
    this.sequence = log.sequence();
    this.segment = log.startSegment();
    this.offset = log.startOffset();
    this.slab = context.cache().allocate(batchLimit, CacheClass.METADATA);
  }

  /** The next batch, or null when there is none. */
  @Nullable Batch next() {
    if (ended) {
      return null;
    }
    Batch batch = read(segment, offset);
    if (batch == null && offset > 0) {
      batch = read((segment + 1) % log.segments().size(), 0);
    }
    ended = batch == null;
    return batch;
  }

  private @Nullable Batch read(int in, int at) {
    int room = Math.min(batchLimit, log.segmentBytes() - at);
    if (room < devices.sectorBytes() || at % devices.sectorBytes() != 0) {
      return null;
    }
    MemorySegment batch = intact(log.segments().get(in), at, room);
    if (batch == null) {
      return null;
    }
    int padded = padded(batch.byteSize());
    LogRing.Place place = new LogRing.Place(sequence, in, at, 0);
    sequence++;
    segment = in;
    offset = at + padded;
    long records = Math.min(Disk.u32(batch, 28), Integer.MAX_VALUE);
    return new Batch(place, batch.asSlice(BATCH_BYTES), (int) records);
  }

  /**
   * The batch at a place, in whichever way it can be had; null when it is there in none.
   *
   * @throws PoolException EIO when it may be where nothing can be read
   */
  private @Nullable MemorySegment intact(long dva, int at, int room) {
    PoolException failure = null;
    for (int way = 0; way < devices.ways(dva); way++) {
      try {
        MemorySegment batch = read(dva, way, at, room);
        if (batch != null) {
          return batch;
        }
      } catch (PoolException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
    return null;
  }

  private @Nullable MemorySegment read(long dva, int way, int at, int room) {
    MemorySegment bytes = slab.segment().asSlice(0, room);
    devices.read(dva, way, at, bytes.asSlice(0, devices.sectorBytes()));
    long length = Disk.u32(bytes, 24);
    if (Disk.u64(bytes, 0) != IntentLogRecord.BATCH_MAGIC
        || Disk.u64(bytes, 8) != log.epoch()
        || Disk.u64(bytes, 16) != sequence
        || length < BATCH_BYTES
        || length > room) {
      return null;
    }
    devices.read(dva, way, at, bytes.asSlice(0, padded(length)));
    MemorySegment batch = bytes.asSlice(0, length);
    return LogBuffer.verify(batch) && Long.compareUnsigned(Disk.u64(batch, 32), log.baseTxg()) <= 0
        ? batch
        : null;
  }

  private int padded(long length) {
    return Math.ceilDiv((int) length, devices.sectorBytes()) * devices.sectorBytes();
  }

  @Override
  public void close() {
    context.slabs().free(slab);
  }
}
