package io.lcpfs.vdev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.memory.SystemMemorySource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class DeviceQueueTest {
  private static final int BLOCK = 4096;

  private final RealEnv env = new RealEnv(2, 4, 32);
  private final SlabAllocator slabs =
      new SlabAllocator(new SystemMemorySource(), 256 << 20, 0, true);

  @AfterEach
  void close() {
    env.close();
    slabs.close();
  }

  private static byte[] pattern(int bytes, long seed) {
    byte[] data = new byte[bytes];
    new SplittableRandom(seed).nextBytes(data);
    return data;
  }

  private static void failsWith(Runnable call, Errno errno) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(PoolException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void everyQueuedWriteArrivesAndNeighboursAreJoined() throws Exception {
    LoggingDevice device = new LoggingDevice(16 << 20, BLOCK);
    byte[] expected = pattern(16 << 20, 1);
    List<int[]> pieces = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(2);
    for (int at = 0; at < expected.length; ) {
      int bytes =
          Math.min(
              expected.length - at,
              BLOCK * (1 + random.nextInt(random.nextInt(20) == 0 ? 100 : 8)));
      pieces.add(new int[] {at, bytes});
      at += bytes;
    }
    Collections.shuffle(pieces, new java.util.Random(3));
    DeviceQueue queue = new DeviceQueue(env, slabs, device);
    long used = slabs.usedBytes();
    device.writesMayEnd = new CountDownLatch(1);
    AtomicInteger done = new AtomicInteger();
    for (int[] piece : pieces) {
      Slab slab = slabs.allocate(piece[1]);
      MemorySegment.copy(MemorySegment.ofArray(expected), piece[0], slab.segment(), 0, piece[1]);
      queue.write(
          piece[0],
          slab.segment(),
          failure -> {
            assertThat(failure).isNull();
            slabs.free(slab);
            done.incrementAndGet();
          });
    }
    assertThat(queue.queuedBytes()).isEqualTo(16 << 20);
    device.awaitWriting(DeviceQueue.MAX_WRITERS);
    device.writesMayEnd.countDown();
    queue.drain();
    assertThat(done).hasValue(pieces.size());
    assertThat(device.content).isEqualTo(expected);
    assertThat(device.events.size()).isLessThan(pieces.size() / 8);
    assertThat(device.events).allMatch(event -> event.data().length <= DeviceQueue.JOINED_BYTES);
    // Who drains helps the writers.
    assertThat(device.mostWriting).isBetween(DeviceQueue.MAX_WRITERS, DeviceQueue.MAX_WRITERS + 1);
    assertThat(slabs.usedBytes()).as("buffers, kept").isEqualTo(used);
    assertThat(queue.queuedBytes()).isZero();
    assertThat(queue.stats().writes()).isEqualTo(device.events.size());
    assertThat(queue.stats().writtenBytes()).isEqualTo(16 << 20);
  }

  @Test
  void fewWritesAreHeldBackUntilSomebodyWaitsForThem() {
    LoggingDevice device = new LoggingDevice(1 << 20, BLOCK);
    DeviceQueue queue = new DeviceQueue(env, slabs, device);
    AtomicInteger done = new AtomicInteger();
    for (int i = 0; i < 20; i++) {
      Slab slab = slabs.allocate(BLOCK);
      queue.write((long) i * BLOCK, slab.segment(), failure -> done.incrementAndGet());
    }
    assertThat(queue.stats().writes()).isZero();
    queue.drain();
    assertThat(done).hasValue(20);
    assertThat(device.events).hasSize(1);
  }

  @Test
  void neighboursAreJoinedThoughAllMemoryIsInUse() {
    LoggingDevice device = new LoggingDevice(1 << 20, BLOCK);
    DeviceQueue queue = new DeviceQueue(env, slabs, device);
    Slab data = slabs.allocate(BLOCK);
    while (slabs.tryAllocate(BLOCK) != null) {
      // takes what is left
    }
    for (int i = 0; i < 20; i++) {
      queue.write((long) i * BLOCK, data.segment(), failure -> assertThat(failure).isNull());
    }
    queue.drain();
    assertThat(device.events).hasSize(1);
  }

  @Test
  void everyWriteStaysWithinTheBytesInFlight() {
    LoggingDevice device = new LoggingDevice(64 << 20, BLOCK);
    DeviceQueue queue = new DeviceQueue(env, slabs, device);
    MemorySegment data = MemorySegment.ofArray(pattern(6 << 20, 1));
    for (int i = 0; i < 10; i++) {
      queue.write((long) i * (6 << 20), data, failure -> assertThat(failure).isNull());
    }
    queue.write(60L << 20, data.asSlice(0, BLOCK), failure -> assertThat(failure).isNull());
    queue.drain();
    assertThat(device.mostBytesWriting).isLessThanOrEqualTo(DeviceQueue.MAX_IN_FLIGHT_BYTES);
    assertThat(device.events).hasSize(11);
  }

  @Test
  void everyWriterWaitsWhileTooMuchIsQueued() throws Exception {
    LoggingDevice device = new LoggingDevice(64 << 20, BLOCK);
    DeviceQueue queue = new DeviceQueue(env, slabs, device);
    device.writesMayEnd = new CountDownLatch(1);
    MemorySegment data = MemorySegment.ofArray(pattern(1 << 20, 1));
    AtomicInteger queued = new AtomicInteger();
    Thread writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int i = 0; i < 40; i++) {
                    queue.write((long) i << 20, data, failure -> assertThat(failure).isNull());
                    queued.incrementAndGet();
                  }
                });
    try {
      // An eighth of the memory budget, and the one that exceeds it. It also waits for locks.
      while (queued.get() < 33 || writer.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }
      assertThat(queued).hasValue(33);
    } finally {
      device.writesMayEnd.countDown();
    }
    writer.join();
    queue.drain();
    assertThat(device.events).hasSize(40);
  }

  @Test
  void everyWriteArrivesWithoutMemoryForJoining() {
    LoggingDevice device = new LoggingDevice(4 << 20, BLOCK);
    SlabAllocator none = new SlabAllocator(new SystemMemorySource(), 64 << 10, 0, false);
    Slab all = none.allocate(64 << 10);
    DeviceQueue queue = new DeviceQueue(env, none, device);
    byte[] expected = pattern(4 << 20, 1);
    for (int at = 0; at < expected.length; at += BLOCK) {
      queue.write(
          at,
          MemorySegment.ofArray(expected).asSlice(at, BLOCK),
          failure -> assertThat(failure).isNull());
    }
    queue.drain();
    assertThat(device.content).isEqualTo(expected);
    none.free(all);
    none.close();
  }

  @Test
  void everyFailedWriteFaultsTheDeviceForGood() {
    LoggingDevice device = new LoggingDevice(1 << 20, BLOCK);
    DeviceQueue queue = new DeviceQueue(env, slabs, device);
    MemorySegment data = MemorySegment.ofArray(pattern(BLOCK, 1));
    queue.writeNow(0, data);
    queue.flush();
    device.failWriteAt = offset -> offset == 8 * BLOCK;
    AtomicInteger failures = new AtomicInteger();
    for (int i = 0; i < 16; i++) {
      queue.write((long) i * BLOCK, data, failure -> failures.addAndGet(failure == null ? 0 : 1));
    }
    failsWith(queue::drain, Errno.EIO);
    assertThat(failures.get()).isPositive();
    assertThat(queue.isFaulted()).isTrue();
    assertThat(queue.fault()).hasMessageContaining("write");
    device.failWriteAt = offset -> false;
    int before = device.events.size();
    failsWith(() -> queue.writeNow(0, data), Errno.EIO);
    failsWith(queue::flush, Errno.EIO);
    failsWith(queue::drain, Errno.EIO);
    failsWith(() -> queue.discard(0, BLOCK), Errno.EIO);
    assertThat(device.events).hasSize(before);
    MemorySegment target = MemorySegment.ofArray(new byte[BLOCK]);
    queue.read(0, target);
    assertThat(target.mismatch(data)).isEqualTo(-1);
  }

  @Test
  void everyFailedFlushIsNeverFollowedByASuccess() {
    LoggingDevice device = new LoggingDevice(1 << 20, BLOCK);
    DeviceQueue queue = new DeviceQueue(env, slabs, device);
    queue.writeNow(0, MemorySegment.ofArray(pattern(BLOCK, 1)));
    device.failFlush = true;
    failsWith(queue::flush, Errno.EIO);
    device.failFlush = false;
    failsWith(queue::flush, Errno.EIO);
    assertThat(queue.isFaulted()).isTrue();
    assertThat(device.events).noneMatch(LoggingDevice.Event::isFlush);
  }

  @Test
  void everyFlushWithoutAWriteBeforeLeavesTheDeviceAlone() {
    LoggingDevice device = new LoggingDevice(1 << 20, BLOCK);
    DeviceQueue queue = new DeviceQueue(env, slabs, device);
    queue.flush();
    assertThat(device.events).isEmpty();
    queue.writeNow(0, MemorySegment.ofArray(pattern(BLOCK, 1)));
    queue.flush();
    queue.flush();
    assertThat(device.events).hasSize(2);
    assertThat(queue.stats().flushes()).isEqualTo(1);
  }

  @Test
  void everyFailedReadIsReportedAndFaultsNothing() {
    LoggingDevice device = new LoggingDevice(1 << 20, BLOCK);
    DeviceQueue queue = new DeviceQueue(env, slabs, device);
    device.failReadAt = offset -> offset == BLOCK;
    MemorySegment target = MemorySegment.ofArray(new byte[2 * BLOCK]);
    failsWith(() -> queue.read(0, target), Errno.EIO);
    queue.read(2 * BLOCK, target);
    assertThat(queue.isFaulted()).isFalse();
    assertThat(queue.stats().readErrors()).isEqualTo(1);
  }

  @Test
  void everyTransferIsWholeBlocks() {
    DeviceQueue queue = new DeviceQueue(env, slabs, new LoggingDevice(1 << 20, BLOCK));
    MemorySegment block = MemorySegment.ofArray(new byte[BLOCK]);
    assertThatThrownBy(() -> queue.readHere(512, block)).isInstanceOf(AssertionError.class);
    assertThatThrownBy(() -> queue.write(0, block.asSlice(0, 512), failure -> {}))
        .isInstanceOf(AssertionError.class);
  }
}
