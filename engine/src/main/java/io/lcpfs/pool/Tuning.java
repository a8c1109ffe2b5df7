package io.lcpfs.pool;

import io.lcpfs.memory.AllocationGate;
import io.lcpfs.memory.MemorySource;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.memory.SystemMemorySource;

/**
 * What an imported pool may use of the machine.
 *
 * @param cacheBytes budget of all cached and dirty blocks together; exceeded only while what holds
 *     it is dirty or in use, as large records in a small cache can: {@link SlabAllocator}
 * @param dirtyBytes most unsynced data, at most half of {@code cacheBytes}
 * @param txgTimeoutNanos a dirty group is synced at the latest after this time
 * @param memory where the memory comes from
 * @param gate may refuse single allocations, to prove that a refusal loses nothing
 * @param poison whether freed memory is overwritten and checked, at some cost
 * @param blocksFreedAtOnce most blocks of destroyed datasets and snapshots that one group frees
 */
public record Tuning(
    long cacheBytes,
    long dirtyBytes,
    long txgTimeoutNanos,
    MemorySource memory,
    AllocationGate gate,
    boolean poison,
    int blocksFreedAtOnce) {

  /** 256 MiB of cache, 64 MiB of it dirty, 5 s. */
  public static Tuning standard() {
    return new Tuning(
        256L << 20,
        64L << 20,
        5_000_000_000L,
        new SystemMemorySource(),
        AllocationGate.OPEN,
        false,
        8192);
  }

  public Tuning withCacheBytes(long bytes) {
    return new Tuning(
        bytes,
        Math.min(dirtyBytes, bytes / 2),
        txgTimeoutNanos,
        memory,
        gate,
        poison,
        blocksFreedAtOnce);
  }

  public Tuning withDirtyBytes(long bytes) {
    return new Tuning(cacheBytes, bytes, txgTimeoutNanos, memory, gate, poison, blocksFreedAtOnce);
  }

  public Tuning withTxgTimeoutNanos(long nanos) {
    return new Tuning(cacheBytes, dirtyBytes, nanos, memory, gate, poison, blocksFreedAtOnce);
  }

  public Tuning withMemory(MemorySource source) {
    return new Tuning(
        cacheBytes, dirtyBytes, txgTimeoutNanos, source, gate, poison, blocksFreedAtOnce);
  }

  public Tuning withGate(AllocationGate value) {
    return new Tuning(
        cacheBytes, dirtyBytes, txgTimeoutNanos, memory, value, poison, blocksFreedAtOnce);
  }

  public Tuning withPoison(boolean value) {
    return new Tuning(
        cacheBytes, dirtyBytes, txgTimeoutNanos, memory, gate, value, blocksFreedAtOnce);
  }

  public Tuning withBlocksFreedAtOnce(int blocks) {
    return new Tuning(cacheBytes, dirtyBytes, txgTimeoutNanos, memory, gate, poison, blocks);
  }
}
