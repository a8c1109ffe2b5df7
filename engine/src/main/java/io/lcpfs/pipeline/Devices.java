package io.lcpfs.pipeline;

import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Storage by data virtual address, one copy at a time. Lengths are multiples of the sector. */
public interface Devices {

  /** Told once when a write has ended. */
  interface Written {
    /**
     * @param failure null when the device took the write
     */
    void done(@Nullable PoolException failure);
  }

  /**
   * Fills {@code target} from the address; blocks.
   *
   * @throws PoolException Corrupt when there is no such address; DeviceFailed
   */
  void read(long dva, MemorySegment target);

  /** Queues a write; {@code data} must stay as it is until {@code written} was told. */
  void write(long dva, MemorySegment data, Written written);

  /**
   * Waits until no write is queued.
   *
   * @throws PoolException DeviceFailed when a device is faulted
   */
  void awaitWrites();

  /** Bytes that there are addresses for. */
  long capacityBytes();

  /** Notes that a copy read from this address did not verify. */
  void countChecksumError(long dva);
}
