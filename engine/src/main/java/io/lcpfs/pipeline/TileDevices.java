package io.lcpfs.pipeline;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.Dva;
import io.lcpfs.vdev.DeviceQueue;
import io.lcpfs.vdev.TileMap;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Finds the devices and offsets of an address through the tile map, and uses the devices' queues.
 */
public final class TileDevices implements Devices {
  private final List<DeviceQueue> queues;
  private final AtomicLongArray checksumErrors;
  private final AtomicLongArray repaired;
  private volatile TileMap tiles;
  private volatile long capacityBytes;

  /**
   * @param queues by device index
   */
  public TileDevices(List<DeviceQueue> queues, TileMap tiles) {
    this.queues = List.copyOf(queues);
    this.checksumErrors = new AtomicLongArray(queues.size());
    this.repaired = new AtomicLongArray(queues.size());
    this.tiles = tiles;
    this.capacityBytes = sizeOf(tiles);
  }

  private static long sizeOf(TileMap map) {
    return map.metaslabs().stream().mapToLong(entry -> map.sizeBytes(entry.id())).sum();
  }

  @Override
  public long capacityBytes() {
    return capacityBytes;
  }

  public TileMap tiles() {
    return tiles;
  }

  /** Takes a map with more metaslabs. */
  public void setTiles(TileMap newTiles) {
    capacityBytes = sizeOf(newTiles);
    tiles = newTiles;
  }

  public List<DeviceQueue> queues() {
    return queues;
  }

  @Override
  public int ways(long dva) {
    return tiles.ways(dva);
  }

  @Override
  public boolean hasMirrors() {
    return tiles.hasMirrors();
  }

  @Override
  public int device(long dva, int way) {
    return tiles.device(dva, way);
  }

  @Override
  public void read(long dva, int way, MemorySegment target) {
    TileMap map = tiles;
    DeviceQueue queue = queues.get(map.device(dva, way));
    long offset = map.deviceOffset(dva, way, target.byteSize());
    if (Thread.currentThread().isVirtual()) {
      queue.read(offset, target);
    } else {
      // A platform thread may block by itself; a hop to another costs more than the read.
      queue.readHere(offset, target);
    }
  }

  @Override
  public void write(long dva, MemorySegment data, Written written) {
    TileMap map = tiles;
    int ways = map.ways(dva);
    Written each = ways == 1 ? written : new AllWritten(ways, written);
    for (int way = 0; way < ways; way++) {
      long offset = map.deviceOffset(dva, way, data.byteSize());
      queues.get(map.device(dva, way)).write(offset, data, each::done);
    }
  }

  @Override
  public void repair(long dva, int way, MemorySegment data, Written written) {
    TileMap map = tiles;
    long offset = map.deviceOffset(dva, way, data.byteSize());
    queues.get(map.device(dva, way)).write(offset, data, written::done);
  }

  /** Tells of the writes to all columns when the last has ended; a failure of any is one. */
  private static final class AllWritten implements Written {
    private final Written told;
    private final AtomicInteger open;
    private final AtomicReference<@Nullable PoolException> failed = new AtomicReference<>();

    AllWritten(int columns, Written told) {
      this.told = told;
      this.open = new AtomicInteger(columns);
    }

    @Override
    public void done(@Nullable PoolException failure) {
      if (failure != null) {
        failed.compareAndSet(null, failure);
      }
      if (open.decrementAndGet() == 0) {
        told.done(failed.get());
      }
    }
  }

  /** Writes past the queues, to all columns, and waits. */
  public void writeNow(long dva, MemorySegment data) {
    TileMap map = tiles;
    for (int way = 0; way < map.ways(dva); way++) {
      DeviceQueue queue = queues.get(map.device(dva, way));
      long offset = map.deviceOffset(dva, way, data.byteSize());
      if (Thread.currentThread().isVirtual()) {
        queue.writeNow(offset, data);
      } else {
        queue.writeHere(offset, data);
      }
    }
  }

  /** Makes durable what was written to the devices of this address. */
  public void flush(long dva) {
    TileMap map = tiles;
    for (int way = 0; way < map.ways(dva); way++) {
      DeviceQueue queue = queues.get(map.device(dva, way));
      if (Thread.currentThread().isVirtual()) {
        queue.flush();
      } else {
        queue.flushHere();
      }
    }
  }

  /** Tells the devices that a freed range is unused. */
  public void discard(int metaslab, long offsetBytes, long bytes) {
    TileMap map = tiles;
    long dva = Dva.of(metaslab, offsetBytes);
    for (int way = 0; way < map.ways(dva); way++) {
      queues.get(map.device(dva, way)).discard(map.deviceOffset(dva, way, bytes), bytes);
    }
  }

  @Override
  public void awaitWrites() {
    queues.forEach(DeviceQueue::drain);
  }

  @Override
  public void countChecksumError(long dva, int way) {
    checksumErrors.incrementAndGet(tiles.device(dva, way));
  }

  @Override
  public void countRepaired(long dva, int way) {
    repaired.incrementAndGet(tiles.device(dva, way));
  }

  /** What was written again on a device, in extents, since it did not verify or was not read. */
  public long repaired(int device) {
    return repaired.get(device);
  }

  /** Copies read from a device that did not verify. */
  public long checksumErrors(int device) {
    return checksumErrors.get(device);
  }
}
