package io.lcpfs.intent;

import java.lang.foreign.MemorySegment;

/**
 * Extents by data virtual address, past the cache and the write queue. A port: the pool supplies
 * it. All methods wait, and throw PoolException with EIO when the device fails.
 */
public interface LogDevices {

  /** In how many ways the extent can be had: each may hold what another has lost. */
  int ways(long dva);

  /** Fills {@code target} from {@code offsetBytes} of the extent on, in one of the ways. */
  void read(long dva, int way, long offsetBytes, MemorySegment target);

  /** Writes at {@code offsetBytes} of the extent, in all ways; not yet durable. */
  void write(long dva, long offsetBytes, MemorySegment data);

  /** Makes durable what was written to the devices of this extent. */
  void flush(long dva);

  /** The unit of lengths and offsets, in bytes. */
  int sectorBytes();
}
