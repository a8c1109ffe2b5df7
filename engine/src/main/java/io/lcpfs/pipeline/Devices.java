package io.lcpfs.pipeline;

import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Storage by data virtual address, one copy at a time. Lengths are multiples of the sector. What a
 * mirror holds can be had in several ways, one from each of its columns.
 */
public interface Devices {

  /** Told once when a write has ended. */
  interface Written {
    /**
     * @param failure null when the device took the write
     */
    void done(@Nullable PoolException failure);
  }

  /**
   * In how many ways what lies at an address can be had; they are numbered from 0, the one to try
   * first.
   *
   * @throws PoolException Corrupt when there is no such address
   */
  int ways(long dva);

  /** Whether there are addresses with more than one way. */
  boolean hasMirrors();

  /**
   * Fills {@code target} from the address; blocks.
   *
   * @throws PoolException Corrupt when there is no such address; DeviceFailed
   */
  void read(long dva, int way, MemorySegment target);

  /**
   * Queues a write, to all columns; {@code data} must stay as it is until {@code written} was told,
   * which is when all have it.
   */
  void write(long dva, MemorySegment data, Written written);

  /** As {@link #write}, of only what {@link #read} takes in one of the ways. */
  void repair(long dva, int way, MemorySegment data, Written written);

  /**
   * Waits until no write is queued.
   *
   * @throws PoolException DeviceFailed when a device is faulted
   */
  void awaitWrites();

  /** Index of the device that is read for an address in one of the ways. */
  int device(long dva, int way);

  /** Bytes that there are addresses for. */
  long capacityBytes();

  /** Notes that what was read from this address in one of the ways did not verify. */
  void countChecksumError(long dva, int way);

  /** Notes that what lies at this address was written again in one of the ways. */
  void countRepaired(long dva, int way);
}
