package io.lcpfs.sim.device;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.sim.world.Digest;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A {@link SimMedium} attached to one incarnation of a machine. Commands take virtual time; faults
 * strike by the {@link FaultPlan}. Every write goes into the digest of the run.
 */
public final class SimDevice implements BlockDevice {
  private static final int MICRO = 1_000;
  private static final int MILLI = 1_000_000;

  private final SimEnv env;
  private final SimMedium medium;
  private final FaultPlan faults;
  private final SimRandom random;
  private final long nameHash;
  private CommandHook hook = CommandHook.NONE;
  private boolean ignoreFlush;
  private boolean gone;
  private boolean closed;
  private long commands;

  public SimDevice(SimEnv env, SimMedium medium, FaultPlan faults) {
    this.env = env;
    this.medium = medium;
    this.faults = faults;
    this.nameHash = Digest.of(medium.name());
    this.random = env.randomFor("device " + medium.name() + " of " + env.name());
  }

  public SimMedium medium() {
    return medium;
  }

  public SimDevice hook(CommandHook told) {
    this.hook = told;
    return this;
  }

  /** Writes, flushes and discards so far. */
  public long commands() {
    return commands;
  }

  /**
   * The flush about to happen shall do nothing and say that it did: to be called by the hook that
   * is told of it.
   */
  public void ignoreFlush() {
    ignoreFlush = true;
    faults.count(FaultKind.IGNORED_FLUSH);
  }

  /** From now on every command fails. */
  public void disappear() {
    gone = true;
    faults.count(FaultKind.DISAPPEARANCE);
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    checkRange(lba, blockCount, target.byteSize());
    pause(20 * MICRO, 150 * MICRO);
    if (faults.slowReads() && random.chance(100)) {
      pause(50 * MILLI, 600 * MILLI);
    }
    checkPresent("read");
    if (faults.strikes(FaultKind.READ_ERROR, medium.name())) {
      throw failed("read", "injected read error at block " + lba);
    }
    int size = medium.blockSize();
    for (int i = 0; i < blockCount; i++) {
      MemorySegment.copy(
          medium.read(lba + i), 0, target, ValueLayout.JAVA_BYTE, (long) i * size, size);
    }
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    checkRange(lba, blockCount, source.byteSize());
    checkPresent("write");
    // The data is taken at any moment before the return: a caller that changes its buffer is seen.
    pause(0, 60 * MICRO);
    checkPresent("write");
    env.record(nameHash ^ lba);
    env.record(Digest.of(source));
    byte[][] pages = pagesOf(blockCount, source);
    LoggedWrite written = store(lba, pages);
    command(false);
    pause(10 * MICRO, 100 * MICRO);
    checkPresent("write");
    if (written != null) {
      written.returned = true;
    }
  }

  private byte[][] pagesOf(int blockCount, MemorySegment source) {
    int size = medium.blockSize();
    byte[][] pages = new byte[blockCount][size];
    for (int i = 0; i < blockCount; i++) {
      MemorySegment.copy(source, ValueLayout.JAVA_BYTE, (long) i * size, pages[i], 0, size);
    }
    return pages;
  }

  private @Nullable LoggedWrite store(long lba, byte[][] pages) {
    if (faults.strikes(FaultKind.WRITE_ERROR, medium.name())) {
      int done = random.nextInt(pages.length + 1);
      if (done > 0) {
        medium.write(lba, Arrays.copyOf(pages, done));
      }
      throw failed("write", "injected write error at block " + lba);
    }
    if (faults.strikes(FaultKind.LOST_WRITE, medium.name())) {
      return null;
    }
    if (faults.strikes(FaultKind.MISDIRECTED_WRITE, medium.name())) {
      long elsewhere = random.nextLong(medium.blocks() - pages.length + 1);
      return medium.write(elsewhere, pages);
    }
    return medium.write(lba, pages);
  }

  @Override
  public void flush() {
    checkOpen();
    checkPresent("flush");
    command(true);
    List<LoggedWrite> covered = medium.coveredByFlush();
    pause(100 * MICRO, 2 * MILLI);
    checkPresent("flush");
    if (faults.strikes(FaultKind.FLUSH_ERROR, medium.name())) {
      List<LoggedWrite> dropped = new ArrayList<>();
      for (LoggedWrite write : covered) {
        if (random.nextBoolean()) {
          dropped.add(write);
        }
      }
      medium.forget(dropped);
      throw failed("flush", "injected flush error");
    }
    env.record(nameHash + 1);
    if (ignoreFlush) {
      ignoreFlush = false;
      return;
    }
    medium.makeDurable(covered);
  }

  @Override
  public void discard(long lba, long blockCount) {
    checkOpen();
    if (lba < 0 || blockCount < 0 || lba > medium.blocks() - blockCount) {
      throw invalid("discard of " + blockCount + " blocks at " + lba);
    }
    checkPresent("discard");
    command(true);
    env.record(nameHash ^ ~lba);
    pause(10 * MICRO, 50 * MICRO);
    for (long i = 0; i < blockCount; i++) {
      // What is discarded reads as anything: kept, zeros, or rubbish, and at once.
      int outcome = random.nextInt(3);
      if (outcome != 0) {
        byte[] page = new byte[medium.blockSize()];
        if (outcome == 2) {
          random.nextBytes(page);
        }
        medium.overwriteSilently(lba + i, page);
      }
    }
  }

  private void command(boolean barrier) {
    commands++;
    hook.onCommand(this, barrier);
  }

  private void pause(int fromNanos, int toNanos) {
    long nanos = random.between(fromNanos, toNanos);
    if (faults.strikes(FaultKind.LATENCY_SPIKE, medium.name())) {
      nanos += random.between(20 * MILLI, 2_000 * MILLI);
    }
    sleepThrough(nanos);
  }

  /** Devices do not hear interrupts. */
  private void sleepThrough(long nanos) {
    boolean interrupted = Thread.interrupted();
    env.sleep(nanos);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void checkRange(long lba, int blockCount, long bytes) {
    checkOpen();
    if (blockCount <= 0 || lba < 0 || lba > medium.blocks() - blockCount) {
      throw invalid(blockCount + " blocks at " + lba + " of " + medium.blocks());
    }
    if (bytes != (long) blockCount * medium.blockSize()) {
      throw invalid("buffer of " + bytes + " bytes for " + blockCount + " blocks");
    }
  }

  private void checkOpen() {
    Check.that(!env.crashed(), "a crashed machine gave a command");
    if (closed) {
      throw failed("command", "device is closed");
    }
  }

  private void checkPresent(String operation) {
    if (!gone && faults.strikes(FaultKind.DISAPPEARANCE, medium.name())) {
      gone = true;
    }
    if (gone) {
      throw failed(operation, "device is gone");
    }
  }

  private PoolException failed(String operation, String detail) {
    return new PoolException(new PoolError.DeviceFailed(name(), operation, detail));
  }

  private PoolException invalid(String detail) {
    return new PoolException(new PoolError.Refused(Errno.EINVAL, name() + ": " + detail));
  }

  @Override
  public int blockSize() {
    return medium.blockSize();
  }

  @Override
  public long totalBlocks() {
    return medium.blocks();
  }

  @Override
  public String name() {
    return medium.name();
  }

  @Override
  public void close() {
    closed = true;
  }
}
