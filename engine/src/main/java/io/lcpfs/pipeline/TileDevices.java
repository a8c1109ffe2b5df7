package io.lcpfs.pipeline;

import io.lcpfs.format.Dva;
import io.lcpfs.vdev.DeviceQueue;
import io.lcpfs.vdev.TileMap;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/** Finds the device and offset of an address through the tile map, and uses the device's queue. */
public final class TileDevices implements Devices {
  private final List<DeviceQueue> queues;
  private final AtomicLongArray checksumErrors;
  private volatile TileMap tiles;
  private volatile long capacityBytes;

  /**
   * @param queues by device index
   */
  public TileDevices(List<DeviceQueue> queues, TileMap tiles) {
    this.queues = List.copyOf(queues);
    this.checksumErrors = new AtomicLongArray(queues.size());
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
  public void read(long dva, MemorySegment target) {
    TileMap map = tiles;
    DeviceQueue queue = queues.get(map.device(dva));
    long offset = map.deviceOffset(dva, target.byteSize());
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
    queues.get(map.device(dva)).write(map.deviceOffset(dva, data.byteSize()), data, written::done);
  }

  /** Writes past the queue and waits. */
  public void writeNow(long dva, MemorySegment data) {
    TileMap map = tiles;
    DeviceQueue queue = queues.get(map.device(dva));
    long offset = map.deviceOffset(dva, data.byteSize());
    if (Thread.currentThread().isVirtual()) {
      queue.writeNow(offset, data);
    } else {
      queue.writeHere(offset, data);
    }
  }

  /** Makes durable what was written to the device of this address. */
  public void flush(long dva) {
    DeviceQueue queue = queues.get(tiles.device(dva));
    if (Thread.currentThread().isVirtual()) {
      queue.flush();
    } else {
      queue.flushHere();
    }
  }

  /** Tells the device that a freed range is unused. */
  public void discard(int metaslab, long offsetBytes, long bytes) {
    TileMap map = tiles;
    long dva = Dva.of(metaslab, offsetBytes);
    queues.get(map.device(dva)).discard(map.deviceOffset(dva, bytes), bytes);
  }

  @Override
  public void awaitWrites() {
    queues.forEach(DeviceQueue::drain);
  }

  @Override
  public void countChecksumError(long dva) {
    checksumErrors.incrementAndGet(tiles.device(dva));
  }

  /** Copies read from a device that did not verify. */
  public long checksumErrors(int device) {
    return checksumErrors.get(device);
  }
}
