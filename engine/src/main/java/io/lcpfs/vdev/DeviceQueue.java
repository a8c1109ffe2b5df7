package io.lcpfs.vdev;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The way to one device. Reads go straight to it. Queued writes are sorted by offset and neighbours
 * are joined to requests of up to 1 MiB; at most {@link #MAX_WRITERS} requests and {@link
 * #MAX_IN_FLIGHT_BYTES} are at the device at once. They are held back until there are enough of
 * them to be joined, or somebody {@linkplain #drain waits} for them.
 *
 * <p>A failed write or flush faults the device for good: everything written to it after that is
 * refused, and no later flush succeeds, since nobody knows what the failed one lost. Reads go on.
 *
 * <p>Offsets and lengths are bytes, multiples of the device's block. Two queued writes that are not
 * yet done must not overlap. Safe for use by many threads.
 */
public final class DeviceQueue {
  public static final int MAX_WRITERS = 4;

  /** Whoever writes waits while more than this is queued: queued data holds memory. */
  public static final long MAX_QUEUED_BYTES = 64 << 20;

  /** And while more than this part of the memory budget is. */
  private static final int QUEUED_SHARE = 8;

  /** Writes are held back while less waits: their neighbours are on the way. */
  private static final int HELD_BYTES = 256 << 10;

  public static final long MAX_IN_FLIGHT_BYTES = 16 << 20;

  /** Joined requests are at most this long; less where the memory budget is small. */
  public static final int JOINED_BYTES = 1 << 20;

  private static final int LEAST_JOINED_BYTES = 64 << 10;

  /** The buffers of all queues for joined requests take this part of the memory budget. */
  private static final int JOINED_SHARE = 64;

  /**
   * A write at least this long is not copied to be joined: the copy would cost more than a request.
   */
  public static final int STRAIGHT_BYTES = 256 << 10;

  private final Env env;
  private final BlockDevice device;
  private final int blockBytes;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();
  private final Condition room = lock.newCondition();
  private final long maxQueuedBytes;
  private final int joinedBytes;

  /** Buffers for joined requests, kept: a full cache leaves none to be had later. */
  private final ArrayDeque<Slab> buffers = new ArrayDeque<>(MAX_WRITERS);

  private final TreeMap<Long, Write> pending = new TreeMap<>();
  private final ReentrantLock flushLock = new ReentrantLock();
  private long outstanding;
  private long queuedBytes;
  private long inFlightBytes;

  /** How many wait for all writes. */
  private int draining;

  private long sweep;
  private int writers;

  /** Writers that are at the device; the others wait for a device thread. */
  private int working;

  /** Whether something was written that no flush that began later has covered. */
  private volatile boolean unflushed;

  private volatile @Nullable PoolException fault;

  private final AtomicLong reads = new AtomicLong();
  private final AtomicLong readBytes = new AtomicLong();
  private final AtomicLong readErrors = new AtomicLong();
  private final AtomicLong writes = new AtomicLong();
  private final AtomicLong writtenBytes = new AtomicLong();
  private final AtomicLong writeErrors = new AtomicLong();
  private final AtomicLong flushes = new AtomicLong();

  private record Write(long offset, MemorySegment data, Completion done) {
    long end() {
      return offset + data.byteSize();
    }
  }

  /** What was done since the queue was made: requests to the device, bytes, failed requests. */
  public record Stats(
      long reads,
      long readBytes,
      long readErrors,
      long writes,
      long writtenBytes,
      long writeErrors,
      long flushes) {}

  /**
   * @param slabs where the buffers for joined writes come from; without one, writes go singly
   */
  public DeviceQueue(Env env, SlabAllocator slabs, BlockDevice device) {
    this(env, slabs, device, 1);
  }

  /**
   * As above.
   *
   * @param queues how many share the memory: the devices of the pool
   */
  public DeviceQueue(Env env, SlabAllocator slabs, BlockDevice device, int queues) {
    this.env = env;
    this.device = device;
    this.blockBytes = device.blockSize();
    this.maxQueuedBytes =
        Math.clamp(slabs.budgetBytes() / QUEUED_SHARE, JOINED_BYTES, MAX_QUEUED_BYTES);
    long share = slabs.budgetBytes() / JOINED_SHARE / queues;
    this.joinedBytes =
        Math.clamp(Long.highestOneBit(share / MAX_WRITERS), LEAST_JOINED_BYTES, JOINED_BYTES);
    for (int i = 0; i < Math.clamp(share / joinedBytes, 1, MAX_WRITERS); i++) {
      Slab slab = slabs.tryAllocate(joinedBytes);
      if (slab != null) {
        buffers.add(slab);
      }
    }
  }

  public BlockDevice device() {
    return device;
  }

  private void checkRange(long offset, long bytes) {
    Check.that(offset >= 0 && offset % blockBytes == 0, "device offset", offset);
    Check.that(bytes > 0 && bytes % blockBytes == 0, "device transfer", bytes);
  }

  /**
   * Fills {@code target} from {@code offsetBytes} on; the caller waits while a device thread reads.
   *
   * @throws PoolException EIO when the device cannot read it
   */
  public void read(long offsetBytes, MemorySegment target) {
    env.onDevice(
            () -> {
              readHere(offsetBytes, target);
              return true;
            })
        .join();
  }

  /** As {@link #read}, for a caller that is on a device thread. */
  public void readHere(long offsetBytes, MemorySegment target) {
    checkRange(offsetBytes, target.byteSize());
    reads.incrementAndGet();
    try {
      device.readBlocks(offsetBytes / blockBytes, blocks(target), target);
    } catch (PoolException e) {
      readErrors.incrementAndGet();
      throw e;
    }
    readBytes.addAndGet(target.byteSize());
  }

  private int blocks(MemorySegment data) {
    return Math.toIntExact(data.byteSize() / blockBytes);
  }

  /**
   * Queues a write; waits only while too much is queued, so not to be called on a device thread.
   * The data must stay as it is until {@code done} is told.
   */
  public void write(long offsetBytes, MemorySegment data, Completion done) {
    checkRange(offsetBytes, data.byteSize());
    Write write = new Write(offsetBytes, data, done);
    boolean startWriter;
    lock.lock();
    try {
      while (queuedBytes > maxQueuedBytes) {
        room.awaitUninterruptibly();
      }
      Map.Entry<Long, Write> before = pending.lowerEntry(write.end());
      Check.that(
          before == null || before.getValue().end() <= offsetBytes,
          "overlapping write at",
          offsetBytes);
      pending.put(offsetBytes, write);
      outstanding++;
      queuedBytes += data.byteSize();
      startWriter = writers < MAX_WRITERS && !holdsBack();
      if (startWriter) {
        writers++;
      }
    } finally {
      lock.unlock();
    }
    if (startWriter) {
      startWriter(write);
    }
  }

  /** Whether what waits had better wait for more; lock held. */
  private boolean holdsBack() {
    return draining == 0 && queuedBytes - inFlightBytes < HELD_BYTES;
  }

  private void startWriter(@Nullable Write first) {
    boolean started = false;
    try {
      env.onDevice(
          () -> {
            writeLoop();
            return true;
          });
      started = true;
    } finally {
      if (!started) {
        withdraw(first);
      }
    }
  }

  private void help() {
    lock.lock();
    try {
      writers++;
    } finally {
      lock.unlock();
    }
    writeLoop();
  }

  /** The world is closing: nobody would ever write it. */
  private void withdraw(@Nullable Write write) {
    lock.lock();
    try {
      writers--;
      if (write != null && pending.remove(write.offset, write)) {
        outstanding--;
        queuedBytes -= write.data.byteSize();
        idle.signalAll();
        room.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  private void writeLoop() {
    while (true) {
      List<Write> batch;
      boolean startWriter;
      lock.lock();
      try {
        batch = takeBatch();
        if (batch.isEmpty()) {
          writers--;
          return;
        }
        // Writers leave while the device has enough bytes; with room again, one comes back.
        startWriter =
            !pending.isEmpty()
                && !holdsBack()
                && writers < MAX_WRITERS
                && inFlightBytes <= MAX_IN_FLIGHT_BYTES / 2;
        if (startWriter) {
          writers++;
        }
      } finally {
        lock.unlock();
      }
      boolean finished = false;
      try {
        if (startWriter) {
          startWriter(null);
        }
        writeBatch(batch);
        finished = true;
      } finally {
        endBatch(batch, finished);
      }
    }
  }

  /**
   * The next write in the order of the sweep, with the neighbours to be joined to it; lock held.
   */
  private List<Write> takeBatch() {
    Map.Entry<Long, Write> entry = pending.ceilingEntry(sweep);
    if (entry == null) {
      entry = pending.firstEntry();
    }
    if (entry == null) {
      return List.of();
    }
    Write first = entry.getValue();
    long total = first.data.byteSize();
    if (working == MAX_WRITERS
        || holdsBack()
        || (inFlightBytes > 0 && inFlightBytes + total > MAX_IN_FLIGHT_BYTES)) {
      return List.of(); // a writer that is at the device goes on with it
    }
    List<Write> batch = new ArrayList<>();
    pending.remove(first.offset);
    batch.add(first);
    Write next = total < STRAIGHT_BYTES ? pending.get(first.end()) : null;
    while (next != null
        && next.data.byteSize() < STRAIGHT_BYTES
        && total + next.data.byteSize() <= joinedBytes) {
      pending.remove(next.offset);
      batch.add(next);
      total += next.data.byteSize();
      next = pending.get(next.end());
    }
    sweep = batch.getLast().end();
    working++;
    inFlightBytes += total;
    return batch;
  }

  private void endBatch(List<Write> batch, boolean finished) {
    long total = 0;
    for (Write write : batch) {
      total += write.data.byteSize();
    }
    lock.lock();
    try {
      working--;
      inFlightBytes -= total;
      queuedBytes -= total;
      outstanding -= batch.size();
      room.signalAll();
      if (!finished) {
        writers--;
      }
      if (outstanding == 0) {
        idle.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  private void writeBatch(List<Write> batch) {
    if (batch.size() > 1) {
      Write first = batch.getFirst();
      int total = (int) (batch.getLast().end() - first.offset);
      Slab slab = takeBuffer();
      if (slab != null) {
        try {
          PoolException failure = tryWrite(first.offset, gather(batch, slab, total));
          batch.forEach(write -> write.done.done(failure));
        } finally {
          giveBack(slab);
        }
        return;
      }
    }
    for (Write write : batch) {
      write.done.done(tryWrite(write.offset, write.data));
    }
  }

  private static MemorySegment gather(List<Write> batch, Slab slab, int total) {
    long at = 0;
    for (Write write : batch) {
      MemorySegment.copy(write.data, 0, slab.segment(), at, write.data.byteSize());
      at += write.data.byteSize();
    }
    return slab.segment().asSlice(0, total);
  }

  private @Nullable Slab takeBuffer() {
    lock.lock();
    try {
      return buffers.poll();
    } finally {
      lock.unlock();
    }
  }

  private void giveBack(Slab slab) {
    lock.lock();
    try {
      buffers.add(slab);
    } finally {
      lock.unlock();
    }
  }

  private @Nullable PoolException tryWrite(long offset, MemorySegment data) {
    try {
      writeHere(offset, data);
      return null;
    } catch (PoolException e) {
      return e;
    }
  }

  /**
   * Writes past the queue and waits, as an intent log needs it.
   *
   * @throws PoolException EIO when the device failed, now or before
   */
  public void writeNow(long offsetBytes, MemorySegment data) {
    env.onDevice(
            () -> {
              writeHere(offsetBytes, data);
              return true;
            })
        .join();
  }

  /** As {@link #writeNow}, for a caller that is on a device thread. */
  public void writeHere(long offsetBytes, MemorySegment data) {
    checkRange(offsetBytes, data.byteSize());
    refuseIfFaulted();
    writes.incrementAndGet();
    try {
      device.writeBlocks(offsetBytes / blockBytes, blocks(data), data);
    } catch (PoolException e) {
      writeErrors.incrementAndGet();
      throw faulted(e);
    }
    unflushed = true;
    writtenBytes.addAndGet(data.byteSize());
  }

  private PoolException faulted(PoolException cause) {
    lock.lock();
    try {
      if (fault == null) {
        fault = cause;
      }
    } finally {
      lock.unlock();
    }
    return cause;
  }

  private void refuseIfFaulted() {
    PoolException cause = fault;
    if (cause != null) {
      throw new PoolException(
          new PoolError.DeviceFailed(
              device.name(), "write", "the device is faulted: " + cause.error().message()),
          cause);
    }
  }

  /**
   * Waits until no queued write is left. A platform thread helps to write them: it may be the
   * device thread that a writer would need.
   *
   * @throws PoolException EIO when the device is faulted
   */
  public void drain() {
    boolean startWriter;
    lock.lock();
    try {
      draining++;
      startWriter = !pending.isEmpty() && writers < MAX_WRITERS;
      if (startWriter) {
        writers++;
      }
    } finally {
      lock.unlock();
    }
    try {
      if (startWriter) {
        startWriter(null);
      }
      if (!Thread.currentThread().isVirtual()) {
        help();
      }
      awaitIdle();
    } finally {
      lock.lock();
      try {
        draining--;
      } finally {
        lock.unlock();
      }
    }
    refuseIfFaulted();
  }

  private void awaitIdle() {
    lock.lock();
    try {
      while (outstanding > 0) {
        idle.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes durable every write that was done (its completion told) before this call. Does nothing at
   * the device when nothing was written since the last one.
   *
   * @throws PoolException EIO when the device failed, now or before
   */
  public void flush() {
    env.onDevice(
            () -> {
              flushHere();
              return true;
            })
        .join();
  }

  /** As {@link #flush}, for a caller that is on a device thread. */
  public void flushHere() {
    // A caller whose write another flush may cover waits here until that one has succeeded.
    flushLock.lock();
    try {
      refuseIfFaulted();
      if (!unflushed) {
        return;
      }
      unflushed = false;
      flushes.incrementAndGet();
      try {
        device.flush();
      } catch (PoolException e) {
        writeErrors.incrementAndGet();
        throw faulted(e);
      }
      refuseIfFaulted();
    } finally {
      flushLock.unlock();
    }
  }

  /**
   * Tells the device that a range is unused; waits for it. Parts of blocks at the ends are left
   * out.
   *
   * @throws PoolException EIO when the device failed
   */
  public void discard(long offsetBytes, long bytes) {
    long first = Math.ceilDiv(offsetBytes, blockBytes);
    long count = (offsetBytes + bytes) / blockBytes - first;
    if (count > 0) {
      env.onDevice(
              () -> {
                refuseIfFaulted();
                device.discard(first, count);
                return true;
              })
          .join();
    }
  }

  /** Whether a write or flush has failed. */
  public boolean isFaulted() {
    return fault != null;
  }

  /** The first failure of a write or flush, or null. */
  public @Nullable PoolException fault() {
    return fault;
  }

  /** Bytes queued or at the device. */
  public long queuedBytes() {
    lock.lock();
    try {
      return queuedBytes;
    } finally {
      lock.unlock();
    }
  }

  public Stats stats() {
    return new Stats(
        reads.get(),
        readBytes.get(),
        readErrors.get(),
        writes.get(),
        writtenBytes.get(),
        writeErrors.get(),
        flushes.get());
  }
}
