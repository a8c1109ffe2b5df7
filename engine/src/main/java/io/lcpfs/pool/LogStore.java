package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.Dva;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.intent.LogDevices;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.pipeline.TileDevices;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where intent logs get their extents, and how they reach them. */
final class LogStore implements LogDevices {
  private static final int SEGMENTS = IntentLogRecord.MAX_SEGMENTS;
  private static final int MOST_SEGMENT_BYTES = 4 << 20;

  /** A segment's part of the pool; a log takes 16 of them. */
  private static final long POOL_PARTS = 1024;

  /** A segment holds at least so many sectors. */
  private static final int LEAST_SECTORS = 4;

  /** A log is made only where so many times its size is available. */
  private static final int ROOM_PARTS = 4;

  private final ObjectContext context;
  private final Allocator allocator;
  private final TileDevices devices;
  private final SpaceReserve reserve;

  LogStore(ObjectContext context, Allocator allocator, TileDevices devices, SpaceReserve reserve) {
    this.context = context;
    this.allocator = allocator;
    this.devices = devices;
    this.reserve = reserve;
  }

  @Override
  public void read(long dva, long offsetBytes, MemorySegment target) {
    devices.read(at(dva, offsetBytes), target);
  }

  @Override
  public void write(long dva, long offsetBytes, MemorySegment data) {
    devices.writeNow(at(dva, offsetBytes), data);
  }

  @Override
  public void flush(long dva) {
    devices.flush(dva);
  }

  @Override
  public int sectorBytes() {
    return allocator.sectorBytes();
  }

  private static long at(long dva, long offsetBytes) {
    return Dva.of(Dva.metaslab(dva), Dva.offsetBytes(dva) + offsetBytes);
  }

  private int segmentBytes() {
    long wanted = Long.highestOneBit(Math.max(1, reserve.sizeBytes() / POOL_PARTS));
    long least = Math.max(IntentLogRecord.MIN_SEGMENT_BYTES, (long) LEAST_SECTORS * sectorBytes());
    return (int) Math.max(least, Math.min(wanted, MOST_SEGMENT_BYTES));
  }

  /**
   * Makes a log in the group that is being written.
   *
   * @return its INTENT_LOG object, held; null when there is no room for one
   */
  @Nullable Dnode make(ObjectSet meta, long txg, long datasetObject) {
    int bytes = segmentBytes();
    if (reserve.availableBytes() < (long) ROOM_PARTS * SEGMENTS * bytes) {
      return null;
    }
    List<Long> segments = new ArrayList<>();
    while (segments.size() < SEGMENTS) {
      long dva = Dva.NONE;
      try {
        dva = allocator.allocate(bytes, txg, Dva.NONE, Dva.NONE);
      } catch (PoolException e) {
        if (e.errno() != Errno.ENOSPC) {
          throw e;
        }
      }
      if (dva == Dva.NONE) {
        segments.forEach(given -> allocator.cancel(given, bytes, txg));
        return null;
      }
      segments.add(dva);
    }
    IntentLogRecord fresh =
        new IntentLogRecord(
            context.env().randomLong(), 1, txg, datasetObject, bytes, 0, 0, 0, 0, segments);
    Dnode dnode = meta.create(Tx.inSync(txg), ObjectType.INTENT_LOG, DnodeRecord.BYTES);
    dnode.setBonus(Tx.inSync(txg), fresh.encode());
    return dnode;
  }
}
