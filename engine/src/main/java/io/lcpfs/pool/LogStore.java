package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.alloc.Metaslab;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.Dva;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.intent.LogDevices;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.pipeline.TileDevices;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Where intent logs get their extents, and how they reach them. */
final class LogStore implements LogDevices {
  private static final int SEGMENTS = IntentLogRecord.MAX_SEGMENTS;
  private static final int MOST_SEGMENT_BYTES = 4 << 20;

  /** What the log of one dataset takes at most. */
  static final long LARGEST_LOG_BYTES = (long) SEGMENTS * MOST_SEGMENT_BYTES;

  /** A segment's part of a log device. */
  private static final long LOG_DEVICE_PARTS = 64;

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
  public int ways(long dva) {
    return devices.ways(dva);
  }

  @Override
  public void read(long dva, int way, long offsetBytes, MemorySegment target) {
    devices.read(at(dva, offsetBytes), way, target);
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
    return (int) Math.max(leastSegmentBytes(), Math.min(wanted, MOST_SEGMENT_BYTES));
  }

  /** Of logs on devices of the class for them; 0 where there is none with room for a segment. */
  private int segmentBytesOnLogDevices() {
    long all = 0;
    long largest = 0;
    for (Metaslab metaslab : allocator.metaslabs(PlacementClass.LOG)) {
      all += metaslab.sizeBytes();
      largest = Math.max(largest, metaslab.sizeBytes());
    }
    long wanted = Long.highestOneBit(Math.max(1, all / LOG_DEVICE_PARTS));
    long most = Math.min(MOST_SEGMENT_BYTES, largest / Allocator.LARGEST_BLOCK_PARTS);
    return leastSegmentBytes() > most
        ? 0
        : (int) Math.clamp(wanted, leastSegmentBytes(), Long.highestOneBit(most));
  }

  private long leastSegmentBytes() {
    return Math.max(IntentLogRecord.MIN_SEGMENT_BYTES, (long) LEAST_SECTORS * sectorBytes());
  }

  /** All segments of a log, or none. */
  private List<Long> allocate(LongSupplier segment, int bytes, long txg) {
    List<Long> segments = new ArrayList<>();
    while (segments.size() < SEGMENTS) {
      long dva = segment.getAsLong();
      if (dva == Dva.NONE) {
        segments.forEach(given -> allocator.cancel(given, bytes, txg));
        return List.of();
      }
      segments.add(dva);
    }
    return segments;
  }

  private long normal(int bytes, long txg) {
    try {
      return allocator.allocate(bytes, txg, Dva.NONE, Dva.NONE);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOSPC) {
        throw e;
      }
      return Dva.NONE;
    }
  }

  /**
   * Makes a log in the group that is being written: on devices for logs where the pool has some
   * with room for it, else among everything else.
   *
   * @return its INTENT_LOG object, held; null when there is no room for one
   */
  @Nullable Dnode make(ObjectSet meta, long txg, long datasetObject) {
    int small = segmentBytesOnLogDevices();
    List<Long> segments =
        small == 0
            ? List.of()
            : allocate(() -> allocator.allocate(PlacementClass.LOG, small, txg), small, txg);
    int bytes = segments.isEmpty() ? segmentBytes() : small;
    if (segments.isEmpty()) {
      if (reserve.availableBytes() < (long) ROOM_PARTS * SEGMENTS * bytes) {
        return null;
      }
      segments = allocate(() -> normal(bytes, txg), bytes, txg);
    }
    if (segments.isEmpty()) {
      return null;
    }
    IntentLogRecord fresh =
        new IntentLogRecord(
            context.env().randomLong(), 1, txg, datasetObject, bytes, 0, 0, 0, 0, segments);
    Dnode dnode = meta.create(Tx.inSync(txg), ObjectType.INTENT_LOG, DnodeRecord.BYTES);
    dnode.setBonus(Tx.inSync(txg), fresh.encode());
    return dnode;
  }
}
