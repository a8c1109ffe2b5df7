package io.lcpfs.device;

import io.lcpfs.env.Env;
import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks that a {@link BlockDevice} keeps the contract written there, for whoever implements one.
 * It overwrites the whole device, needs at least 8 blocks, and at most some megabytes are touched.
 */
public final class DeviceContract {

  /** One promise that was broken: which, and what was seen. */
  public record Finding(String promise, String seen) {}

  private static final int WRITERS = 4;
  private static final int WRITES_EACH = 32;
  private static final long SAMPLE_BLOCKS = 128;

  private final BlockDevice device;
  private final Env env;
  private final List<Finding> findings;
  private final int blockSize;
  private final long total;

  /** Blocks that the checks write to: all of a small device, else the first and last ones. */
  private final long[] sample;

  private long random;

  private DeviceContract(BlockDevice device, long seed, Env env, List<Finding> findings) {
    this.device = device;
    this.env = env;
    this.findings = findings;
    this.blockSize = device.blockSize();
    this.total = device.totalBlocks();
    this.random = seed;
    int count = (int) Math.min(SAMPLE_BLOCKS, Math.max(total, 0));
    this.sample = new long[count];
    for (int i = 0; i < count; i++) {
      sample[i] = i < count / 2 ? i : total - count + i;
    }
  }

  /**
   * As the longer {@code check}, without the promise that flushed data is there after reopening.
   */
  public static List<Finding> check(Supplier<? extends BlockDevice> fresh, long seed, Env env) {
    return check(fresh, null, seed, env);
  }

  /**
   * Opens a device, tries everything, and closes it.
   *
   * @param fresh gives an open, writable device whose content may be lost
   * @param reopen gives the same device again after it was closed; null when its content does not
   *     last
   * @param seed decides the content and order of what is written
   * @param env where concurrent writers are started
   * @return the promises that were broken, empty when it keeps them all
   */
  public static List<Finding> check(
      Supplier<? extends BlockDevice> fresh,
      @Nullable Supplier<? extends BlockDevice> reopen,
      long seed,
      Env env) {
    List<Finding> findings = new ArrayList<>();
    BlockDevice device = fresh.get();
    DeviceContract contract = new DeviceContract(device, seed, env, findings);
    long mark = contract.checkOpen();
    device.close();
    contract.checkClosed();
    if (reopen != null && findings.isEmpty()) {
      try (BlockDevice again = reopen.get()) {
        new DeviceContract(again, seed, env, findings).checkReopened(device, mark);
      }
    }
    return List.copyOf(findings);
  }

  private long checkOpen() {
    promise(
        "the block size is a power of two from 512 to 65536",
        Integer.bitCount(blockSize) == 1 && blockSize >= 512 && blockSize <= 65_536,
        blockSize);
    promise("there are at least 8 blocks", total >= 8, total);
    promise("the device is writable", !device.readOnly(), 0);
    if (!findings.isEmpty()) {
      return 0;
    }
    promise(
        "the capacity is blocks times block size",
        device.capacity() == total * blockSize,
        device.capacity());
    int alignment = device.preferredAlignment();
    promise(
        "the preferred alignment is a power of two up to 64 KiB",
        alignment > 0 && alignment <= 65_536 && Integer.bitCount(alignment) == 1,
        alignment);
    promise("the name is not empty", !device.name().isEmpty(), 0);
    guarded("every block reads back as written", this::readAfterWrite);
    guarded("ranges of several blocks read back as written", this::ranges);
    guarded("any buffer will do, whatever its alignment and origin", this::buffers);
    guarded("a range outside the device is EINVAL and changes nothing", this::outOfRange);
    guarded("a buffer of the wrong size is EINVAL", this::wrongBuffers);
    guarded("concurrent writes do not disturb each other", this::concurrentWrites);
    guarded("overlapping concurrent writes leave one of them, block by block", this::overlaps);
    guarded("a discard touches only its range", this::discards);
    long mark = next();
    guarded(
        "every block can be flushed",
        () -> {
          for (long lba : sample) {
            write(lba, mark);
          }
          device.flush();
          device.flush();
        });
    return mark;
  }

  private void readAfterWrite() {
    long mark = next();
    for (long lba : sample) {
      write(lba, mark);
    }
    for (int i = 0; i < sample.length; i++) {
      long lba = sample[(int) Math.floorMod(next(), (long) sample.length)];
      expect("every block reads back as written", lba, mark);
    }
    expect("the last block reads back as written", total - 1, mark);
  }

  private void ranges() {
    long mark = next();
    int most = (int) Math.min(total, Math.max(2, (2 << 20) / blockSize));
    for (int count = 1; count <= most; count = count * 2 + 1) {
      long lba = Math.floorMod(next(), total - count + 1);
      try (Arena arena = Arena.ofShared()) {
        MemorySegment written = arena.allocate((long) count * blockSize, 4096);
        MemorySegment read = arena.allocate((long) count * blockSize, 4096);
        for (int i = 0; i < count; i++) {
          fill(written.asSlice((long) i * blockSize, blockSize), lba + i, mark);
        }
        device.writeBlocks(lba, count, written);
        device.readBlocks(lba, count, read);
        promise("ranges of several blocks read back as written", written.mismatch(read) == -1, lba);
      }
      expect("a block of a range reads alone as written", lba + count - 1, mark);
    }
    device.readBlocks(total, 0, MemorySegment.ofArray(new byte[0]));
  }

  private void buffers() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment area = arena.allocate(blockSize * 3L + 64, 4096);
      long lba = total - 2;
      for (int shift : new int[] {0, 1, 8, 24}) {
        long mark = next();
        MemorySegment source = area.asSlice(shift, blockSize * 2L);
        fill(source.asSlice(0, blockSize), lba, mark);
        fill(source.asSlice(blockSize, blockSize), lba + 1, mark);
        device.writeBlocks(lba, 2, source.asReadOnly());
        MemorySegment heap = MemorySegment.ofArray(new byte[blockSize * 2]);
        device.readBlocks(lba, 2, heap);
        promise(
            "any buffer will do, whatever its alignment and origin",
            heap.mismatch(source) == -1,
            shift);
        device.writeBlocks(lba - 2, 2, heap);
        device.readBlocks(lba - 2, 2, source);
        promise("a heap buffer is written as it is", heap.mismatch(source) == -1, shift);
      }
    }
  }

  private void outOfRange() {
    String promise = "a range outside the device is EINVAL and changes nothing";
    long mark = next();
    write(total - 1, mark);
    write(0, mark);
    MemorySegment two = MemorySegment.ofArray(new byte[2 * blockSize]);
    for (long lba :
        new long[] {
          -1,
          -2,
          total - 1,
          total,
          total + 1,
          Long.MAX_VALUE,
          Long.MAX_VALUE / blockSize,
          Long.MIN_VALUE
        }) {
      expectErrno(promise, Errno.EINVAL, () -> device.writeBlocks(lba, 2, two));
      expectErrno(promise, Errno.EINVAL, () -> device.readBlocks(lba, 2, two));
      expectErrno(promise, Errno.EINVAL, () -> device.discard(lba, 2));
    }
    expectErrno(promise, Errno.EINVAL, () -> device.discard(0, total + 1));
    expectErrno(promise, Errno.EINVAL, () -> device.discard(0, -1));
    expect(promise, total - 1, mark);
    expect(promise, 0, mark);
  }

  private void wrongBuffers() {
    for (int bytes : new int[] {0, blockSize - 1, blockSize + 1, 2 * blockSize}) {
      MemorySegment buffer = MemorySegment.ofArray(new byte[bytes]);
      String promise = "a buffer of the wrong size is EINVAL";
      expectErrno(promise, Errno.EINVAL, () -> device.readBlocks(0, 1, buffer));
      expectErrno(promise, Errno.EINVAL, () -> device.writeBlocks(0, 1, buffer));
    }
    MemorySegment readOnly = MemorySegment.ofArray(new byte[blockSize]).asReadOnly();
    expectErrno(
        "reading into a read-only buffer is EINVAL",
        Errno.EINVAL,
        () -> device.readBlocks(0, 1, readOnly));
  }

  /** Each writer has the blocks of one residue, so that neighbours are written at the same time. */
  private void concurrentWrites() {
    long mark = next();
    inParallel(
        writer -> {
          for (int i = writer; i < sample.length && i < WRITERS * WRITES_EACH; i += WRITERS) {
            write(sample[i], mark);
            if (i % 8 == 0) {
              device.flush();
            }
          }
        });
    for (int i = 0; i < sample.length && i < WRITERS * WRITES_EACH; i++) {
      expect("concurrent writes do not disturb each other", sample[i], mark);
    }
  }

  private void overlaps() {
    int count = (int) Math.min(8, total);
    long base = next();
    inParallel(
        writer -> {
          for (int round = 0; round < WRITES_EACH; round++) {
            writeRange(0, count, base + writer);
          }
        });
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment read = arena.allocate((long) count * blockSize, 4096);
      MemorySegment wanted = arena.allocate(blockSize, 4096);
      device.readBlocks(0, count, read);
      for (int i = 0; i < count; i++) {
        boolean one = false;
        for (int writer = 0; writer < WRITERS; writer++) {
          fill(wanted, i, base + writer);
          one |= read.asSlice((long) i * blockSize, blockSize).mismatch(wanted) == -1;
        }
        promise("overlapping concurrent writes leave one of them, block by block", one, i);
      }
    }
  }

  private interface Writer {
    void run(int writer);
  }

  private void inParallel(Writer body) {
    List<Task<Void>> tasks = new ArrayList<>();
    for (int writer = 0; writer < WRITERS; writer++) {
      int number = writer;
      tasks.add(env.fork("contract-writer-" + writer, () -> body.run(number)));
    }
    tasks.forEach(Task::join);
  }

  private void discards() {
    long mark = next();
    for (long lba : sample) {
      write(lba, mark);
    }
    device.discard(2, 2);
    device.discard(total - 2, 1);
    device.discard(0, 0);
    for (long lba : sample) {
      if (lba != 2 && lba != 3 && lba != total - 2) {
        expect("a discard touches only its range", lba, mark);
      }
    }
    long again = next();
    write(2, again);
    write(total - 2, again);
    expect("a discarded block can be written again", 2, again);
    expect("a discarded block can be written again", total - 2, again);
  }

  private void checkClosed() {
    String promise = "after close every call is refused with EBADF, and close does nothing";
    MemorySegment block = MemorySegment.ofArray(new byte[blockSize]);
    expectErrno(promise, Errno.EBADF, () -> device.readBlocks(0, 1, block));
    expectErrno(promise, Errno.EBADF, () -> device.writeBlocks(0, 1, block));
    expectErrno(promise, Errno.EBADF, device::flush);
    guarded(promise, device::close);
  }

  private void checkReopened(BlockDevice before, long mark) {
    promise(
        "a reopened device has the block size it had", blockSize == before.blockSize(), blockSize);
    promise("a reopened device has the blocks it had", total == before.totalBlocks(), total);
    if (findings.isEmpty()) {
      guarded(
          "flushed blocks are there after reopening",
          () -> {
            for (long lba : sample) {
              expect("flushed blocks are there after reopening", lba, mark);
            }
          });
    }
  }

  // Content: every 8 bytes of a block say which block of which mark they are.

  private static void fill(MemorySegment block, long lba, long mark) {
    for (long at = 0; at < block.byteSize(); at += Long.BYTES) {
      block.set(ValueLayout.JAVA_LONG_UNALIGNED, at, mix(mark + lba * 0x9e3779b97f4a7c15L + at));
    }
  }

  private void write(long lba, long mark) {
    writeRange(lba, 1, mark);
  }

  private void writeRange(long lba, int count, long mark) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment blocks = arena.allocate((long) count * blockSize, 4096);
      for (int i = 0; i < count; i++) {
        fill(blocks.asSlice((long) i * blockSize, blockSize), lba + i, mark);
      }
      device.writeBlocks(lba, count, blocks);
    }
  }

  private void expect(String promise, long lba, long mark) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment wanted = arena.allocate(blockSize, 4096);
      MemorySegment read = arena.allocate(blockSize, 4096);
      fill(wanted, lba, mark);
      device.readBlocks(lba, 1, read);
      long at = read.mismatch(wanted);
      if (at >= 0) {
        findings.add(new Finding(promise, "block " + lba + " differs at byte " + at));
      }
    }
  }

  // Findings.

  private void promise(String promise, boolean kept, long value) {
    if (!kept) {
      findings.add(new Finding(promise, "value " + value));
    }
  }

  private void guarded(String promise, Runnable body) {
    try {
      body.run();
    } catch (RuntimeException e) {
      findings.add(new Finding(promise, "threw " + e));
    }
  }

  private void expectErrno(String promise, Errno errno, Runnable call) {
    try {
      call.run();
      findings.add(new Finding(promise, "nothing was thrown"));
    } catch (PoolException e) {
      if (e.errno() != errno) {
        findings.add(new Finding(promise, "threw " + e.errno() + ": " + e.getMessage()));
      }
    } catch (RuntimeException e) {
      findings.add(new Finding(promise, "threw " + e));
    }
  }

  private long next() {
    random += 0x9e3779b97f4a7c15L;
    return mix(random);
  }

  /** The finaliser of splitmix64 (Steele, Lea, Flood 2014). */
  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
