package io.lcpfs.checkup;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.DeviceContract;
import io.lcpfs.env.Env;
import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** Tries one device; its content is lost. */
final class DeviceTrial {
  private static final int ROUNDS = 32;

  /** No device that keeps its promise over a power cut flushes in less than this. */
  private static final long LEAST_FLUSH_NANOS = 5_000;

  private static final int ALIGNMENT_BYTES = 4096;

  private final Env env;
  private final Supplier<? extends BlockDevice> fresh;
  private final long seed;

  DeviceTrial(Env env, Supplier<? extends BlockDevice> fresh, long seed) {
    this.env = env;
    this.fresh = fresh;
    this.seed = seed;
  }

  /** The contract of BlockDevice. */
  CheckedItem contract() {
    List<DeviceContract.Finding> findings;
    try {
      findings = DeviceContract.check(fresh, fresh, seed, env);
    } catch (PoolException e) {
      return CheckedItem.broken(
          "device contract", IntegrationChecklist.shown(e), "mend the device, or name another one");
    }
    if (findings.isEmpty()) {
      return CheckedItem.ok("device contract", "all promises of a block device are kept");
    }
    DeviceContract.Finding first = findings.getFirst();
    String more = findings.size() == 1 ? "" : " (and " + (findings.size() - 1) + " more)";
    return CheckedItem.broken(
        "device contract",
        "broken: " + first.promise() + ": " + first.seen() + more,
        "do not put a pool on it; mend its driver or replace it");
  }

  /** Writes with a flush after each, then looks whether all are there, and how long they took. */
  List<CheckedItem> order() {
    long[] flushes = new long[ROUNDS];
    String name;
    try (BlockDevice device = fresh.get();
        Arena arena = Arena.ofConfined()) {
      name = device.name();
      MemorySegment block = arena.allocate(device.blockSize(), ALIGNMENT_BYTES);
      long far = device.totalBlocks() - 1;
      for (int round = 0; round < ROUNDS; round++) {
        block.set(ValueLayout.JAVA_LONG, 0, seed + round);
        device.writeBlocks(round % 2 == 0 ? 0 : far, 1, block);
        long before = env.nanoTime();
        device.flush();
        flushes[round] = env.nanoTime() - before;
      }
    }
    Arrays.sort(flushes);
    List<CheckedItem> items = new ArrayList<>();
    items.add(reopened(name));
    items.add(flushTime(flushes[ROUNDS / 2]));
    return items;
  }

  private CheckedItem reopened(String name) {
    try (BlockDevice device = fresh.get();
        Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocate(device.blockSize(), ALIGNMENT_BYTES);
      device.readBlocks(0, 1, block);
      long even = block.get(ValueLayout.JAVA_LONG, 0) - seed;
      device.readBlocks(device.totalBlocks() - 1, 1, block);
      long odd = block.get(ValueLayout.JAVA_LONG, 0) - seed;
      if (even == ROUNDS - 2 && odd == ROUNDS - 1) {
        return CheckedItem.ok("write order", "the last flushed write of each block is there");
      }
      return CheckedItem.broken(
          "write order",
          "after reopening " + name + ", flushed writes were missing or older ones were back",
          "do not put a pool on it; turn off its volatile write cache or replace it");
    }
  }

  private static CheckedItem flushTime(long medianNanos) {
    String finding = "a flush takes " + medianNanos / 1000 + " us";
    if (medianNanos < LEAST_FLUSH_NANOS) {
      return CheckedItem.warning(
          "flush",
          finding + ": it seems to stay in memory, and a power cut would lose it",
          "for data that matters use a device that answers a flush when it is durable");
    }
    return CheckedItem.ok("flush", finding);
  }
}
